"""Rules and table of Endpoints. Source: validateEndpointSubsets, SetDefaults_Endpoints, printEndpoints."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from backend.meta import addresses, causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.core.port_validation import validate_app_protocol, validate_protocol

_SHOWN = 3
"""Endpoints that a table shows one by one."""


def default_endpoints(endpoints: Obj) -> None:
    for subset in endpoints.get("subsets") or ():
        for port in subset.get("ports") or ():
            if not port.get("protocol"):
                port["protocol"] = "TCP"


def _all_addresses(endpoints: Obj) -> Iterator[tuple[str, Obj]]:
    for index, subset in enumerate(endpoints.get("subsets") or ()):
        for field in ("addresses", "notReadyAddresses"):
            for number, address in enumerate(subset.get(field) or ()):
                yield f"subsets[{index}].{field}[{number}]", address


def endpoints_warnings(endpoints: Obj, _old: Obj | None) -> list[str]:
    found: list[str] = []
    for path, address in _all_addresses(endpoints):
        found += addresses.ip_warnings(f"{path}.ip", address.get("ip", ""))
    return found


def validate_endpoints(endpoints: Obj, accepted: Collection[str] = ()) -> Sequence[Cause]:
    found: list[Cause] = []
    for index, subset in enumerate(endpoints.get("subsets") or ()):
        found += _validate_subset(subset, f"subsets[{index}]", accepted)
    return found


def validate_endpoints_update(endpoints: Obj, old: Obj) -> Sequence[Cause]:
    if endpoints.get("subsets") == old.get("subsets"):
        return ()
    return validate_endpoints(endpoints, {address.get("ip", "") for _, address in _all_addresses(old)})


def _validate_subset(subset: Obj, path: str, accepted: Collection[str]) -> list[Cause]:
    found: list[Cause] = []
    if not subset.get("addresses") and not subset.get("notReadyAddresses"):
        found.append(causes.required(path, "must specify `addresses` or `notReadyAddresses`"))
    for field in ("addresses", "notReadyAddresses"):
        for index, address in enumerate(subset.get(field) or ()):
            found += _validate_address(address, f"{path}.{field}[{index}]", accepted)
    ports: list[Obj] = subset.get("ports") or []
    for index, port in enumerate(ports):
        found += _validate_port(port, f"{path}.ports[{index}]", named=len(ports) > 1)
    return found


def _validate_address(address: Obj, path: str, accepted: Collection[str]) -> list[Cause]:
    ip = address.get("ip", "")
    found = addresses.ip_causes(f"{path}.ip", ip, accepted)
    if hostname := address.get("hostname"):
        found += causes.each_invalid(f"{path}.hostname", hostname, names.dns1123_label(hostname))
    if (node := address.get("nodeName")) is not None:
        found += causes.each_invalid(f"{path}.nodeName", node, names.dns1123_subdomain(node))
    return found + addresses.special_ip_causes(f"{path}.ip", ip)


def _validate_port(port: Obj, path: str, *, named: bool) -> list[Cause]:
    found: list[Cause] = []
    if name := port.get("name", ""):
        found += causes.each_invalid(f"{path}.name", name, names.dns1123_label(name))
    elif named:
        found.append(causes.required(f"{path}.name"))
    number = port.get("port", 0)
    found += causes.each_invalid(f"{path}.port", number, names.port_number(number))
    return [*found, *validate_protocol(port, path), *validate_app_protocol(port, path)]


def row(endpoints: Obj, now: float) -> list[Any]:
    return [endpoints["metadata"]["name"], _summary(endpoints.get("subsets") or ()), cells.age(endpoints, now)]


def _summary(subsets: Sequence[Obj]) -> str:
    """The first few, as address:port, or without a port as the address alone."""
    found = [text for subset in subsets for text in _texts(subset)]
    if not subsets:
        return cells.NONE
    shown = ",".join(found[:_SHOWN])
    return f"{shown} + {len(found) - _SHOWN} more..." if len(found) > _SHOWN else shown


def _texts(subset: Obj) -> Iterator[str]:
    ips = [address.get("ip", "") for address in subset.get("addresses") or ()]
    ports = subset.get("ports")
    if not ports:
        yield from ips
    for port in ports or ():
        yield from (f"[{ip}]:{port['port']}" if ":" in ip else f"{ip}:{port['port']}" for ip in ips)
