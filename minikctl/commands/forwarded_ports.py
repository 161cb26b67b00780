"""The ports that `port-forward` is given: names looked up, a service's translated to its pods', and all checked.

Source: k8s.io/kubectl/pkg/cmd/portforward, k8s.io/kubectl/pkg/util (LookupContainerPortNumberByServicePort and
others) and k8s.io/client-go/tools/portforward.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from minikctl.client.errors import Failure
from minikctl.flags import go_quote

_NUMBER = re.compile(r"[+-]?\d+")
HEADLESS = "None"


class Address(NamedTuple):
    """One address to listen on. `optional`: the other of localhost's two is enough."""

    host: str
    optional: bool

    @property
    def network(self) -> str:
        return "tcp6" if ":" in self.host else "tcp4"

    def with_port(self, port: int) -> str:
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"


class Forwarded(NamedTuple):
    """A local port, 0 for any, and the pod's."""

    local: int
    remote: int

    def __str__(self) -> str:
        return f"{{{self.local} {self.remote}}}"


def of_pod(ports: Sequence[str], pod: dict[str, Any]) -> list[str]:
    """`LOCAL:REMOTE` or `PORT` with names replaced by the pod's numbers. Raises Failure."""
    declared = [port for one in pod["spec"].get("containers") or () for port in one.get("ports") or ()]
    _refuse_udp(ports, ((port["containerPort"], port) for port in declared), lambda name: _named_port(pod, name))
    found = []
    for local, remote in map(_split, ports):
        if not remote:
            raise Failure("remote port cannot be empty")
        number = remote if _NUMBER.fullmatch(remote) else str(_named_port(pod, remote))
        found.append(number if local == remote else f"{local}:{number}")
    return found


def of_service(ports: Sequence[str], service: dict[str, Any], pod: dict[str, Any]) -> list[str]:
    """The same for a service's ports, whose remote ones become those of the pod behind it."""
    declared = service["spec"].get("ports") or ()
    _refuse_udp(ports, ((port["port"], port) for port in declared), lambda name: _service_port(service, name))
    found = []
    for local, remote in map(_split, ports):
        if _NUMBER.fullmatch(remote):
            number = int(remote)
        else:
            number = _service_port(service, remote)
            if local == remote:
                local = str(number)
        target = str(_target_port(service, pod, number))
        found.append(target if local == target else f"{local}:{target}")
    return found


def parse_ports(ports: Iterable[str]) -> list[Forwarded]:
    """Raises Failure."""
    found = []
    for text in ports:
        local, colon, remote = text.partition(":")
        if not colon:
            remote = local
        elif ":" in remote:
            raise Failure(f"invalid port format '{text}'")
        forwarded = Forwarded(_port(local or "0", "local"), _port(remote, "remote"))
        if forwarded.remote == 0:
            raise Failure("remote port must be > 0")
        found.append(forwarded)
    return found


def parse_addresses(addresses: Iterable[str]) -> list[Address]:
    """Raises Failure for what is neither an IP address nor `localhost`."""
    import ipaddress

    found: dict[str, Address] = {}
    for text in addresses:
        if text == "localhost":
            for host in ("127.0.0.1", "::1"):
                found.setdefault(host, Address(host, optional=True))
            continue
        try:
            ipaddress.ip_address(text)
        except ValueError:
            raise Failure(f"{text} is not a valid IP") from None
        found[text] = Address(text, optional=False)
    if not found:
        raise Failure("you must specify at least 1 address")
    return sorted(found.values())


def _split(text: str) -> tuple[str, str]:
    parts = text.split(":")
    return (parts[0], parts[1]) if len(parts) == 2 else (parts[0], parts[0])


def _port(text: str, which: str) -> int:
    fault = ""
    if not (text.isascii() and text.isdecimal()):
        fault = "invalid syntax"
    elif int(text) > 0xFFFF:
        fault = "value out of range"
    if fault:
        raise Failure(f"error parsing {which} port '{text}': strconv.ParseUint: parsing {go_quote(text)}: {fault}")
    return int(text)


def _refuse_udp(ports: Sequence[str], declared: Iterable[tuple[int, dict[str, Any]]], named: Any) -> None:
    protocols: dict[int, set[str]] = {}
    for number, port in declared:
        protocols.setdefault(number, set()).add(port.get("protocol", "TCP"))
    for _, remote in map(_split, ports):
        number = int(remote) if _NUMBER.fullmatch(remote) else named(remote)
        if "UDP" in protocols.get(number, ()) and "TCP" not in protocols[number]:
            raise Failure(f"UDP protocol is not supported for {remote}")


def _container_ports(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    spec = pod["spec"]
    sidecars = [one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    for container in (*(spec.get("containers") or ()), *sidecars):
        yield from container.get("ports") or ()


def _named_port(pod: dict[str, Any], name: str) -> int:
    for port in _container_ports(pod):
        if port.get("name", "") == name and name:
            return int(port["containerPort"])
    raise Failure(f"Pod '{pod['metadata']['name']}' does not have a named port '{name}'")


def _service_port(service: dict[str, Any], name: str) -> int:
    for port in service["spec"].get("ports") or ():
        if port.get("name", "") == name:
            return int(port["port"])
    raise Failure(f"Service '{service['metadata']['name']}' does not have a named port '{name}'")


def _target_port(service: dict[str, Any], pod: dict[str, Any], number: int) -> int:
    for port in service["spec"].get("ports") or ():
        if port["port"] != number:
            continue
        target = port.get("targetPort") or number
        if service["spec"].get("clusterIP") == HEADLESS:
            return number
        return target if isinstance(target, int) else _named_port(pod, target)
    raise Failure(f"Service {service['metadata']['name']} does not have a service port {number}")
