"""What parts of a Service mean together; the schema knows them one by one. Source: pkg/api/service/util.go."""

from __future__ import annotations

from backend.meta.types import Obj

CLUSTER_IP, NODE_PORT, LOAD_BALANCER, EXTERNAL_NAME = "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"
NONE = "None"
"""The clusterIP of a headless service."""


def cluster_ips(service: Obj) -> list[str]:
    return service["spec"].get("clusterIPs") or []


def is_headless(service: Obj) -> bool:
    return cluster_ips(service) == [NONE]


def needs_cluster_ip(service: Obj) -> bool:
    return bool(service["spec"].get("type") != EXTERNAL_NAME)


def needs_node_port(service: Obj) -> bool:
    return service["spec"].get("type") in (NODE_PORT, LOAD_BALANCER)


def externally_accessible(service: Obj) -> bool:
    """Whether externalTrafficPolicy means something. Source: ExternallyAccessible."""
    spec = service["spec"]
    return needs_node_port(service) or (spec.get("type") == CLUSTER_IP and bool(spec.get("externalIPs")))


def needs_health_check(service: Obj) -> bool:
    """Whether it has a healthCheckNodePort. Source: NeedsHealthCheck."""
    spec = service["spec"]
    return bool(spec.get("type") == LOAD_BALANCER and spec.get("externalTrafficPolicy") == "Local")


def node_ports(service: Obj) -> list[int]:
    return [port["nodePort"] for port in service["spec"].get("ports") or () if port.get("nodePort")]
