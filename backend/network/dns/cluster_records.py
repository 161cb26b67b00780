"""What the cluster's names stand for, read from the caches of services, endpoint slices and namespaces.

Source: Kubernetes' DNS specification 1.1.0 and, where that leaves a choice, CoreDNS' kubernetes plugin as kubeadm
configures it (`pods insecure`). Names are tuples of labels, leftmost first, in lower case. Nothing here knows of DNS
messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backend.machinery.informer import Informer
from backend.meta.addresses import parse_ip
from backend.meta.types import Obj

SERVICE_NAME = "kubernetes.io/service-name"
VERSION = "1.1.0"
"""Of the specification, as `dns-version` says it."""

ServiceKey = tuple[str, str]
"""(namespace, name)"""
DNS_SERVICE: ServiceKey = ("kube-system", "kube-dns")

_OF_SERVICE, _OF_ADDRESS = "dns: of service", "dns: of address"

Labels = tuple[str, ...]


class Target(NamedTuple):
    """Where a port is: what an SRV record says, and the addresses of its target."""

    name: Labels
    """Relative to the cluster's domain."""
    port: int
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """What is at a name that exists; nothing at all for a name that only others are below of."""

    addresses: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    alias: str = ""
    """The name that this one is another name of."""
    text: str = ""


class _Endpoint(NamedTuple):
    label: str
    """What it is called within its service."""
    address: str
    ports: tuple[tuple[str, str, int], ...]
    """(name, protocol in lower case, number)"""


EMPTY = Node()


class ClusterRecords:
    def __init__(self, services: Informer, slices: Informer, namespaces: Informer) -> None:
        """Before the informers run."""
        self._services, self._slices, self._namespaces = services, slices, namespaces
        self._services.add_index(_OF_ADDRESS, _cluster_ips)
        self._slices.add_index(_OF_SERVICE, lambda entry: [_service_index(*service_of(entry))])
        self._slices.add_index(_OF_ADDRESS, _ready_addresses)

    def find(self, name: Labels) -> Node | None:
        """What is at a name relative to the cluster's domain; None if the name does not exist."""
        match name[::-1]:
            case () | ("svc",) | ("pod",) | ("dns",):
                return EMPTY
            case ("dns-version",):
                return Node(text=VERSION)
            case ("dns", "ns"):
                return Node(addresses=self.server_addresses())
            case ("svc" | "pod", namespace) if self._namespaces.get("", namespace) is not None:
                return EMPTY
            case ("svc", namespace, service, *rest):
                return self._in_service(namespace, service, rest)
            case ("pod", namespace, pod) if self._namespaces.get("", namespace) is not None:
                return _pod(pod)
        return None

    def names_of(self, address: str) -> list[Labels]:
        """Relative to the cluster's domain: of the service that has the address or else of the endpoints at it."""
        for service in self._services.by_index(_OF_ADDRESS, address):
            return [_name_of(service)]
        found: dict[Labels, None] = {}
        for entry in self._slices.by_index(_OF_ADDRESS, address):
            namespace, service_name = service_of(entry)
            if self._services.get(namespace, service_name) is not None:
                for endpoint in _endpoints(entry):
                    if endpoint.address == address:
                        found[(endpoint.label, service_name, namespace, "svc")] = None
        return [*found]

    def server_addresses(self) -> tuple[str, ...]:
        """Those of the service of cluster DNS."""
        service = self._services.get(*DNS_SERVICE)
        return () if service is None else tuple(_cluster_ips(service))

    def _in_service(self, namespace: str, name: str, rest: Sequence[str]) -> Node | None:
        service = self._services.get(namespace, name)
        if service is None:
            return None
        spec = service["spec"]
        if spec.get("type") == "ExternalName":
            target = spec.get("externalName", "").rstrip(".")
            return Node(alias=target) if not rest and target and parse_ip(target) is None else None
        if rest and not rest[0].startswith("_"):
            return self._at_endpoint(service, rest[0]) if len(rest) == 1 else None
        if spec.get("clusterIP") == "None":
            targets = _endpoint_targets(_name_of(service), self._ready(service))
        else:
            targets = _service_targets(service)
        return _by_port(targets, rest)

    def _at_endpoint(self, service: Obj, label: str) -> Node | None:
        named = [endpoint for endpoint in self._ready(service) if endpoint.label == label]
        return _by_port(_endpoint_targets(_name_of(service), named), ()) if named else None

    def _ready(self, service: Obj) -> Iterator[_Endpoint]:
        meta = service["metadata"]
        for entry in self._slices.by_index(_OF_SERVICE, _service_index(meta["namespace"], meta["name"])):
            yield from _endpoints(entry)


