"""Rules of policy/v1 PodDisruptionBudget. Source: ValidatePodDisruptionBudgetSpec, ...StatusUpdate."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.label_selector import validate_label_selector
from backend.meta.types import Obj
from backend.resources import int_or_percent

_COUNTS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
_EVICTION_POLICIES = ("AlwaysAllow", "IfHealthyBudget")


def default(budget: Obj) -> None:
    budget.setdefault("spec", {})
    status = budget.setdefault("status", {})
    for field in _COUNTS:
        status.setdefault(field, 0)


def prepare_create(budget: Obj) -> None:
    budget["status"] = dict.fromkeys(_COUNTS, 0)


def validate(budget: Obj) -> Sequence[Cause]:
    spec = budget["spec"]
    found: list[Cause] = []
    if "minAvailable" in spec and "maxUnavailable" in spec:
        shown = causes.GoStruct(
            MinAvailable=spec["minAvailable"],
            Selector=spec.get("selector"),
            MaxUnavailable=spec["maxUnavailable"],
            UnhealthyPodEvictionPolicy=spec.get("unhealthyPodEvictionPolicy"),
        )
        detail = "minAvailable and maxUnavailable cannot be both set"
        found.append(causes.invalid_value("spec", shown, detail))
    for field in ("minAvailable", "maxUnavailable"):
        if field in spec:
            found += int_or_percent.validate(spec[field], f"spec.{field}")
            found += int_or_percent.validate_share(spec[field], f"spec.{field}")
    found += validate_label_selector(spec.get("selector") or {}, "spec.selector")
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in _EVICTION_POLICIES:
        found.append(causes.not_supported("spec.unhealthyPodEvictionPolicy", policy, _EVICTION_POLICIES))
    return found


def validate_update(budget: Obj, _old: Obj) -> Sequence[Cause]:
    return validate(budget)


def validate_status_update(budget: Obj, _old: Obj) -> Sequence[Cause]:
    status = budget["status"]
    found: list[Cause] = []
    for index, condition in enumerate(status.get("conditions") or ()):
        path = f"status.conditions[{index}].type"
        found += causes.each_invalid(
            path, condition.get("type", ""), names.qualified_name(condition.get("type", ""))
        )
    for field in ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"):
        found += causes.nonnegative(f"status.{field}", status.get(field))
    return found
