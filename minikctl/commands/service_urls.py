"""Where a service of the local cluster is reached from this machine: one URL for each of its ports."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

HEADLESS = "None"
_SCHEMES = {
    "https": "https",
    "kubernetes.io/ws": "ws",
    "kubernetes.io/wss": "wss",
}
"""By appProtocol. Source of the last two: k8s.io/api/core/v1 ServicePort."""


class ServiceUrl(NamedTuple):
    """`port` is the service's own, `NAME/NUMBER` or `NUMBER`."""

    port: str
    url: str


def service_urls(
    service: dict[str, Any], slices: Sequence[dict[str, Any]], node_address: str, *, https: bool = False
) -> list[ServiceUrl]:
    """The URLs in the order of the service's ports; `https` asks for this scheme for all that is TCP.

    A service has an address of its own to be reached by: a load balancer's, the node's for node ports, its cluster IP.
    One without has that of a pod that is ready. `slices` are its EndpointSlices.
    """
    found = []
    for port in service["spec"].get("ports") or ():
        place = _place(service, port, slices, node_address)
        if place is not None:
            found.append(ServiceUrl(_shown(port), f"{_scheme(port, https)}://{_joined(*place)}"))
    return found


def is_external(service: dict[str, Any]) -> bool:
    """Whether the service is but a name for something elsewhere, and has no endpoints."""
    return bool(service["spec"].get("type") == "ExternalName")


def has_ready_endpoint(slices: Sequence[dict[str, Any]]) -> bool:
    return next(_ready_endpoints(slices), None) is not None


def _place(
    service: dict[str, Any], port: dict[str, Any], slices: Sequence[dict[str, Any]], node_address: str
) -> tuple[str, int] | None:
    spec, number = service["spec"], port["port"]
    if is_external(service):
        return spec["externalName"], number
    balancers = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    if balancers:
        return balancers[0].get("ip") or balancers[0]["hostname"], number
    if spec.get("type") == "NodePort" and node_address and port.get("nodePort"):
        return node_address, port["nodePort"]
    if spec.get("clusterIP", HEADLESS) != HEADLESS:
        return spec["clusterIP"], number
    return _endpoint(port, slices)


def _endpoint(port: dict[str, Any], slices: Sequence[dict[str, Any]]) -> tuple[str, int] | None:
    """Where a pod answers for `port`; None where that port of the service leads nowhere yet."""
    for each, address in _ready_endpoints(slices):
        for target in each.get("ports") or ():
            if (target.get("name") or "") == port.get("name", "") and target.get("port"):
                return address, target["port"]
    return None


def _ready_endpoints(slices: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    """Unknown counts as ready. Source: k8s.io/api/discovery/v1 EndpointConditions."""
    for each in slices:
        for endpoint in each.get("endpoints") or ():
            if (endpoint.get("conditions") or {}).get("ready") is not False and endpoint.get("addresses"):
                yield each, endpoint["addresses"][0]


def _scheme(port: dict[str, Any], https: bool) -> str:
    protocol = port.get("protocol", "TCP")
    if protocol != "TCP":
        return str(protocol).lower()
    if https:
        return "https"
    if "appProtocol" in port:
        return _SCHEMES.get(port["appProtocol"].lower(), "http")
    names = (port.get("name", ""), port.get("targetPort", ""))
    secure = port["port"] == 443 or any(name == "https" or str(name).startswith("https-") for name in names)
    return "https" if secure else "http"


def _shown(port: dict[str, Any]) -> str:
    return f"{port['name']}/{port['port']}" if port.get("name") else str(port["port"])


def _joined(host: str, port: int) -> str:
    try:
        return f"[{host}]:{port}" if ipaddress.ip_address(host).version == 6 else f"{host}:{port}"
    except ValueError:
        return f"{host}:{port}"
