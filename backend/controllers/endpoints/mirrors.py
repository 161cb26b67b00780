"""What the EndpointSlices of Endpoints that somebody wrote by hand should say.

Source: pkg/controller/endpointslicemirroring (reconciler.go, utils.go). Each subset becomes one slice for each address
family that it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.controllers.endpoints.backends import MANAGED_BY, SERVICE_NAME, TRIGGER_TIME
from backend.controllers.endpoints.slices import Changes
from backend.controllers.workloads.ownership import reference_to
from backend.meta.addresses import IPV4, IPV6, parse_ip
from backend.meta.types import Obj

CONTROLLER = "endpointslicemirroring-controller.k8s.io"
MAX_ADDRESSES = 1000
"""Of a subset, those that are mirrored. Source: --mirroring-max-endpoints-per-subset."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_NOT_COPIED = (TRIGGER_TIME, LAST_APPLIED)

Key = tuple[str, tuple[tuple[str, int, str, str], ...]]
"""Address family and ports: what the endpoints of one slice have in common."""


@dataclass(slots=True)
class Mirror:
    """`changes` to the slices, and how many addresses have no place in them, or are none."""

    changes: Changes
    skipped: int = 0
    invalid: int = 0


@dataclass(slots=True)
class _Group:
    ports: list[Obj]
    endpoints: dict[tuple[str, str], Obj] = field(default_factory=dict)


def plan(endpoints: Obj, present: Sequence[Obj]) -> Mirror:
    """`present` are the slices that mirror the same Endpoints now."""
    mirror = Mirror(Changes())
    groups: dict[Key, _Group] = {}
    for subset in endpoints.get("subsets") or ():
        _add_subset(groups, subset, mirror)
    by_key: dict[Key, list[Obj]] = {}
    for entry in present:
        by_key.setdefault((entry["addressType"], _ports_key(entry.get("ports") or ())), []).append(entry)
    changes = mirror.changes
    for key, group in groups.items():
        if not group.endpoints:
            continue
        same = by_key.pop(key, [])
        changes.delete += same[1:]
        wanted = _slice(endpoints, key[0], group, same[0] if same else None)
        if not same:
            changes.create.append(wanted)
        elif _content(wanted) != _content(same[0]):
            changes.update.append(wanted)
    changes.delete += [entry for found in by_key.values() for entry in found]
    _recycle(changes)
    return mirror


def _add_subset(groups: dict[Key, _Group], subset: Obj, mirror: Mirror) -> None:
    ports = [_port(port) for port in subset.get("ports") or ()]
    places = {family: groups.setdefault((family, _ports_key(ports)), _Group(ports)) for family in (IPV4, IPV6)}
    room = MAX_ADDRESSES
    for field_name, ready in (("addresses", True), ("notReadyAddresses", False)):
        for address in subset.get(field_name) or ():
            found = parse_ip(address["ip"])
            if not room:
                mirror.skipped += 1
            elif found is None:
                mirror.invalid += 1
            else:
                room -= 1
                endpoint = _endpoint(address, str(found), ready)
                places[IPV4 if found.version == 4 else IPV6].endpoints[_identity(endpoint)] = endpoint


def _port(port: Obj) -> Obj:
    found = {"name": port.get("name", ""), "port": port["port"], "protocol": port.get("protocol", "TCP")}
    return found | ({"appProtocol": port["appProtocol"]} if "appProtocol" in port else {})


def _ports_key(ports: Sequence[Obj]) -> tuple[tuple[str, int, str, str], ...]:
    return tuple(
        sorted(
            (port.get("name", ""), port.get("port", 0), port.get("protocol", "TCP"), port.get("appProtocol", ""))
            for port in ports
        )
    )


def _endpoint(address: Obj, ip: str, ready: bool) -> Obj:
    endpoint: Obj = {"addresses": [ip], "conditions": {"ready": ready}}
    for name in ("hostname", "nodeName", "targetRef"):
        if name in address:
            endpoint[name] = address[name]
    return endpoint


def _identity(endpoint: Obj) -> tuple[str, str]:
    return endpoint["addresses"][0], (endpoint.get("targetRef") or {}).get("uid", "")


def _slice(endpoints: Obj, family: str, group: _Group, old: Obj | None) -> Obj:
    meta = endpoints["metadata"]
    name = meta["name"]
    annotations = {key: value for key, value in (meta.get("annotations") or {}).items() if key not in _NOT_COPIED}
    own: Obj = {"generateName": f"{name}-"}
    if old is not None:
        own = {key: old["metadata"][key] for key in ("name", "uid", "resourceVersion")}
    own |= {
        "namespace": meta["namespace"],
        "labels": {**(meta.get("labels") or {}), SERVICE_NAME: name, MANAGED_BY: CONTROLLER},
        "ownerReferences": [reference_to(endpoints)],
    }
    if annotations:
        own["annotations"] = annotations
    return {
        "metadata": own, "addressType": family, "ports": group.ports, "endpoints": [*group.endpoints.values()],
    }  # fmt: skip


def _content(entry: Obj) -> tuple[object, ...]:
    """Endpoints have no order."""
    meta = entry["metadata"]
    endpoints = sorted(map(repr, map(_comparable, entry.get("endpoints") or ())))
    return endpoints, meta.get("labels"), meta.get("annotations"), meta.get("ownerReferences")


def _comparable(endpoint: Obj) -> list[tuple[str, object]]:
    return sorted((name, value) for name, value in endpoint.items())


def _recycle(changes: Changes) -> None:
    """What would be created replaces what would be deleted, of the same family."""
    for wanted in [*changes.create]:
        spare = next((entry for entry in changes.delete if entry["addressType"] == wanted["addressType"]), None)
        if spare is not None:
            changes.delete.remove(spare)
            changes.create.remove(wanted)
            del wanted["metadata"]["generateName"]
            wanted["metadata"] |= {key: spare["metadata"][key] for key in ("name", "uid", "resourceVersion")}
            changes.update.append(wanted)
