"""Rules of DeviceTaintRule. Source: pkg/apis/resource/validation/validation.go."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.resource_k8s.device_rules import (
    default_taints,
    validate_driver_name,
    validate_label,
    validate_pool_name,
    validate_taint,
)

_MAX_CONDITIONS = 8
_SELECTED = (("driver", validate_driver_name), ("pool", validate_pool_name), ("device", validate_label))


def default(rule: Obj) -> None:
    default_taints([rule.setdefault("spec", {}).setdefault("taint", {})])


def validate(rule: Obj) -> Sequence[Cause]:
    return _validate(rule, None)


def validate_update(new: Obj, old: Obj) -> Sequence[Cause]:
    return _validate(new, old["spec"]["taint"])


def validate_status_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    conditions = (new.get("status") or {}).get("conditions") or ()
    if len(conditions) > _MAX_CONDITIONS:
        return [causes.too_many("status.conditions", len(conditions), _MAX_CONDITIONS)]
    return []


def _validate(rule: Obj, old_taint: Obj | None) -> list[Cause]:
    spec = rule["spec"]
    selector = spec.get("deviceSelector") or {}
    found: list[Cause] = []
    for field, check in _SELECTED:
        if field in selector:
            found += check(selector[field], f"spec.deviceSelector.{field}")
    return found + validate_taint(spec["taint"], "spec.taint", old_taint)
