"""Rules and table of an EndpointSlice.

Source: pkg/apis/discovery/validation, SetDefaults_EndpointPort, printEndpointSlice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from backend.meta import addresses, causes, names
from backend.meta.errors import Cause
from backend.meta.objectmeta import validate_labels
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.core.port_validation import validate_app_protocol, validate_protocol

_ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_MAX_ENDPOINTS, _MAX_ADDRESSES, _MAX_PORTS, _MAX_TOPOLOGY, _MAX_HINTS = 1000, 100, 100, 16, 8
_SHOWN = 3
"""Ports and endpoints that a table shows one by one."""


def default_endpoint_slice(endpoint_slice: Obj) -> None:
    for port in endpoint_slice.get("ports") or ():
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")


def counted(endpoint_slice: Obj) -> Any:
    """Everything but the metadata, and the labels, by which slices belong to a service."""
    body = {name: value for name, value in endpoint_slice.items() if name != "metadata"}
    return body, endpoint_slice["metadata"].get("labels")


def endpoint_slice_warnings(endpoint_slice: Obj, _old: Obj | None) -> list[str]:
    if endpoint_slice.get("addressType") == "FQDN":
        return ["addressType: FQDN endpoints are deprecated"]
    found: list[str] = []
    for index, endpoint in enumerate(endpoint_slice.get("endpoints") or ()):
        for number, address in enumerate(endpoint.get("addresses") or ()):
            found += addresses.ip_warnings(f"endpoints[{index}].addresses[{number}]", address)
    return found


def validate_endpoint_slice(endpoint_slice: Obj, accepted: Collection[str] = ()) -> Sequence[Cause]:
    kind = endpoint_slice.get("addressType", "")
    found: list[Cause] = []
    if not kind:
        found.append(causes.required("addressType"))
    elif kind not in _ADDRESS_TYPES:
        found.append(causes.not_supported("addressType", kind, _ADDRESS_TYPES))
    endpoints: list[Obj] = endpoint_slice.get("endpoints") or []
    if len(endpoints) > _MAX_ENDPOINTS:
        found.append(causes.too_many("endpoints", len(endpoints), _MAX_ENDPOINTS))
    else:
        for index, endpoint in enumerate(endpoints):
            found += _validate_endpoint(endpoint, kind, f"endpoints[{index}]", accepted)
    return found + _validate_ports(endpoint_slice.get("ports") or [])


def validate_endpoint_slice_update(endpoint_slice: Obj, old: Obj) -> Sequence[Cause]:
    accepted = {ip for endpoint in old.get("endpoints") or () for ip in endpoint.get("addresses") or ()}
    found = list(validate_endpoint_slice(endpoint_slice, accepted))
    if endpoint_slice.get("addressType") != old.get("addressType"):
        found.append(causes.immutable("addressType", endpoint_slice.get("addressType", "")))
    return found


def _validate_endpoint(endpoint: Obj, kind: str, path: str, accepted: Collection[str]) -> list[Cause]:
    given: list[str] = endpoint.get("addresses") or []
    found: list[Cause] = []
    if not given:
        found.append(causes.required(f"{path}.addresses", "must contain at least 1 address"))
    elif len(given) > _MAX_ADDRESSES:
        found.append(causes.too_many(f"{path}.addresses", len(given), _MAX_ADDRESSES))
    for index, address in enumerate(given):
        found += _validate_address(address, kind, f"{path}.addresses[{index}]", accepted)
    topology = endpoint.get("deprecatedTopology") or {}
    if len(topology) > _MAX_TOPOLOGY:
        found.append(causes.too_many(f"{path}.deprecatedTopology", len(topology), _MAX_TOPOLOGY))
    found += validate_labels(topology, f"{path}.deprecatedTopology")
    if (hostname := endpoint.get("hostname")) is not None:
        found += causes.each_invalid(f"{path}.hostname", hostname, names.dns1123_label(hostname))
    if (node := endpoint.get("nodeName")) is not None:
        found += causes.each_invalid(f"{path}.nodeName", node, names.dns1123_subdomain(node))
    hints = endpoint.get("hints") or {}
    return found + _validate_hints(hints, "forZones", path) + _validate_hints(hints, "forNodes", path)


def _validate_address(address: str, kind: str, path: str, accepted: Collection[str]) -> list[Cause]:
    if kind == "FQDN":
        return _validate_domain(address, path)
    if kind not in (addresses.IPV4, addresses.IPV6):
        return []
    found = addresses.ip_causes(path, address, accepted)
    if not found and addresses.family(address) != kind:
        found.append(causes.invalid_value(path, address, f"must be an {kind} address"))
    return found + addresses.special_ip_causes(path, address)


def _validate_domain(name: str, path: str) -> list[Cause]:
    """Source: IsFullyQualifiedDomainName."""
    if not name:
        return [causes.required(path)]
    name = name.removesuffix(".")
    if faults := names.dns1123_subdomain(name):
        return [causes.invalid_value(path, name, ",".join(faults))]
    if "." in name:
        return []
    detail = "should be a domain with at least two segments separated by dots"
    return [causes.invalid_value(path, name, detail)]


def _validate_hints(hints: Obj, field: str, path: str) -> list[Cause]:
    given: list[Obj] = hints.get(field) or []
    here = f"{path}.hints.{field}"
    if len(given) > _MAX_HINTS:
        return [causes.too_many(here, len(given), _MAX_HINTS)]
    found: list[Cause] = []
    seen: set[str] = set()
    for index, hint in enumerate(given):
        name = hint.get("name", "")
        if name in seen:
            found.append(causes.duplicate(f"{here}[{index}].name", name))
        seen.add(name)
        check = names.label_value if field == "forZones" else names.dns1123_subdomain
        found += causes.each_invalid(f"{here}[{index}].name", name, check(name))
    return found


def _validate_ports(ports: list[Obj]) -> list[Cause]:
    if len(ports) > _MAX_PORTS:
        return [causes.too_many("ports", len(ports), _MAX_PORTS)]
    found: list[Cause] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        path, name = f"ports[{index}]", port.get("name", "")
        if name:
            found += causes.each_invalid(f"{path}.name", name, names.dns1123_label(name))
        if name in seen:
            found.append(causes.duplicate(f"{path}.name", name))
        seen.add(name)
        found += validate_protocol(port, path)
        found += validate_app_protocol(port, path)
    return found


def row(endpoint_slice: Obj, now: float) -> list[Any]:
    ports = [_port(port) for port in endpoint_slice.get("ports") or ()]
    given = [ip for endpoint in endpoint_slice.get("endpoints") or () for ip in endpoint.get("addresses") or ()]
    return [
        endpoint_slice["metadata"]["name"], endpoint_slice.get("addressType", ""), _first(ports), _first(given),
        cells.age(endpoint_slice, now),
    ]  # fmt: skip


def _port(port: Obj) -> str:
    """Its number, or what stands for one that is not known yet."""
    number = port.get("port")
    return str(number) if number is not None else port.get("name", "*")


def _first(texts: list[str]) -> str:
    shown = ",".join(texts[:_SHOWN])
    if len(texts) > _SHOWN:
        return f"{shown} + {len(texts) - _SHOWN} more..."
    return shown or "<unset>"
