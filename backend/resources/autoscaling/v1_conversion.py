"""autoscaling/v1 HorizontalPodAutoscaler, which knows of CPU only: what else v2 has travels in annotations.

Source: pkg/apis/autoscaling/v1/{conversion,defaults}.go, and annotations.go of pkg/apis/autoscaling.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.autoscaling import horizontalpodautoscaler_rules as v2

_PREFIX = "autoscaling.alpha.kubernetes.io/"
_METRICS = f"{_PREFIX}metrics"
_CURRENT = f"{_PREFIX}current-metrics"
_CONDITIONS = f"{_PREFIX}conditions"
_BEHAVIOR = f"{_PREFIX}behavior"
_ANNOTATIONS = (_METRICS, _CURRENT, _CONDITIONS, _BEHAVIOR)
_SHARED_STATUS = ("observedGeneration", "lastScaleTime")
_DEFAULT_CPU = 80


def default(autoscaler: Obj) -> None:
    spec, status = autoscaler.setdefault("spec", {}), autoscaler.setdefault("status", {})
    spec.setdefault("minReplicas", 1)
    status.setdefault("currentReplicas", 0)
    status.setdefault("desiredReplicas", 0)


def prepare_create(autoscaler: Obj) -> None:
    autoscaler["status"] = {"currentReplicas": 0, "desiredReplicas": 0}


def validate(autoscaler: Obj) -> Sequence[Cause]:
    return v2.validate(_complete(autoscaler))


def validate_update(autoscaler: Obj, old: Obj) -> Sequence[Cause]:
    return v2.validate_update(_complete(autoscaler), to_v2(old))


def validate_status_update(autoscaler: Obj, old: Obj) -> Sequence[Cause]:
    return v2.validate_status_update(to_v2(autoscaler), to_v2(old))


def _complete(autoscaler: Obj) -> Obj:
    converted = to_v2(autoscaler)
    v2.default(converted)
    return converted


def _is_cpu(metric: Obj, part: str) -> bool:
    """Whether v1 has a field of its own for it."""
    resource = metric.get("resource") or {}
    is_cpu = metric.get("type") == "Resource" and resource.get("name") == "cpu"
    return is_cpu and (resource.get(part) or {}).get("averageUtilization") is not None


def to_v1(autoscaler: Obj) -> Obj:
    spec, status = autoscaler["spec"], autoscaler.get("status") or {}
    new_spec = {name: spec[name] for name in ("maxReplicas", "minReplicas", "scaleTargetRef") if name in spec}
    new_status = {name: status[name] for name in _SHARED_STATUS if name in status}
    new_status["currentReplicas"] = status.get("currentReplicas", 0)
    new_status["desiredReplicas"] = status.get("desiredReplicas", 0)
    kept: dict[str, Any] = {
        _METRICS: [_metric_to_v1(metric) for metric in spec.get("metrics") or () if not _is_cpu(metric, "target")],
        _CURRENT: [
            _current_to_v1(metric) for metric in status.get("currentMetrics") or () if not _is_cpu(metric, "current")
        ],
        _CONDITIONS: status.get("conditions"),
        _BEHAVIOR: spec.get("behavior"),
    }  # fmt: skip
    for metric in spec.get("metrics") or ():
        if _is_cpu(metric, "target"):
            new_spec["targetCPUUtilizationPercentage"] = metric["resource"]["target"]["averageUtilization"]
    for metric in status.get("currentMetrics") or ():
        if _is_cpu(metric, "current"):
            new_status["currentCPUUtilizationPercentage"] = metric["resource"]["current"]["averageUtilization"]
    annotations = dict(autoscaler["metadata"].get("annotations") or {})
    annotations |= {key: orjson.dumps(value).decode() for key, value in kept.items() if value}
    meta = {**autoscaler["metadata"]}
    if annotations:
        meta["annotations"] = annotations
    return {**autoscaler, "metadata": meta, "spec": new_spec, "status": new_status}


def to_v2(autoscaler: Obj) -> Obj:
    spec, status = autoscaler.get("spec") or {}, autoscaler.get("status") or {}
    new_spec = {name: spec[name] for name in ("maxReplicas", "minReplicas", "scaleTargetRef") if name in spec}
    new_status = {name: status[name] for name in _SHARED_STATUS if name in status}
    for name in ("currentReplicas", "desiredReplicas"):
        if status.get(name):
            new_status[name] = status[name]
    new_status.setdefault("desiredReplicas", 0)
    annotations = dict(autoscaler["metadata"].get("annotations") or {})
    kept = {key: _read(annotations.pop(key)) for key in _ANNOTATIONS if key in annotations}
    others, cpu = kept.get(_METRICS) or [], spec.get("targetCPUUtilizationPercentage")
    if cpu is None and not others:
        cpu = _DEFAULT_CPU
    metrics = [_cpu("target", {"type": "Utilization", "averageUtilization": cpu})] if cpu is not None else []
    new_spec["metrics"] = metrics + [_metric_to_v2(metric) for metric in others]
    if kept.get(_BEHAVIOR):
        new_spec["behavior"] = kept[_BEHAVIOR]
    used = status.get("currentCPUUtilizationPercentage")
    current = [_cpu("current", {"averageUtilization": used})] if used is not None else []
    current += [_current_to_v2(metric) for metric in kept.get(_CURRENT) or ()]
    new_status["currentMetrics"] = current or None
    if kept.get(_CONDITIONS):
        new_status["conditions"] = kept[_CONDITIONS]
    meta = {key: value for key, value in autoscaler["metadata"].items() if key != "annotations"}
    if annotations:
        meta["annotations"] = annotations
    return {**autoscaler, "metadata": meta, "spec": new_spec, "status": new_status}


def _cpu(part: str, value: Obj) -> Obj:
    return {"type": "Resource", "resource": {"name": "cpu", part: value}}


def _read(text: str) -> Any:
    """What an annotation says; nothing if somebody wrote something else into it."""
    try:
        return orjson.loads(text)
    except ValueError:
        return None


def _present(**fields: Any) -> Obj:
    return {name: value for name, value in fields.items() if value is not None}


def _metric_to_v1(metric: Obj) -> Obj:
    kind = metric["type"]
    field = kind[:1].lower() + kind[1:]
    source = metric.get(field) or {}
    target, named = source.get("target") or {}, source.get("metric") or {}
    name, selector = named.get("name", ""), named.get("selector")
    if kind == "Object":
        new = _present(
            target=source.get("describedObject"), metricName=name, targetValue=target.get("value", "0"),
            selector=selector, averageValue=target.get("averageValue"),
        )  # fmt: skip
    elif kind == "Pods":
        new = _present(metricName=name, targetAverageValue=target.get("averageValue"), selector=selector)
    elif kind == "External":
        new = _present(
            metricName=name, metricSelector=selector, targetValue=target.get("value"),
            targetAverageValue=target.get("averageValue"),
        )  # fmt: skip
    else:
        new = _present(
            name=source.get("name"), targetAverageUtilization=target.get("averageUtilization"),
            targetAverageValue=target.get("averageValue"), container=source.get("container"),
        )  # fmt: skip
    return {"type": kind, field: new}


def _metric_to_v2(metric: Obj) -> Obj:
    kind = metric.get("type", "")
    field = kind[:1].lower() + kind[1:]
    source = metric.get(field) or {}
    value, average = source.get("targetValue"), source.get("targetAverageValue", source.get("averageValue"))
    utilization = source.get("targetAverageUtilization")
    if kind == "Object" and average is not None:
        value = None
    target_type = "Utilization" if utilization is not None else "AverageValue" if average is not None else "Value"
    target = _present(type=target_type, value=value, averageValue=average, averageUtilization=utilization)
    if kind in ("Resource", "ContainerResource"):
        named = _present(name=source.get("name"), container=source.get("container"))
        return {"type": kind, field: {**named, "target": target}}
    selector = source.get("metricSelector", source.get("selector"))
    new: Obj = {"metric": _present(name=source.get("metricName", ""), selector=selector), "target": target}
    if kind == "Object":
        new["describedObject"] = source.get("target") or {}
    return {"type": kind, field: new}


def _current_to_v1(metric: Obj) -> Obj:
    """A metric of which nothing is known has no type, and nothing else."""
    kind = metric["type"]
    field = kind[:1].lower() + kind[1:]
    if not kind:
        return {"type": ""}
    source = metric.get(field) or {}
    current, named = source.get("current") or {}, source.get("metric") or {}
    name, selector = named.get("name", ""), named.get("selector")
    if kind == "Object":
        new = _present(
            target=source.get("describedObject"), metricName=name, currentValue=current.get("value", "0"),
            selector=selector, averageValue=current.get("averageValue"),
        )  # fmt: skip
    elif kind == "Pods":
        new = _present(metricName=name, currentAverageValue=current.get("averageValue"), selector=selector)
    elif kind == "External":
        new = _present(
            metricName=name, metricSelector=selector, currentValue=current.get("value", "0"),
            currentAverageValue=current.get("averageValue"),
        )  # fmt: skip
    else:
        new = _present(
            name=source.get("name"), currentAverageUtilization=current.get("averageUtilization"),
            currentAverageValue=current.get("averageValue", "0"), container=source.get("container"),
        )  # fmt: skip
    return {"type": kind, field: new}


def _current_to_v2(metric: Obj) -> Obj:
    kind = metric.get("type", "")
    field = kind[:1].lower() + kind[1:]
    if not kind:
        return {"type": ""}
    source = metric.get(field) or {}
    current = _present(
        value=source.get("currentValue"),
        averageValue=source.get("currentAverageValue", source.get("averageValue")),
        averageUtilization=source.get("currentAverageUtilization"),
    )
    if kind in ("Resource", "ContainerResource"):
        named = _present(name=source.get("name"), container=source.get("container"))
        return {"type": kind, field: {**named, "current": current}}
    selector = source.get("metricSelector", source.get("selector"))
    new: Obj = {"metric": _present(name=source.get("metricName", ""), selector=selector), "current": current}
    if kind == "Object":
        new["describedObject"] = source.get("target") or {}
    return {"type": kind, field: new}
