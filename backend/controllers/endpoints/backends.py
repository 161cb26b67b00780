"""The pods behind a service: which they are, and how each can be reached.

Sources: pkg/controller/endpointslice (utils.go of k8s.io/endpointslice), pkg/controller/endpoint,
pkg/api/v1/service/util.go.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.controllers.workloads.pods import is_ready
from backend.meta.types import Obj
from backend.resources.core.pod_ports import port_number
from backend.resources.core.pod_table import TERMINAL_PHASES

HEADLESS = "service.kubernetes.io/headless"
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"


@dataclass(frozen=True, slots=True)
class Backend:
    """One pod at one of its addresses. `ready` counts for traffic, `serving` also while it ends."""

    pod: Obj
    address: str
    ready: bool
    serving: bool
    terminating: bool
    ports: tuple[tuple[str, int, str, str], ...]
    """(name, number, protocol, application protocol), in the order of the service's ports."""


def is_headless(service: Obj) -> bool:
    return bool(service["spec"].get("clusterIP") == "None")


def address_types(service: Obj) -> list[str]:
    """IPv4 and IPv6, as the service has them."""
    return [str(family) for family in service["spec"].get("ipFamilies") or ["IPv4"]]


def backends(service: Obj, pods: Iterable[Obj], family: str) -> list[Backend]:
    """Those with an address of the family that may be reached, ended ones not among them."""
    publish = bool(service["spec"].get("publishNotReadyAddresses"))
    found: list[Backend] = []
    for pod in pods:
        status = pod.get("status") or {}
        address = _address(status, family)
        if not address or status.get("phase") in TERMINAL_PHASES:
            continue
        serving, terminating = is_ready(pod), bool(pod["metadata"].get("deletionTimestamp"))
        ready = publish or (serving and not terminating)
        found.append(Backend(pod, address, ready, serving, terminating, _ports(service, pod)))
    found.sort(key=lambda backend: (backend.pod["metadata"]["namespace"], backend.pod["metadata"]["name"]))
    return found


def _address(status: Obj, family: str) -> str:
    for entry in status.get("podIPs") or ():
        if f"IPv{ipaddress.ip_address(entry['ip']).version}" == family:
            return str(entry["ip"])
    return ""


def _ports(service: Obj, pod: Obj) -> tuple[tuple[str, int, str, str], ...]:
    """What a port is called by in the pod's own spec is looked up there; a name nobody has is left out."""
    found: list[tuple[str, int, str, str]] = []
    for port in service["spec"].get("ports") or ():
        protocol = port.get("protocol", "TCP")
        number = port_number(pod, port.get("targetPort", port["port"]), protocol)
        if number:
            found.append((port.get("name", ""), number, protocol, port.get("appProtocol", "")))
    return tuple(found)


def reference(pod: Obj) -> Obj:
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


def hostname(service: Obj, pod: Obj) -> str:
    """The name that DNS gives a pod within its service: where the pod asks for this service as its subdomain."""
    spec, meta = pod["spec"], service["metadata"]
    same = spec.get("subdomain") == meta["name"] and pod["metadata"]["namespace"] == meta["namespace"]
    return str(spec.get("hostname", "")) if same else ""


def by_ports(found: Sequence[Backend]) -> dict[tuple[tuple[str, int, str, str], ...], list[Backend]]:
    """Pods may have different numbers for the same name: those with the same are together."""
    groups: dict[tuple[tuple[str, int, str, str], ...], list[Backend]] = {}
    for backend in found:
        groups.setdefault(backend.ports, []).append(backend)
    return groups
