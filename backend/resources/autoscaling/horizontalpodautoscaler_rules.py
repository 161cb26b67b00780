"""Rules of autoscaling/v2 HorizontalPodAutoscaler.

Source: pkg/apis/autoscaling/v2/defaults.go; ValidateHorizontalPodAutoscaler of pkg/apis/autoscaling/validation.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.autoscaling.metric_rules import validate_metrics, validate_reference

_PERIOD = 15
_UP_POLICIES = (("Pods", 4), ("Percent", 100))
_DOWN_POLICIES = (("Percent", 100),)
_MAX_WINDOW = 3600
_MAX_PERIOD = 1800
_SELECT = ("Disabled", "Max", "Min")
_POLICY_TYPES = ("Percent", "Pods")


def default(autoscaler: Obj) -> None:
    spec = autoscaler.setdefault("spec", {})
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behavior = spec.get("behavior")
    if behavior is not None:
        behavior["scaleUp"] = _rules(behavior.get("scaleUp"), _UP_POLICIES, {"stabilizationWindowSeconds": 0})
        behavior["scaleDown"] = _rules(behavior.get("scaleDown"), _DOWN_POLICIES, {})
    _complete_status(autoscaler.setdefault("status", {}))


def _rules(given: Obj | None, policies: Sequence[tuple[str, int]], more: Obj) -> Obj:
    made = [{"type": kind, "value": value, "periodSeconds": _PERIOD} for kind, value in policies]
    return {**more, "selectPolicy": "Max", "policies": made, **(given or {})}


def _complete_status(status: Obj) -> None:
    status.setdefault("desiredReplicas", 0)
    status.setdefault("currentMetrics", None)


def prepare_create(autoscaler: Obj) -> None:
    autoscaler["status"] = {}
    _complete_status(autoscaler["status"])


def validate(autoscaler: Obj) -> Sequence[Cause]:
    return _validate_spec(autoscaler["spec"], lowest=1)


def validate_update(autoscaler: Obj, old: Obj) -> Sequence[Cause]:
    return _validate_spec(autoscaler["spec"], lowest=0 if old["spec"].get("minReplicas") == 0 else 1)


def _validate_spec(spec: Obj, lowest: int) -> list[Cause]:
    least, most = spec["minReplicas"], spec.get("maxReplicas", 0)
    found: list[Cause] = []
    if least < lowest:
        detail = f"must be greater than or equal to {lowest}"
        found.append(causes.invalid_value("spec.minReplicas", least, detail))
    if most < 1:
        found.append(causes.invalid_value("spec.maxReplicas", most, "must be greater than 0"))
    if most < least:
        detail = "must be greater than or equal to `minReplicas`"
        found.append(causes.invalid_value("spec.maxReplicas", most, detail))
    found += validate_reference(spec.get("scaleTargetRef") or {}, "spec.scaleTargetRef")
    found += validate_metrics(spec["metrics"], "spec.metrics", least)
    for direction in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(direction)
        if rules is not None:
            found += _validate_rules(rules, f"spec.behavior.{direction}")
    return found


def _validate_rules(rules: Obj, path: str) -> list[Cause]:
    window, select = rules.get("stabilizationWindowSeconds"), rules["selectPolicy"]
    found: list[Cause] = []
    if window is not None and window < 0:
        found.append(
            causes.invalid_value(
                f"{path}.stabilizationWindowSeconds", window, "must be greater than or equal to zero"
            )
        )
    if window is not None and window > _MAX_WINDOW:
        detail = f"must be less than or equal to {_MAX_WINDOW}"
        found.append(causes.invalid_value(f"{path}.stabilizationWindowSeconds", window, detail))
    if select not in _SELECT:
        found.append(causes.not_supported(f"{path}.selectPolicy", select, _SELECT))
    policies = rules.get("policies") or ()
    if not policies:
        found.append(causes.required(f"{path}.policies", "must specify at least one Policy"))
    for index, policy in enumerate(policies):
        found += _validate_policy(policy, f"{path}.policies[{index}]")
    if (tolerance := rules.get("tolerance")) is not None and str(tolerance).startswith("-"):
        found.append(causes.invalid_value(f"{path}.tolerance", tolerance, "must be greater than or equal to 0"))
    return found


def _validate_policy(policy: Obj, path: str) -> list[Cause]:
    kind, value, period = policy.get("type", ""), policy.get("value", 0), policy.get("periodSeconds", 0)
    found: list[Cause] = []
    if kind not in _POLICY_TYPES:
        found.append(causes.not_supported(f"{path}.type", kind, _POLICY_TYPES))
    if value <= 0:
        found.append(causes.invalid_value(f"{path}.value", value, "must be greater than zero"))
    if period <= 0:
        found.append(causes.invalid_value(f"{path}.periodSeconds", period, "must be greater than zero"))
    if period > _MAX_PERIOD:
        found.append(
            causes.invalid_value(f"{path}.periodSeconds", period, f"must be less than or equal to {_MAX_PERIOD}")
        )
    return found


def validate_status_update(autoscaler: Obj, _old: Obj) -> Sequence[Cause]:
    status = autoscaler.get("status") or {}
    found = causes.nonnegative("status.currentReplicas", status.get("currentReplicas"))
    return found + causes.nonnegative("status.desiredReplicas", status.get("desiredReplicas"))
