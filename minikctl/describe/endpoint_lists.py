"""Where a service's traffic goes, in one line. Source: k8s.io/kubectl/pkg/describe.formatEndpointSlices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]

SHOWN = 3


def slices_of(client: Client, namespace: str, service: str) -> list[Obj]:
    """The service's endpoint slices. Raises StatusError."""
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    items: list[Obj] = client.get(path, {"labelSelector": f"kubernetes.io/service-name={service}"})["items"]
    return items


def format_slices(slices: list[Obj], port_name: str) -> str:
    """The first ready endpoints at the port, as `10.0.0.1:80,10.0.0.2:80`, and how many more there are."""
    if not slices:
        return "<none>"
    shown: list[str] = []
    more, count = False, 0
    for text, ready in _endpoints(slices, port_name):
        more = more or len(shown) == SHOWN
        if not ready:
            continue
        if not more:
            shown.append(text)
        count += 1
    joined = ",".join(shown)
    return f"{joined} + {count - SHOWN} more..." if more else joined


def _endpoints(slices: list[Obj], port_name: str) -> Iterator[tuple[str, bool]]:
    """(address, whether it is ready). One whose readiness is unknown counts as ready."""
    for one in slices:
        ports = [f":{port.get('port', 0)}" for port in one.get("ports") or () if port.get("name", "") == port_name]
        for port in ports if one.get("ports") else [""]:
            for endpoint in one.get("endpoints") or ():
                address = endpoint["addresses"][0]
                host = f"[{address}]" if port and ":" in address else address
                yield f"{host}{port}", (endpoint.get("conditions") or {}).get("ready", True)
