"""Mirrors the Endpoints of services without a selector into EndpointSlices, which is what everybody reads.

Source: pkg/controller/endpointslicemirroring/endpointslicemirroring_controller.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from backend.controllers.endpoints import mirrors
from backend.controllers.endpoints.backends import MANAGED_BY, SERVICE_NAME
from backend.controllers.kept_objects import ENDPOINT_SLICES
from backend.controllers.workloads.expected import LOOK_AGAIN_SECONDS, Expected
from backend.controllers.workloads.pods import is_terminating_namespace
from backend.machinery.client import Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.types import Obj

NAME = "endpointslicemirroring-controller"
SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
"""The annotation of Endpoints that are a lock for an election, as they once were."""
BY_MIRRORED = "mirrored"
_WORKERS = 5


class EndpointSliceMirroring:
    """Keys are (namespace, name) of Endpoints, and of their Service. The informers are run by the wiring."""

    def __init__(
        self, client: Client, *, services: Informer, endpoints: Informer, endpoint_slices: Informer,
        clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self._client = client
        self._services = services
        self._endpoints = endpoints
        self._slices = endpoint_slices
        self._expected = Expected(endpoint_slices)
        self.recorder = EventRecorder(client, "endpoint-slice-mirroring-controller", clock=clock)
        informers = (services, endpoints, endpoint_slices)
        self.controller = Controller(NAME, self._reconcile, clock=clock, workers=_WORKERS, informers=informers)
        endpoint_slices.add_index(BY_MIRRORED, _mirrored)
        services.on_change(self._service_changed)
        endpoints.on_change(self._endpoints_changed)
        endpoint_slices.on_change(self._slice_changed)

    def _service_changed(self, new: Obj | None, old: Obj | None) -> None:
        if (new is not None and not _selects(new)) or (old is not None and not _selects(old)):
            self.controller.enqueue_changed(new, old)

    def _endpoints_changed(self, new: Obj | None, old: Obj | None) -> None:
        if any(entry is not None and _is_mirrored(entry) for entry in (new, old)):
            self.controller.enqueue_changed(new, old)

    def _slice_changed(self, new: Obj | None, old: Obj | None) -> None:
        for entry in (new, old):
            for name in _mirrored(entry) if entry is not None else ():
                self.controller.enqueue(*name.split("/", 1))

    async def _reconcile(self, key: Key) -> float | None:
        if not self._expected.met(key):
            return LOOK_AGAIN_SECONDS
        present = self._slices.by_index(BY_MIRRORED, "/".join(key))
        endpoints, service = self._endpoints.get(*key), self._services.get(*key)
        if endpoints is None or not _is_mirrored(endpoints) or service is None or _selects(service):
            await asyncio.gather(*(self._delete(key, entry) for entry in present))
            return None
        await self._mirror(key, endpoints, present)
        return None

    async def _mirror(self, key: Key, endpoints: Obj, present: Sequence[Obj]) -> None:
        mirror = mirrors.plan(endpoints, present)
        changes = mirror.changes
        if mirror.invalid:
            message = f"Skipped {mirror.invalid} invalid IP addresses when mirroring to EndpointSlices"
            self.recorder.event(endpoints, "Warning", "InvalidIPAddress", message)
        if mirror.skipped:
            message = (
                f"A max of {mirrors.MAX_ADDRESSES} addresses can be mirrored to EndpointSlices per Endpoints subset. "
                f"{mirror.skipped + mirror.invalid} addresses were skipped"
            )
            self.recorder.event(endpoints, "Warning", "TooManyAddressesToMirror", message)
        for entry in changes.create if not endpoints["metadata"].get("deletionTimestamp") else ():
            try:
                written = await self._client.create(ENDPOINT_SLICES, entry, key.namespace)
            except ApiError as error:
                if is_terminating_namespace(error):
                    return
                raise
            self._expected.wrote(key, written)
        for entry in changes.update:
            self._expected.wrote(key, await self._client.update(ENDPOINT_SLICES, entry))
        for entry in changes.delete:
            await self._delete(key, entry)

    async def _delete(self, key: Key, entry: Obj) -> None:
        try:
            await self._client.delete(ENDPOINT_SLICES, entry["metadata"]["name"], key.namespace)
        except ApiError as error:
            if error.code != 404:
                raise
        else:
            self._expected.deleted(key, entry)


def _mirrored(entry: Obj) -> list[str]:
    """The index of our slices by the Endpoints that they mirror."""
    labels = entry["metadata"].get("labels") or {}
    name = labels.get(SERVICE_NAME)
    ours = bool(name) and labels.get(MANAGED_BY) == mirrors.CONTROLLER
    return [f"{entry['metadata']['namespace']}/{name}"] if ours else []


def _is_mirrored(endpoints: Obj) -> bool:
    meta = endpoints["metadata"]
    return (meta.get("labels") or {}).get(SKIP_MIRROR) != "true" and LEADER not in (meta.get("annotations") or {})


def _selects(service: Obj) -> bool:
    return bool(service["spec"].get("selector"))
