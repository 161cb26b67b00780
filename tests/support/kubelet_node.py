"""A kubelet on a fake engine, with an API server in memory and a clock that the test moves."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.kubelet.kubelet import Kubelet
from backend.kubelet.pod_dns import ClusterDns
from backend.kubelet.runtime.api import PodState
from backend.kubelet.runtime.fake import FakeRuntime
from backend.machinery.client import PODS, Client
from backend.machinery.clock import FakeClock
from backend.meta.types import ADMIN, Obj
from tests.support.tiny_api import TinyApi

IMAGE = "busybox:1.29"


class Node:
    """A kubelet on a fake engine, with a clock that the test moves."""

    def __init__(self, root: Path) -> None:
        self.clock = FakeClock()
        self.api = TinyApi()
        self.api.now = self.clock.now
        self.client = Client(self.api, ADMIN)
        self.runtime = FakeRuntime(self.clock)
        self.runtime.add_image(IMAGE)
        self.root = root
        self.kubelet: Kubelet | None = None
        self._task: asyncio.Task[None] | None = None
        self._uids = itertools.count(1)

    async def start(self) -> None:
        self.kubelet = Kubelet(
            self.client, self.runtime, node_name="n", root_dir=self.root, clock=self.clock, node_ip="192.168.0.9",
            dns=ClusterDns(("10.96.0.10",)),
        )  # fmt: skip
        self._task = asyncio.create_task(self.kubelet.run())
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """As a backend that ends: containers run on."""
        if self._task is not None:
            self._task.cancel()
            while not self._task.done():  # It waits for what the engine was asked to do.
                await self.clock.advance(10)
            self._task = None

    def pod(self, name: str = "p", *containers: Obj, uid: str = "", **spec: Any) -> str:
        """Bind a new pod to the node; its uid."""
        uid = uid or f"u{next(self._uids)}"
        given = [{"image": IMAGE, "imagePullPolicy": "IfNotPresent", **c} for c in containers or ({"name": "c"},)]
        inits = [{"image": IMAGE, **c} for c in spec.pop("initContainers", ())]
        body = {
            "restartPolicy": "Always", "nodeName": "n", "terminationGracePeriodSeconds": 30, **spec,
            "containers": given, **({"initContainers": inits} if inits else {}),
        }  # fmt: skip
        meta = {"name": name, "namespace": "default", "uid": uid, "generation": 1}
        status = {
            "phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "t"}],
        }
        self.api.put("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": body, "status": status})
        return uid

    def get(self, name: str = "p") -> Obj | None:
        return self.api.objects.get(("pods", "default", name))

    def change_spec(self, name: str = "p", **fields: Any) -> None:
        """As one of the pod's subresources does."""
        pod = self.get(name)
        assert pod is not None, f"pod {name} is gone"
        self.api.put("pods", {**pod, "spec": {**pod["spec"], **fields}})

    def status(self, name: str = "p") -> Obj:
        pod = self.get(name)
        assert pod is not None, f"pod {name} is gone"
        return pod["status"]

    def container(self, name: str = "p", container: str = "c") -> Obj:
        status = self.status(name)
        kinds = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
        statuses = (one for kind in kinds for one in status.get(kind, ()))
        return next((s for s in statuses if s["name"] == container), {"state": {}, "lastState": {}})

    def state(self, name: str = "p", container: str = "c") -> Obj:
        return self.container(name, container)["state"]

    def waits_for(self, name: str = "p", container: str = "c") -> str:
        return self.state(name, container).get("waiting", {}).get("reason", "")

    def condition(self, type_: str, name: str = "p") -> Obj:
        return next((c for c in self.status(name)["conditions"] if c["type"] == type_), {})

    def events(self, name: str = "p") -> list[tuple[str, str]]:
        found = [o for (r, _, _), o in self.api.objects.items() if r == "events"]
        return [(e["reason"], e["message"]) for e in found if e["involvedObject"]["name"] == name]

    def reasons(self, name: str = "p") -> list[str]:
        return [reason for reason, _ in self.events(name)]

    async def told(self, reason: str, message: str, name: str = "p") -> None:
        """Wait for an event: it is written beside the status that it explains, and may come after it."""
        await self.until(lambda: (reason, message) in self.events(name))

    async def delete(self, name: str = "p", **options: Any) -> None:
        await self.client.delete(PODS, name, "default", options or None)

    def engine_uids(self) -> set[str]:
        return {state.uid for state in self.runtime.states()}

    def engine_pod(self, uid: str) -> PodState:
        return next(state for state in self.runtime.states() if state.uid == uid)

    async def until(self, holds: Callable[[], object], seconds: float = 5) -> None:
        """Wait, in real time, since volumes are made in threads."""
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110 - it also waits for threads
                await asyncio.sleep(0.001)

    async def advance_until(self, holds: Callable[[], object], *, step: float = 1, limit: float = 600) -> float:
        """Move the clock until something holds; the seconds that it took."""
        moved = 0.0
        while not holds():
            assert moved < limit, f"not within {limit} s"
            await self.clock.advance(step)
            moved += step
            for _ in range(5):
                await asyncio.sleep(0.001)
        return moved

    def running(self, name: str = "p", container: str = "c") -> bool:
        return self.get(name) is not None and "running" in self.state(name, container)
