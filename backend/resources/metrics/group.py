"""The kinds of metrics.k8s.io, which are measured and not stored. They are served where there is a kubelet to ask.

Source: k8s.io/metrics/pkg/apis/metrics/v1beta1; names, columns and verbs are those of metrics-server.
"""

from __future__ import annotations

from typing import Any

from backend.meta.types import Obj
from backend.resources.resource import NAME_COLUMN, Column, Resource

_QUANTITIES: Obj = {
    "type": "object",
    "additionalProperties": {
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "x-kubernetes-int-or-string": True,
    },
}
_MEASURED: Obj = {
    "timestamp": {"type": "string", "format": "date-time"},
    "window": {"type": "string", "description": "How long was measured, up to the timestamp."},
}
_CONTAINER: Obj = {"type": "object", "properties": {"name": {"type": "string"}, "usage": _QUANTITIES}}


def _node_row(metrics: Obj, _now: float) -> list[Any]:
    usage = metrics["usage"]
    return [metrics["metadata"]["name"], usage["cpu"], usage["memory"], metrics["window"]]


def _pod_row(metrics: Obj, _now: float) -> list[Any]:
    from backend.meta.resource_list import add

    total: dict[str, str] = {}
    for container in metrics["containers"]:
        total = add(total, container["usage"])
    return [metrics["metadata"]["name"], total["cpu"], total["memory"], metrics["window"]]


_COLUMNS = (
    NAME_COLUMN,
    Column("cpu", format="quantity"),
    Column("memory", format="quantity"),
    Column("Window", format="duration"),
)
_PACKAGE = "io.k8s.metrics.pkg.apis.metrics.v1beta1"

NODE_METRICS = Resource(
    group="metrics.k8s.io",
    version="v1beta1",
    kind="NodeMetrics",
    plural="nodes",
    singular="",
    namespaced=False,
    schema=f"{_PACKAGE}.NodeMetrics",
    verbs=("get", "list"),
    columns=_COLUMNS,
    row=_node_row,
    published={"type": "object", "properties": {**_MEASURED, "usage": _QUANTITIES}},
)

POD_METRICS = Resource(
    group="metrics.k8s.io",
    version="v1beta1",
    kind="PodMetrics",
    plural="pods",
    singular="",
    namespaced=True,
    schema=f"{_PACKAGE}.PodMetrics",
    verbs=("get", "list"),
    columns=_COLUMNS,
    row=_pod_row,
    published={
        "type": "object",
        "properties": {**_MEASURED, "containers": {"type": "array", "items": _CONTAINER}},
    },
)

KINDS = (NODE_METRICS, POD_METRICS)
OWNER = "metrics.k8s.io"
"""As the catalog calls whom these kinds are served for."""
