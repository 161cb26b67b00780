"""Rules of ports. Source: validateContainerPorts, checkHostPortConflicts."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj

_PROTOCOLS = ("SCTP", "TCP", "UDP")


def validate_port_number(port: int, path: str) -> list[Cause]:
    return causes.each_invalid(path, port, names.port_number(port))


def validate_port_reference(port: int | str, path: str) -> list[Cause]:
    """A number, or the name of a port of the container."""
    if isinstance(port, int):
        return validate_port_number(port, path)
    return causes.each_invalid(path, port, names.port_name(port))


def validate_ports(ports: Sequence[Obj], path: str) -> list[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        here = f"{path}[{index}]"
        if name := port.get("name", ""):
            faults = names.port_name(name)
            found += causes.each_invalid(f"{here}.name", name, faults)
            if not faults and name in seen:
                found.append(causes.duplicate(f"{here}.name", name))
            seen.add(name)
        if port.get("containerPort", 0) == 0:
            found.append(causes.required(f"{here}.containerPort"))
        else:
            found += validate_port_number(port["containerPort"], f"{here}.containerPort")
        if port.get("hostPort", 0) != 0:
            found += validate_port_number(port["hostPort"], f"{here}.hostPort")
        if port.get("protocol") not in _PROTOCOLS:
            found.append(causes.not_supported(f"{here}.protocol", port.get("protocol", ""), _PROTOCOLS))
    return found


def host_port_conflicts(containers: Sequence[Obj], path: str) -> list[Cause]:
    """Host ports that two of the containers would bind at the same time."""
    found: list[Cause] = []
    seen: set[str] = set()
    for index, container in enumerate(containers):
        for number, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            text = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
            if text in seen:
                found.append(causes.duplicate(f"{path}[{index}].ports[{number}].hostPort", text))
            seen.add(text)
    return found


def validate_protocol(port: Obj, path: str) -> list[Cause]:
    """Of a port that stands in a service, or behind one."""
    if port.get("protocol") in _PROTOCOLS:
        return []
    return [causes.not_supported(f"{path}.protocol", port.get("protocol", ""), _PROTOCOLS)]


def validate_app_protocol(port: Obj, path: str) -> list[Cause]:
    protocol = port.get("appProtocol")
    if protocol is None:
        return []
    return causes.each_invalid(f"{path}.appProtocol", protocol, names.qualified_name(protocol))
