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
_EVENT: Shape = {
    **dict.fromkeys(("kind", "apiVersion", "metadata")),
    "involvedObject": dict.fromkeys(
        ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
    ),
    **dict.fromkeys(
        (
            "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type", "eventTime", "series",
            "action", "related", "reportingComponent", "reportingInstance",
        )
    ),
}  # fmt: skip
_SHAPES = {
    "ClusterRoleBinding": _ROLE_BINDING,
    "CronJob": shapes.CRON_JOB,
    "DaemonSet": shapes.DAEMON_SET,
    "Deployment": shapes.DEPLOYMENT,
    "Event": _EVENT,
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


def decoded(obj: dict[str, Any]) -> dict[str, Any]:
    """`obj` with the fields that its kind's struct always has, which files may leave out."""
    kind = obj.get("kind", "")
    if kind not in _ALWAYS:
        return obj
    always, path = _ALWAYS[kind]
    made = _filled(obj, always)
    holder = made
    for name in path:
        holder[name] = dict(holder.get(name) or {})
        holder = holder[name]
        if name in ("template", "jobTemplate"):
            holder.setdefault("metadata", {})
    for field in ("initContainers", "containers"):
        if holder.get(field):
            holder[field] = [{"resources": {}, **container} for container in holder[field]]
    return made


def _filled(obj: dict[str, Any], always: dict[str, Any]) -> dict[str, Any]:
    made = dict(obj)
    for key, value in always.items():
        present = made.get(key)
        if isinstance(value, dict):
            made[key] = _filled(present or {}, value)
        elif present is None:
            made[key] = value
    return made


_TEMPLATE = ("spec", "template", "spec")
_SCHEDULED = dict.fromkeys(
    ("currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady"), 0
)
_ALWAYS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "CronJob": ({"status": {}}, ("spec", "jobTemplate", *_TEMPLATE)),
    "DaemonSet": ({"spec": {"updateStrategy": {}}, "status": _SCHEDULED}, _TEMPLATE),
    "Deployment": ({"spec": {"strategy": {}}, "status": {}}, _TEMPLATE),
    "Job": ({"status": {}}, _TEMPLATE),
    "Pod": ({"status": {}}, ("spec",)),
    "ReplicaSet": ({"status": {"replicas": 0}}, _TEMPLATE),
    "ReplicationController": ({"status": {"replicas": 0}}, _TEMPLATE),
    "Service": ({"spec": {}, "status": {"loadBalancer": {}}}, ()),
    "StatefulSet": (
        {"spec": {"serviceName": "", "updateStrategy": {}}, "status": {"availableReplicas": 0, "replicas": 0}},
        _TEMPLATE,
    ),
}
"""The fields without omitempty, and the way to the pod spec. Source: k8s.io/api."""
