"""Objects that kubectl decodes into its structs, and so prints with their fields in the structs' order."""

from __future__ import annotations

from typing import Any

from minikctl.output import workload_shapes as shapes
from minikctl.output.struct_order import SERVICE, Shape

_ROLE_BINDING: Shape = {
    **dict.fromkeys(("kind", "apiVersion", "metadata")),
    "subjects": dict.fromkeys(("kind", "apiGroup", "name", "namespace")),
    "roleRef": dict.fromkeys(("apiGroup", "kind", "name")),
}
_SHAPES = {
    "ClusterRoleBinding": _ROLE_BINDING,
    "CronJob": shapes.CRON_JOB,
    "DaemonSet": shapes.DAEMON_SET,
    "Deployment": shapes.DEPLOYMENT,
    "Job": shapes.JOB,
    "Pod": shapes.POD,
    "ReplicaSet": shapes.REPLICA_SET,
    "ReplicationController": shapes.REPLICA_SET,
    "RoleBinding": _ROLE_BINDING,
    "Service": SERVICE,
    "StatefulSet": shapes.STATEFUL_SET,
}
_METADATA: Shape = {
    **dict.fromkeys(
        (
            "name", "generateName", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
            "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations",
        )
    ),
    "ownerReferences": dict.fromkeys(("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")),
    "finalizers": None,
    "managedFields": dict.fromkeys(
        ("manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource")
    ),
}  # fmt: skip
_KIND: Shape = dict.fromkeys(("kind", "apiVersion", "metadata", "spec", "status"))


def typed(obj: dict[str, Any]) -> dict[str, Any]:
    """`obj` in the order of its kind's struct, with the keys of maps sorted."""
    shape = _SHAPES.get(obj.get("kind", ""), _KIND)
    ordered: dict[str, Any] = _ordered(obj, {**shape, "metadata": _METADATA})
    return ordered


def _ordered(value: Any, shape: Shape | None) -> Any:
    if isinstance(value, list):
        return [_ordered(item, shape) for item in value]
    if not isinstance(value, dict):
        return value
    known = shape or {}
    return {key: _ordered(value[key], known.get(key)) for key in (*known, *sorted(value)) if key in value}
