"""What the Endpoints of a service say, the form before slices.

Sources: pkg/controller/endpoint, pkg/api/v1/endpoints.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.controllers.endpoints import backends
from backend.controllers.endpoints.backends import HEADLESS, TRIGGER_TIME
from backend.meta.types import Obj

MANAGED_BY = "endpoints.kubernetes.io/managed-by"
CONTROLLER = "endpoint-controller"
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
MAX_ADDRESSES = 1000


def endpoints(service: Obj, pods: Sequence[Obj], old: Obj | None, trigger_time: str) -> Obj:
    """The whole object, as an update of `old` or to be created."""
    meta = service["metadata"]
    labels = {name: value for name, value in (meta.get("labels") or {}).items() if name != HEADLESS}
    labels[MANAGED_BY] = CONTROLLER
    if backends.is_headless(service):
        labels[HEADLESS] = ""
    own: Obj = dict(old["metadata"]) if old is not None else {"name": meta["name"], "namespace": meta["namespace"]}
    own["labels"] = labels
    found = _subsets(service, pods)
    annotations = {name: value for name, value in (own.get("annotations") or {}).items() if name != OVER_CAPACITY}
    if trigger_time:
        annotations[TRIGGER_TIME] = trigger_time
    if _truncate(found):
        annotations[OVER_CAPACITY] = "truncated"
    own.pop("annotations", None)
    if annotations:
        own["annotations"] = annotations
    return {"metadata": own, "subsets": found} if found else {"metadata": own}


def _subsets(service: Obj, pods: Sequence[Obj]) -> list[Obj]:
    """Of the service's first family only: this form knows no second."""
    publish = bool(service["spec"].get("publishNotReadyAddresses"))
    family = backends.address_types(service)[0]
    subsets: list[Obj] = []
    groups = backends.by_ports(backends.backends(service, pods, family))
    for ports, group in sorted(groups.items()):
        if not ports and not backends.is_headless(service):
            continue
        ready: list[Obj] = []
        waiting: list[Obj] = []
        for backend in group:
            if backend.terminating and not publish:
                continue
            address: Obj = {"ip": backend.address, "targetRef": backends.reference(backend.pod)}
            if node := backend.pod["spec"].get("nodeName"):
                address["nodeName"] = node
            if name := backends.hostname(service, backend.pod):
                address["hostname"] = name
            (ready if backend.ready else waiting).append(address)
        subset: Obj = {}
        if ready:
            subset["addresses"] = sorted(ready, key=lambda entry: entry["ip"])
        if waiting:
            subset["notReadyAddresses"] = sorted(waiting, key=lambda entry: entry["ip"])
        if subset and ports:
            subset["ports"] = [_port(*port) for port in sorted(ports)]
        if subset:
            subsets.append(subset)
    return subsets


def _port(name: str, number: int, protocol: str, application: str) -> Obj:
    port: Obj = {"port": number, "protocol": protocol}
    if name:
        port["name"] = name
    if application:
        port["appProtocol"] = application
    return port


def _truncate(subsets: list[Obj]) -> bool:
    """Keep the first MAX_ADDRESSES, ready ones before others; whether any were left out."""
    room, cut = MAX_ADDRESSES, False
    for kind in ("addresses", "notReadyAddresses"):
        for subset in subsets:
            addresses = subset.get(kind) or []
            if len(addresses) > room:
                cut = True
                subset[kind] = addresses[:room]
            room -= min(room, len(addresses))
    return cut