_PortTarget = tuple[str, str, Target]
"""(name of the port, protocol, target); a port number of 0 is no port: an address only."""


def _by_port(targets: Sequence[_PortTarget], rest: Sequence[str]) -> Node | None:
    """`rest` is nothing, `_protocol`, or `_protocol` and `_port`: as they are met from the service's name to the left.
    Without endpoints a headless service has no name."""
    if rest:
        targets = [found for found in targets if found[0] and f"_{found[1]}" == rest[0]]
    if len(rest) == 2:
        targets = [found for found in targets if f"_{found[0]}" == rest[1]]
    if not targets or len(rest) > 2:
        return None
    if len(rest) == 1:
        return EMPTY
    addresses = dict.fromkeys(address for _, _, target in targets for address in target.addresses)
    return Node(tuple(addresses), tuple(dict.fromkeys(target for _, _, target in targets if target.port)))


def _service_targets(service: Obj) -> list[_PortTarget]:
    name, addresses = _name_of(service), tuple(_cluster_ips(service))
    ports: Sequence[Obj] = service["spec"].get("ports") or ({"port": 0},)
    return [
        (port.get("name", ""), port.get("protocol", "TCP").lower(), Target(name, port["port"], addresses))
        for port in ports
        if addresses
    ]


def _endpoint_targets(service: Labels, endpoints: Iterator[_Endpoint] | Sequence[_Endpoint]) -> list[_PortTarget]:
    """Those of one hostname are one target with all their addresses, should they have the same port."""
    addresses: dict[tuple[str, str, str, int], list[str]] = {}
    for label, address, ports in endpoints:
        for port, protocol, number in ports or (("", "tcp", 0),):
            known = addresses.setdefault((port, protocol, label, number), [])
            if address not in known:
                known.append(address)
    return [
        (port, protocol, Target((label, *service), number, tuple(found)))
        for (port, protocol, label, number), found in addresses.items()
    ]


def _endpoints(entry: Obj) -> Iterator[_Endpoint]:
    """The ready ones of a slice. Readiness that is not known counts as such, as the API says."""
    if entry.get("addressType") == "FQDN":
        return
    ports = tuple(
        (port.get("name") or "", (port.get("protocol") or "TCP").lower(), port.get("port") or 0)
        for port in entry.get("ports") or ()
    )
    for endpoint in entry.get("endpoints") or ():
        if (endpoint.get("conditions") or {}).get("ready") is not False:
            for address in map(canonical, endpoint["addresses"]):
                label = endpoint.get("hostname") or address.replace(".", "-").replace(":", "-")
                yield _Endpoint(label, address, ports)


def _pod(label: str) -> Node | None:
    """Any address, in any namespace that exists: nobody looks whether there is such a pod."""
    text = label.replace("-", ".") if label.count("-") == 3 and "--" not in label else label.replace("-", ":")
    address = parse_ip(text)
    return Node(addresses=(str(address),)) if address is not None else None


def service_behind(name: Labels) -> ServiceKey | None:
    """Whose service's changes may change what `find` says of a name, of a service that may be missing."""
    match name[::-1]:
        case ("svc", namespace, service, *_):
            return namespace, service
        case ("dns", "ns"):
            return DNS_SERVICE
    return None


def service_of(entry: Obj) -> ServiceKey:
    """(namespace, name) of the service that a slice belongs to; the name is "" for one of nobody's."""
    meta = entry["metadata"]
    return meta["namespace"], (meta.get("labels") or {}).get(SERVICE_NAME, "")


def _name_of(service: Obj) -> Labels:
    meta = service["metadata"]
    return meta["name"], meta["namespace"], "svc"


def _service_index(namespace: str, name: str) -> str:
    return f"{namespace}/{name}"


def _cluster_ips(service: Obj) -> list[str]:
    spec = service["spec"]
    return [canonical(ip) for ip in spec.get("clusterIPs") or [spec.get("clusterIP")] if ip and ip != "None"]


def canonical(address: str) -> str:
    """An IPv6 address may be written in many ways."""
    return str(parse_ip(address) or address) if ":" in address else address


def _ready_addresses(entry: Obj) -> set[str]:
    return {endpoint.address for endpoint in _endpoints(entry)}
