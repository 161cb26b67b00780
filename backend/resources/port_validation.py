"""Rules of ports. Source: validateContainerPorts, IsValidPortName, checkHostPortConflicts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources import causes

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_NAME_CHARACTERS = re.compile(r"[-a-z0-9]+")
_OUT_OF_RANGE = "must be between 1 and 65535, inclusive"


def port_name_faults(name: str) -> list[str]:
    """kube-apiserver's texts for what is wrong with an IANA service name."""
    faults = []
    if len(name) > 15:
        faults.append("must be no more than 15 characters")
    if not _NAME_CHARACTERS.fullmatch(name):
        faults.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", name):
        faults.append("must contain at least one letter (a-z)")
    if "--" in name:
        faults.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        faults.append("must not begin or end with a hyphen")
    return faults


def validate_port_number(port: int, path: str) -> list[Cause]:
    return [] if 1 <= port <= 65535 else [causes.invalid(path, port, _OUT_OF_RANGE)]


def validate_port_reference(port: int | str, path: str) -> list[Cause]:
    """A number, or the name of a port of the container."""
    if isinstance(port, int):
        return validate_port_number(port, path)
    return causes.each_invalid(path, port, port_name_faults(port))


def validate_ports(ports: Sequence[Obj], path: str) -> list[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        here = f"{path}[{index}]"
        if name := port.get("name", ""):
            faults = port_name_faults(name)
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
