"""Keeps the EndpointSlices and the Endpoints of services in step with the pods that they select.

Sources: pkg/controller/endpointslice/endpointslice_controller.go, pkg/controller/endpoint/endpoints_controller.go.
"""

from __future__ import annotations

import asyncio

from backend.controllers.endpoints import slices, subsets
from backend.controllers.endpoints.backends import MANAGED_BY, SERVICE_NAME, TRIGGER_TIME
from backend.controllers.kept_objects import ENDPOINT_SLICES, ENDPOINTS
from backend.controllers.workloads.expected import Expected
from backend.controllers.workloads.pods import condition
from backend.machinery.client import Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.types import Obj

SLICES_NAME = "endpointslice-controller"
ENDPOINTS_NAME = "endpoint-controller"
BY_SERVICE = "service"
_WORKERS = 5
_ZONE = "topology.kubernetes.io/zone"


class EndpointsControllers:
    """Two controllers over the same caches; keys are (namespace, service). The informers are run by the wiring."""

    def __init__(
        self, *, slice_client: Client, endpoints_client: Client, services: Informer, pods: Informer,
        nodes: Informer, endpoint_slices: Informer, endpoints: Informer, clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self._slice_client = slice_client
        self._endpoints_client = endpoints_client
        self._services = services
        self._pods = pods
        self._nodes = nodes
        self._slices = endpoint_slices
        self._endpoints = endpoints
        self._expected_slices = Expected(endpoint_slices)
        self._expected_endpoints = Expected(endpoints)
        self._gone: set[Key] = set()
        """Services whose end was seen, until their Endpoints are gone too."""
        common = (services, pods)
        self._slicer = Controller(
            SLICES_NAME,
            self.reconcile_slices,
            clock=clock,
            workers=_WORKERS,
            informers=(*common, nodes, endpoint_slices),
        )
        self._lister = Controller(
            ENDPOINTS_NAME, self.reconcile_endpoints, clock=clock, workers=_WORKERS, informers=(*common, endpoints)
        )
        self.controllers = [self._slicer, self._lister]
        endpoint_slices.add_index(BY_SERVICE, _service_of)
        services.on_change(self._service_changed)
        pods.on_change(self._pod_changed)
        nodes.on_change(self._node_changed)
        endpoint_slices.on_change(self._slice_changed)
        endpoints.on_change(self._lister.enqueue_changed)

    def _enqueue(self, namespace: str, name: str) -> None:
        for controller in self.controllers:
            controller.enqueue(namespace, name)

    def _service_changed(self, new: Obj | None, old: Obj | None) -> None:
        meta = (new or old or {})["metadata"]
        if new is None:
            self._gone.add(Key(meta["namespace"], meta["name"]))
        self._enqueue(meta["namespace"], meta["name"])

    def _pod_changed(self, new: Obj | None, old: Obj | None) -> None:
        """The services that select it, or did: where something that endpoints tell has changed."""
        if new is not None and old is not None and _told(new) == _told(old):
            return
        labels = [pod["metadata"].get("labels") or {} for pod in (new, old) if pod is not None]
        namespace = (new or old or {})["metadata"]["namespace"]
        for service in self._services.list(namespace):
            selector = service["spec"].get("selector") or {}
            if selector and any(selector.items() <= found.items() for found in labels):
                self._enqueue(namespace, service["metadata"]["name"])

    def _node_changed(self, new: Obj | None, old: Obj | None) -> None:
        """Its zone is told of each endpoint on it."""
        if (_zone(new) if new is not None else "") != (_zone(old) if old is not None else ""):
            for service in self._services.list():
                self._slicer.enqueue(service["metadata"]["namespace"], service["metadata"]["name"])

    def _slice_changed(self, new: Obj | None, old: Obj | None) -> None:
        for entry in (new, old):
            if entry is not None and _is_ours(entry):
                for name in _service_of(entry):
                    self._slicer.enqueue(*name.split("/", 1))

    async def reconcile_slices(self, key: Key) -> None:
        service = self._services.get(*key)
        if not self._expected_slices.met(key):
            return
        if service is None or not _is_selecting(service) or service["metadata"].get("deletionTimestamp"):
            return  # A service that is gone takes its slices along, as their owner.
        present = [entry for entry in self._slices.by_index(BY_SERVICE, "/".join(key)) if _is_ours(entry)]
        pods = self._selected(service)
        zones = {node["metadata"]["name"]: _zone(node) for node in self._nodes.list()}
        changes = slices.plan(service, pods, present, _trigger_time(service, pods), zones)
        await asyncio.gather(
            *(self._write_slice(key, "create", entry) for entry in changes.create),
            *(self._write_slice(key, "update", entry) for entry in changes.update),
            *(self._delete_slice(key, entry) for entry in changes.delete),
        )

    async def _write_slice(self, key: Key, verb: str, entry: Obj) -> None:
        if verb == "create":
            written = await self._slice_client.create(ENDPOINT_SLICES, entry, key.namespace)
        else:
            written = await self._slice_client.update(ENDPOINT_SLICES, entry)
        self._expected_slices.wrote(key, written)

    async def _delete_slice(self, key: Key, entry: Obj) -> None:
        try:
            await self._slice_client.delete(ENDPOINT_SLICES, entry["metadata"]["name"], key.namespace)
        except ApiError as error:
            if error.code != 404:
                raise
        else:
            self._expected_slices.deleted(key, entry)

    async def reconcile_endpoints(self, key: Key) -> None:
        service, present = self._services.get(*key), self._endpoints.get(*key)
        if not self._expected_endpoints.met(key):
            return
        if service is None:
            await self._drop_endpoints(key, present)
            return
        self._gone.discard(key)
        if not _is_selecting(service):
            return
        pods = self._selected(service)
        wanted = subsets.endpoints(service, pods, present, _trigger_time(service, pods))
        if present is None:
            written = await self._endpoints_client.create(ENDPOINTS, wanted, key.namespace)
        elif _content(wanted) != _content(present):
            written = await self._endpoints_client.update(ENDPOINTS, wanted)
        else:
            return
        self._expected_endpoints.wrote(key, written)

    async def _drop_endpoints(self, key: Key, present: Obj | None) -> None:
        """Endpoints have no owner, as on any cluster: they go with their service, whoever made them. Those that never
        had one stay, unless they were ours."""
        ours = present is not None and subsets.MANAGED_BY in (present["metadata"].get("labels") or {})
        if present is None or not (ours or key in self._gone):
            self._gone.discard(key)
            return
        try:
            await self._endpoints_client.delete(ENDPOINTS, key.name, key.namespace)
        except ApiError as error:
            if error.code != 404:
                raise

    def _selected(self, service: Obj) -> list[Obj]:
        selector = (service["spec"].get("selector") or {}).items()
        pods = self._pods.list(service["metadata"]["namespace"])
        return [pod for pod in pods if selector <= (pod["metadata"].get("labels") or {}).items()]


def _told(pod: Obj) -> tuple[object, ...]:
    """Everything of a pod that endpoints or their choice depend on."""
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    ready = condition(pod, "Ready") or {}
    return (
        meta.get("labels"), meta.get("deletionTimestamp"), spec.get("nodeName"), spec.get("hostname"),
        spec.get("subdomain"), status.get("podIPs"), status.get("phase"), ready.get("status"), meta.get("uid"),
    )  # fmt: skip


def _zone(node: Obj) -> str:
    return str((node["metadata"].get("labels") or {}).get(_ZONE, ""))


def _service_of(entry: Obj) -> list[str]:
    name = (entry["metadata"].get("labels") or {}).get(SERVICE_NAME)
    return [f"{entry['metadata']['namespace']}/{name}"] if name else []


def _is_ours(entry: Obj) -> bool:
    return bool((entry["metadata"].get("labels") or {}).get(MANAGED_BY) == slices.CONTROLLER)


def _is_selecting(service: Obj) -> bool:
    return bool(service["spec"].get("selector")) and service["spec"].get("type") != "ExternalName"


def _content(endpoints: Obj) -> tuple[object, ...]:
    annotations = {
        name: value
        for name, value in (endpoints["metadata"].get("annotations") or {}).items()
        if name != TRIGGER_TIME
    }
    return endpoints.get("subsets"), endpoints["metadata"].get("labels"), annotations


def _trigger_time(service: Obj, pods: list[Obj]) -> str:
    """When the newest change happened that these endpoints follow from, as far as the objects tell."""
    times: list[str] = [service["metadata"].get("creationTimestamp", "")]
    for pod in pods:
        times.append((condition(pod, "Ready") or {}).get("lastTransitionTime") or "")
    return max(times)
