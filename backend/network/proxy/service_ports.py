"""What a Service asks of the proxy: one ServicePort for each of its ports and IP families.

Sources: pkg/proxy/serviceport.go, pkg/proxy/util (ShouldSkipService), pkg/proxy/config (labels that services are
selected by).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backend.meta.types import Obj
from backend.network.proxy.family import Family, canonical, collapsed, family_of

_ANOTHER_PROXY = "service.kubernetes.io/service-proxy-name"
_HEADLESS = "service.kubernetes.io/headless"
_DEFAULT_AFFINITY_SECONDS = 10800
_EVERYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of a service in one IP family."""

    namespace: str
    service: str
    port_name: str
    protocol: str
    """tcp, udp or sctp."""
    port: int
    family: Family
    cluster_ip: str
    external_ips: tuple[str, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    source_ranges: tuple[str, ...] = ()
    """Who may come to the load balancer's addresses; empty: everybody."""
    node_port: int = 0
    affinity_seconds: int = 0
    """How long a client stays with its endpoint; 0: no affinity."""
    internal_local: bool = False
    external_local: bool = False

    @property
    def path(self) -> str:
        """Tells this port from all others, in the names of chains."""
        return f"{self.namespace}/{self.service}/{self.protocol}/{self.port_name or self.port}"


def service_ports(service: Obj) -> list[ServicePort]:
    """Empty for what has no virtual address (headless, ExternalName), or is another proxy's."""
    spec, labels = service["spec"], service["metadata"].get("labels") or {}
    if spec.get("type") == "ExternalName" or _ANOTHER_PROXY in labels or _HEADLESS in labels:
        return []
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return [
        port
        for address in addresses
        if address and address != "None"
        for port in _of_family(service, canonical(address), family_of(address))
    ]


def _of_family(service: Obj, cluster_ip: str, family: Family) -> Iterator[ServicePort]:
    meta, spec = service["metadata"], service["spec"]
    for port in spec.get("ports") or ():
        yield ServicePort(
            namespace=meta["namespace"],
            service=meta["name"],
            port_name=port.get("name", ""),
            protocol=port.get("protocol", "TCP").lower(),
            port=port["port"],
            family=family,
            cluster_ip=cluster_ip,
            external_ips=_of(family, spec.get("externalIPs") or ()),
            load_balancer_ips=_of(family, _load_balancer_ips(service)),
            source_ranges=_source_ranges(service, family),
            node_port=port.get("nodePort") or 0,
            affinity_seconds=_affinity_seconds(spec),
            internal_local=spec.get("internalTrafficPolicy") == "Local",
            external_local=spec.get("externalTrafficPolicy") == "Local",
        )


def _of(family: Family, addresses: Iterator[str] | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """The addresses of the family."""
    return tuple(
        canonical(address) for address in addresses if family_of(address) == family and canonical(address)
    )


def _load_balancer_ips(service: Obj) -> Iterator[str]:
    """Those that traffic reaches unchanged: behind an address of mode Proxy somebody else sends it to a node port."""
    if service["spec"].get("type") != "LoadBalancer":
        return
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    for entry in ingress:
        if entry.get("ip") and entry.get("ipMode", "VIP") == "VIP":
            yield entry["ip"]


def _source_ranges(service: Obj, family: Family) -> tuple[str, ...]:
    given = [cidr.strip() for cidr in service["spec"].get("loadBalancerSourceRanges") or ()]
    ranges = collapsed([cidr for cidr in given if family_of(cidr) == family])
    return () if any(cidr in _EVERYWHERE for cidr in ranges) else tuple(ranges)


def _affinity_seconds(spec: Obj) -> int:
    if spec.get("sessionAffinity") != "ClientIP":
        return 0
    config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    return int(config.get("timeoutSeconds") or _DEFAULT_AFFINITY_SECONDS)
