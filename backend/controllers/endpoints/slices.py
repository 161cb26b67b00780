"""What the EndpointSlices of a service should say, changing as few of them as possible.

Source: k8s.io/endpointslice (reconciler.go). A slice holds at most MAX_ENDPOINTS, of one address family and one set of
ports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backend.controllers.endpoints import backends
from backend.controllers.endpoints.backends import HEADLESS, MANAGED_BY, SERVICE_NAME, TRIGGER_TIME, Backend
from backend.controllers.workloads.ownership import reference_to
from backend.meta.types import Obj

CONTROLLER = "endpointslice-controller.k8s.io"
MAX_ENDPOINTS = 100

_SAME_NODE = "PreferSameNode"
_CLOSE = ("PreferClose", "PreferSameZone", _SAME_NODE)
"""Values of trafficDistribution."""


@dataclass(slots=True)
class Changes:
    create: list[Obj] = field(default_factory=list)
    update: list[Obj] = field(default_factory=list)
    delete: list[Obj] = field(default_factory=list)


def plan(
    service: Obj, pods: Sequence[Obj], present: Sequence[Obj], trigger_time: str, zones: Mapping[str, str]
) -> Changes:
    """`present` are the slices of this controller for the service, `zones` those of nodes, by name."""
    changes = Changes()
    families = backends.address_types(service)
    changes.delete += [entry for entry in present if entry["addressType"] not in families]
    for family in families:
        of_family = [entry for entry in present if entry["addressType"] == family]
        wanted = {
            _key(ports): (ports, [_endpoint(service, backend, zones) for backend in found])
            for ports, found in backends.by_ports(backends.backends(service, pods, family)).items()
        }
        if not wanted:
            # An empty slice tells that the service is known, and has nobody.
            wanted[_key(())] = ((), [])
        stale = [entry for entry in of_family if _key(_ports_of(entry)) not in wanted]
        for key, (ports, endpoints) in wanted.items():
            same = [entry for entry in of_family if _key(_ports_of(entry)) == key]
            spare = stale.pop() if not same and stale else None
            _fill(service, family, ports, endpoints, same, spare, trigger_time, changes)
        changes.delete += stale
    return changes


Ports = tuple[tuple[str, int, str, str], ...]


def _key(ports: Ports) -> Ports:
    return tuple(sorted(ports))


def _ports_of(entry: Obj) -> Ports:
    return tuple(
        (port.get("name", ""), port.get("port", 0), port.get("protocol", "TCP"), port.get("appProtocol", ""))
        for port in entry.get("ports") or ()
    )


def _endpoint(service: Obj, backend: Backend, zones: Mapping[str, str]) -> Obj:
    endpoint: Obj = {
        "addresses": [backend.address],
        "conditions": {"ready": backend.ready, "serving": backend.serving, "terminating": backend.terminating},
        "targetRef": backends.reference(backend.pod),
    }
    node = backend.pod["spec"].get("nodeName")
    if node:
        endpoint["nodeName"] = node
    zone = zones.get(node or "")
    if zone:
        endpoint["zone"] = zone
    name = backends.hostname(service, backend.pod)
    if name:
        endpoint["hostname"] = name
    hints = _hints(service["spec"].get("trafficDistribution"), zone, node) if backend.ready else {}
    if hints:
        endpoint["hints"] = hints
    return endpoint


def _hints(distribution: str | None, zone: str | None, node: str | None) -> Obj:
    """Who is to prefer the endpoint. Source: k8s.io/endpointslice/trafficdist."""
    hints: Obj = {}
    if distribution in _CLOSE and zone:
        hints["forZones"] = [{"name": zone}]
    if distribution == _SAME_NODE and node:
        hints["forNodes"] = [{"name": node}]
    return hints


def _identity(endpoint: Obj) -> tuple[str, str]:
    return (endpoint.get("targetRef") or {}).get("uid", ""), endpoint["addresses"][0]


def _fill(
    service: Obj, family: str, ports: Ports, endpoints: list[Obj], same: list[Obj], spare: Obj | None,
    trigger_time: str, changes: Changes,
) -> None:  # fmt: skip
    """Endpoints stay in the slices that have them; the others fill the gaps, fullest slice first, and new slices."""
    left = {_identity(endpoint): endpoint for endpoint in endpoints}
    kept: list[tuple[Obj, list[Obj]]] = []
    for entry in same:
        stays = [left.pop(_identity(e)) for e in entry.get("endpoints") or () if _identity(e) in left]
        kept.append((entry, stays))
    if spare is not None:
        kept.append((spare, []))
    new = list(left.values())
    for _, stays in sorted(kept, key=lambda pair: len(pair[1]), reverse=True):
        room = MAX_ENDPOINTS - len(stays)
        stays += new[:room]
        new = new[room:]
    anything = any(stays for _, stays in kept)
    for position, (entry, stays) in enumerate(kept):
        if not stays and (anything or new or position):
            changes.delete.append(entry)
            continue
        wanted = _slice(service, family, ports, stays, entry, trigger_time)
        if _content(wanted) != _content(entry):
            changes.update.append(wanted)
    batches = [new[start : start + MAX_ENDPOINTS] for start in range(0, len(new), MAX_ENDPOINTS)]
    if not kept and not batches:
        batches = [[]]
    changes.create += [_slice(service, family, ports, batch, None, trigger_time) for batch in batches]


def _content(entry: Obj) -> tuple[object, ...]:
    return entry.get("endpoints") or [], entry.get("ports") or [], entry["metadata"].get("labels")


def _slice(
    service: Obj, family: str, ports: Ports, endpoints: list[Obj], old: Obj | None, trigger_time: str
) -> Obj:
    name = service["metadata"]["name"]
    labels = dict(service["metadata"].get("labels") or {})
    labels.pop(HEADLESS, None)
    labels |= {SERVICE_NAME: name, MANAGED_BY: CONTROLLER}
    if backends.is_headless(service):
        labels[HEADLESS] = ""
    meta: Obj = (
        dict(old["metadata"])
        if old is not None
        else {"generateName": f"{name}-", "namespace": service["metadata"]["namespace"]}
    )
    meta |= {"labels": labels, "ownerReferences": [reference_to(service)]}
    if trigger_time:
        meta["annotations"] = {**(meta.get("annotations") or {}), TRIGGER_TIME: trigger_time}
    found: Obj = {"metadata": meta, "addressType": family, "endpoints": endpoints}
    if ports:
        found["ports"] = [
            {"name": port, "port": number, "protocol": protocol}
            | ({"appProtocol": application} if application else {})
            for port, number, protocol, application in ports
        ]
    return found
