"""Rules of a HorizontalPodAutoscaler's metrics. Source: validateMetrics and what it calls."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names, quantity
from backend.meta.errors import Cause
from backend.meta.types import Obj

_TYPES = ("ContainerResource", "External", "Object", "Pods", "Resource")
_FIELDS = {
    "Object": "object", "External": "external", "Pods": "pods", "Resource": "resource",
    "ContainerResource": "containerResource",
}  # fmt: skip
"""In the order in which kube-apiserver looks at them."""
_TARGETS = ("Utilization", "Value", "AverageValue")


def validate_reference(reference: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    for field in ("kind", "name"):
        found += _path_segment(reference.get(field, ""), f"{path}.{field}")
    return found


def _path_segment(value: str, path: str, missing: str = "") -> list[Cause]:
    if not value:
        return [causes.required(path, missing)]
    return causes.each_invalid(path, value, names.path_segment(value))


def validate_metrics(metrics: Sequence[Obj], path: str, least: int) -> list[Cause]:
    """`least` is minReplicas: only what is measured outside of the pods can wake them from none."""
    found: list[Cause] = []
    for index, metric in enumerate(metrics):
        found += _validate_metric(metric, f"{path}[{index}]")
    if least == 0 and not any(metric.get("type") in ("Object", "External") for metric in metrics):
        detail = "must specify at least one Object or External metric to support scaling to zero replicas"
        found.append(causes.forbidden(path, detail))
    return found


def _validate_metric(metric: Obj, path: str) -> list[Cause]:
    kind = metric.get("type", "")
    found: list[Cause] = []
    if not kind:
        found.append(causes.required(f"{path}.type", "must specify a metric source type"))
    if kind not in _TYPES:
        found.append(causes.not_supported(f"{path}.type", kind, _TYPES))
    present = [field for field in _FIELDS.values() if metric.get(field) is not None]
    if present:
        found += _validate_source(present[0], metric[present[0]], f"{path}.{present[0]}")
    expected = _FIELDS.get(kind, "")
    if not expected:
        found.append(causes.not_supported(f"{path}.type", kind, _TYPES))
    elif expected not in present:
        detail = "must populate information for the given metric source"
        found.append(causes.required(f"{path}.{expected}", detail))
    if len(present) != 1:
        found += [
            causes.forbidden(f"{path}.{field}", "must populate the given metric source only")
            for field in present
            if field != expected
        ]
    return found


def _validate_source(field: str, source: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    if field == "object":
        found += validate_reference(source.get("describedObject") or {}, f"{path}.describedObject")
    if field in ("object", "external", "pods"):
        name = (source.get("metric") or {}).get("name", "")
        found += _path_segment(name, f"{path}.metric.name", "must specify a metric name")
    elif not source.get("name"):
        found.append(causes.required(f"{path}.name", "must specify a resource name"))
    if field == "containerResource":
        container = source.get("container", "")
        if not container:
            found.append(causes.required(f"{path}.container", "must specify a container"))
        else:
            found += causes.each_invalid(f"{path}.container", container, names.dns1123_label(container))
    target = source.get("target") or {}
    return found + _validate_target(target, f"{path}.target") + _validate_choice(field, target, f"{path}.target")


def _validate_target(target: Obj, path: str) -> list[Cause]:
    kind, utilization = target.get("type", ""), target.get("averageUtilization")
    found: list[Cause] = []
    if not kind:
        found.append(causes.required(f"{path}.type", "must specify a metric target type"))
    if kind not in _TARGETS:
        detail = "must be either Utilization, Value, or AverageValue"
        found.append(causes.invalid_value(f"{path}.type", kind, detail))
    for field in ("value", "averageValue"):
        amount = target.get(field)
        if amount is not None and quantity.parse(str(amount)) <= 0:
            found.append(
                causes.invalid_value(f"{path}.{field}", quantity.canonical(str(amount)), "must be positive")
            )
    if utilization is not None and utilization < 1:
        found.append(causes.invalid_value(f"{path}.averageUtilization", utilization, "must be greater than 0"))
    return found


def _validate_choice(field: str, target: Obj, path: str) -> list[Cause]:
    """That there is exactly one of the targets that this kind of metric can have."""
    value, average = target.get("value"), target.get("averageValue")
    utilization = target.get("averageUtilization")
    if field == "pods":
        detail = "must specify a positive target averageValue"
        return [causes.required(f"{path}.averageValue", detail)] if average is None else []
    if field in ("object", "external"):
        if value is None and average is None:
            detail = (
                "must set either a target value or averageValue"
                if field == "object"
                else "must set either a target value for metric or a per-pod target"
            )
            return [causes.required(f"{path}.averageValue", detail)]
        if field == "external" and value is not None and average is not None:
            detail = "may not set both a target value for metric and a per-pod target"
            return [causes.forbidden(f"{path}.value", detail)]
        return []
    if utilization is None and average is None:
        detail = "must set either a target raw value or a target utilization"
        return [causes.required(f"{path}.averageUtilization", detail)]
    if utilization is not None and average is not None:
        detail = "may not set both a target raw value and a target utilization"
        return [causes.forbidden(f"{path}.averageValue", detail)]
    return []
