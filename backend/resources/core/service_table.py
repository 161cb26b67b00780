"""The service's table. Source: printService, getServiceExternalIP, makePortString."""

from __future__ import annotations

from typing import Any

from backend.meta.label_selector import format_labels
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.core.service_fields import CLUSTER_IP, EXTERNAL_NAME, LOAD_BALANCER, NODE_PORT


def ingress_points(status: Obj) -> str:
    """Where a load balancer can be reached, sorted. The server's tables are wide, so it is never cut."""
    points = (status.get("loadBalancer") or {}).get("ingress") or ()
    return ",".join(sorted({point.get("ip") or point.get("hostname") or "" for point in points} - {""}))


def _external_ip(service: Obj) -> str:
    spec = service["spec"]
    given: list[str] = spec.get("externalIPs") or []
    kind = spec.get("type")
    if kind in (CLUSTER_IP, NODE_PORT):
        return ",".join(given) or cells.NONE
    if kind == LOAD_BALANCER:
        points = ingress_points(service.get("status") or {})
        return ",".join([*filter(None, [points]), *given]) or "<pending>"
    if kind == EXTERNAL_NAME:
        return str(spec.get("externalName", ""))
    return cells.UNKNOWN


def _port(port: Obj) -> str:
    node_port = f":{port['nodePort']}" if port.get("nodePort", 0) > 0 else ""
    return f"{port.get('port', 0)}{node_port}/{port.get('protocol', '')}"


def row(service: Obj, now: float) -> list[Any]:
    spec = service["spec"]
    addresses = spec.get("clusterIPs") or [cells.NONE]
    ports = ",".join(map(_port, spec.get("ports") or ())) or cells.NONE
    return [
        service["metadata"]["name"], spec.get("type", ""), addresses[0], _external_ip(service), ports,
        cells.age(service, now), format_labels(spec.get("selector")),
    ]  # fmt: skip
