"""Objects with their fields in the order of Kubernetes' Go structs, which kubectl's JSON of typed objects shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shape = Mapping[str, Any]
"""Field -> the Shape of what is in it, in the struct's order; a list's Shape is its items'."""

_SERVICE_PORT: Shape = dict.fromkeys(("name", "protocol", "appProtocol", "port", "targetPort", "nodePort"))

SERVICE: Shape = {
    "kind": None, "apiVersion": None, "metadata": None,
    "spec": {
        "ports": _SERVICE_PORT,
        **dict.fromkeys(
            (
                "selector", "clusterIP", "clusterIPs", "type", "externalIPs", "sessionAffinity", "loadBalancerIP",
                "loadBalancerSourceRanges", "externalName", "externalTrafficPolicy", "healthCheckNodePort",
                "publishNotReadyAddresses", "sessionAffinityConfig", "ipFamilies", "ipFamilyPolicy",
                "allocateLoadBalancerNodePorts", "loadBalancerClass", "internalTrafficPolicy",
                "trafficDistribution",
            )
        ),
    },
    "status": None,
}  # fmt: skip

_BACKEND: Shape = {
    "service": {"name": None, "port": {"name": None, "number": None}},
    "resource": {"apiGroup": None, "kind": None, "name": None},
}

INGRESS: Shape = {
    "kind": None, "apiVersion": None, "metadata": None,
    "spec": {
        "ingressClassName": None,
        "defaultBackend": _BACKEND,
        "tls": {"hosts": None, "secretName": None},
        "rules": {"host": None, "http": {"paths": {"path": None, "pathType": None, "backend": _BACKEND}}},
    },
    "status": None,
}  # fmt: skip


def arranged(value: Any, shape: Shape | None) -> Any:
    """`value` in the order of `shape`; fields that it does not name come last, as they are."""
    if not shape:
        return value
    if isinstance(value, list):
        return [arranged(item, shape) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: arranged(value[key], shape.get(key)) for key in (*shape, *value) if key in value}
