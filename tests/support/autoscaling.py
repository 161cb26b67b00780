"""An autoscaler's controller against a real API server, with metrics that a test makes up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.controllers.horizontal_pod_autoscaler.controller import (
    AUTOSCALERS,
    HorizontalPodAutoscalerController,
)
from backend.machinery.client import EVENTS, GVR, PODS, Client, Take
from backend.machinery.clock import FakeClock
from backend.machinery.controller import Key
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError, page_not_found
from backend.meta.timefmt import format_time
from backend.meta.types import ADMIN, ApiRequest, Obj
from tests.support.control_plane import ControlPlane, eventually

DEPLOYMENTS = GVR("apps", "v1", "deployments")
KEY = Key("default", "h")


class Autoscaling:
    """`usages` is what each pod's only container uses; None: there is no metrics API. `asked` counts requests for it.
    A scale's update is refused with `refusal`."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.clock = FakeClock()
        self.usages: dict[str, dict[str, str]] | None = {}
        self.asked = 0
        self.refusal: ApiError | None = None
        client = Client(self, ADMIN)
        self.autoscalers, self.pods = Informer(plane.client, AUTOSCALERS), Informer(plane.client, PODS)
        self.made = HorizontalPodAutoscalerController(
            client, autoscalers=self.autoscalers, pods=self.pods, catalog=plane.catalog, clock=self.clock
        )

    async def request(self, request: ApiRequest) -> Obj:
        """backend.machinery.client.Transport"""
        if request.group == "metrics.k8s.io":
            self.asked += 1
            return self._metrics()
        if request.subresource == "scale" and request.verb == "update" and self.refusal is not None:
            raise self.refusal
        return await self.plane.handler.request(request)

    def watch(self, request: ApiRequest, take: Take | None = None) -> Any:
        return self.plane.handler.watch(request, take)

    def _metrics(self) -> Obj:
        if self.usages is None:
            raise page_not_found()
        now = format_time(self.clock.now())
        items = [
            {
                "metadata": {"name": name, "namespace": "default"}, "timestamp": now, "window": "15.2s",
                "containers": [{"name": "c", "usage": usage}],
            }
            for name, usage in self.usages.items()
        ]  # fmt: skip
        return {"items": items}

    async def deployment(self, replicas: int, name: str = "web") -> None:
        """With as many pods, which have been ready for long and request 100m and 100Mi."""
        template = {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "c", "image": "busybox"}]},
        }
        spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
        body = {"metadata": {"name": name}, "spec": spec}
        await self.plane.client.create(DEPLOYMENTS, body, "default")
        for number in range(replicas):
            await self.pod(f"{name}-{number}", name)

    async def pod(self, name: str, app: str = "web") -> None:
        container = {
            "name": "c",
            "image": "busybox",
            "resources": {"requests": {"cpu": "100m", "memory": "100Mi"}},
        }
        labels = {"labels": {"app": app}}
        await self.plane.pod(name, metadata=labels, containers=[container])
        since = format_time(self.clock.now() - 3600)
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": since}
        status = {"phase": "Running", "startTime": since, "conditions": [ready]}
        await self.plane.client.patch(PODS, name, {"status": status}, "default", "status")

    async def autoscaler(self, name: str = "h", target: str = "web", **spec: Any) -> None:
        reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
        body = {"metadata": {"name": name}, "spec": {"scaleTargetRef": reference, "maxReplicas": 10, **spec}}
        await self.plane.client.create(AUTOSCALERS, body, "default")

    def uses(self, *cpu: str) -> None:
        """Milli-cores and such, by the pods web-0, web-1..."""
        self.usages = {f"web-{number}": {"cpu": used, "memory": "50Mi"} for number, used in enumerate(cpu)}

    async def sync(self, key: Key = KEY) -> Obj:
        """One look at the autoscaler, with what is known now; its status after it."""

        async def seen() -> bool:
            for gvr, informer in ((AUTOSCALERS, self.autoscalers), (PODS, self.pods)):
                if _versions((await self.plane.client.list(gvr))["items"]) != _versions(informer.list()):
                    return False
            return True

        await eventually(seen)
        await self.made.reconcile(key)
        found = await self.plane.client.get(AUTOSCALERS, key.name, key.namespace)
        return dict(found["status"])

    async def replicas(self, name: str = "web") -> int:
        return int((await self.plane.client.get(DEPLOYMENTS, name, "default"))["spec"]["replicas"])

    async def told(self, reason: str) -> str:
        """The message of the event with this reason."""

        async def found() -> str:
            events = (await self.plane.client.list(EVENTS, "default"))["items"]
            return next((event["message"] for event in events if event["reason"] == reason), "")

        return str(await eventually(found))


def _versions(objects: Sequence[Obj]) -> set[tuple[str, str]]:
    return {(obj["metadata"]["uid"], obj["metadata"]["resourceVersion"]) for obj in objects}


def conditions(status: Obj) -> dict[str, tuple[str, str, str]]:
    return {one["type"]: (one["status"], one["reason"], one["message"]) for one in status.get("conditions") or ()}
