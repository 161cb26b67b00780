"""The controllers of workloads against a real API server, with a node that the test plays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from backend.controllers.garbage_collector import GarbageCollector
from backend.controllers.workloads.all import Workloads
from backend.machinery.client import EVENTS, GVR, PODS
from backend.machinery.clock import FakeClock
from backend.machinery.informers import SharedInformers
from backend.meta import timefmt
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from tests.support.control_plane import ControlPlane, running

STEP = 0.02
"""Seconds of the fake clock at each look, so that retries come."""


class Workshop:
    """Pods start, become ready and go as the test says: by themselves while `starts` holds of a pod."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.client = plane.client
        self.clock = FakeClock(float(int(time.time())))
        self.starts: Callable[[Obj], bool] = lambda _pod: True

    @asynccontextmanager
    async def controllers(self, *, collect: bool = False) -> AsyncIterator[None]:
        """As after a start: they remember nothing. With the garbage collector if `collect`."""
        informers = SharedInformers(self.client, self.clock)
        made = Workloads(informers, self.plane.acting_as, self.clock)
        parts: list[Awaitable[None]] = [controller.run() for controller in made.controllers]
        parts += [recorder.run() for recorder in made.recorders]
        parts += [informer.run() for informer in informers]
        if collect:
            parts.append(GarbageCollector(self.client, catalog=self.plane.catalog).run())
        async with running(*parts):
            yield

    @asynccontextmanager
    async def node(self) -> AsyncIterator[None]:
        """Plays the kubelet: one at a time, so that a test may stop it between any two pods."""
        async with running(self._play_node()):
            yield

    async def _play_node(self) -> None:
        while True:
            for pod in await self.pods():
                if pod["metadata"].get("deletionTimestamp"):
                    await self.finish(pod)
                elif phase(pod) == "Pending" and self.starts(pod):
                    await self.ready(pod)
            await asyncio.sleep(0.005)

    async def create(self, gvr: GVR, name: str = "w", *, labels: Obj | None = None, **spec: Any) -> Obj:
        """A workload whose pods have app=NAME and the image `image`; `pod` is more of their spec."""
        container = {"name": "c", "image": spec.pop("image", "web:1")}
        template = {
            "metadata": {"labels": {"app": name, **(labels or {})}},
            "spec": {"containers": [container], **spec.pop("pod", {})},
        }
        body = {
            "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": template, **spec},
        }
        return await self.client.create(gvr, body, "default")

    async def get(self, gvr: GVR, name: str = "w") -> Obj:
        return await self.client.get(gvr, name, "default")

    async def list(self, gvr: GVR) -> list[Obj]:
        found: list[Obj] = (await self.client.list(gvr, "default"))["items"]
        return sorted(found, key=lambda obj: (obj["metadata"]["creationTimestamp"], obj["metadata"]["name"]))

    async def change(self, gvr: GVR, name: str = "w", **spec: Any) -> Obj:
        return await self.client.patch(gvr, name, {"spec": spec}, "default")

    async def set_image(self, gvr: GVR, image: str, name: str = "w") -> Obj:
        patch = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}}
        return await self.client.patch(gvr, name, patch, "default")

    async def pods(self, *, active: bool = False) -> list[Obj]:
        found = (await self.client.list(PODS, "default"))["items"]
        if active:
            found = [pod for pod in found if is_active(pod)]
        return sorted(found, key=lambda pod: pod["metadata"]["name"])

    async def ready(self, pod: Obj, ready: bool = True, *, since: float | None = None, **status: Any) -> None:
        """It runs, and is ready since then, or now by the fake clock."""
        now = timefmt.format_time(self.clock.now() if since is None else since)
        condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": now}
        await self.report(pod, {"phase": "Running", "conditions": [condition], **status})

    async def report(self, pod: Obj, status: Obj) -> None:
        """As a kubelet does; a pod that is gone has none."""
        try:
            await self.client.patch(PODS, pod["metadata"]["name"], {"status": status}, "default", "status")
        except ApiError as error:
            if error.code != 404:
                raise

    async def bind(self, pod: Obj, node: str = "n") -> None:
        """A pod with a node is deleted only when its kubelet says so: `finish`."""
        target = {"target": {"kind": "Node", "name": node}}
        await self.client.create(PODS, target, "default", pod["metadata"]["name"], "binding")

    async def finish(self, pod: Obj) -> None:
        """What is left of a pod that was asked to go is gone."""
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        try:
            await self.client.delete(PODS, pod["metadata"]["name"], "default", options)
        except ApiError as error:
            if error.code not in (404, 409):
                raise

    async def until(self, holds: Callable[[], Awaitable[Any]], seconds: float = 15) -> Any:
        """What `holds` answers once that is true. Writes take real time, retries the fake clock's."""
        async with asyncio.timeout(seconds):
            while not (found := await holds()):
                await self.clock.advance(STEP)
                await asyncio.sleep(0.003)
        return found

    async def settle(self) -> None:
        """Let the controllers do all that they can do now."""
        version = None
        for _ in range(100):
            before, version = version, (await self.client.list(PODS, "default"))["metadata"]["resourceVersion"]
            if before == version:
                return
            for _ in range(6):
                await self.clock.advance(STEP)
                await asyncio.sleep(0.005)
        raise AssertionError("the controllers never rest")

    async def says(self, gvr: GVR, name: str = "w", **expected: Any) -> Obj:
        """The status, once it has these fields; None for a field that is not there."""

        async def said() -> Obj | None:
            status = (await self.get(gvr, name)).get("status") or {}
            return status if all(status.get(field) == value for field, value in expected.items()) else None

        try:
            found: Obj = await self.until(said)
        except TimeoutError:
            raise AssertionError(f"never said {expected}: {(await self.get(gvr, name)).get('status')}") from None
        return found

    async def has(self, count: int) -> list[Obj]:
        """The active pods, once there are so many."""

        async def enough() -> list[Obj] | bool:
            found = await self.pods(active=True)
            return len(found) == count and (found or True)

        try:
            found = await self.until(enough)
        except TimeoutError:
            names = [pod["metadata"]["name"] for pod in await self.pods(active=True)]
            raise AssertionError(f"never {count} pods, but {names}") from None
        return [] if found is True else found

    async def messages(self, reason: str, about: str = "w") -> list[str]:
        """Of the events with this reason, once there is one."""

        async def told() -> list[str]:
            found = (await self.client.list(EVENTS, "default"))["items"]
            return [
                event["message"]
                for event in found
                if event["reason"] == reason and event["involvedObject"]["name"] == about
            ]

        found: list[str] = await self.until(told)
        return found


def phase(pod: Obj) -> str:
    return str((pod.get("status") or {}).get("phase", ""))


def is_active(pod: Obj) -> bool:
    return phase(pod) in ("Pending", "Running") and not pod["metadata"].get("deletionTimestamp")


def condition(status: Obj, kind: str) -> Obj:
    """Empty where there is none."""
    found: Obj = next((entry for entry in status.get("conditions") or () if entry["type"] == kind), {})
    return found


def image(pod: Obj) -> str:
    return str(pod["spec"]["containers"][0]["image"])
