"""Rules of a Job's podFailurePolicy. Source: validatePodFailurePolicy and what it calls."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj

_MAX_RULES = 20
_MAX_EXIT_CODES = 255
_MAX_PATTERNS = 20
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")


def validate_pod_failure_policy(spec: Obj, path: str) -> list[Cause]:
    """`spec` is the JobSpec that has it."""
    rules = spec["podFailurePolicy"].get("rules") or ()
    found: list[Cause] = []
    if len(rules) > _MAX_RULES:
        found.append(causes.too_many(f"{path}.rules", len(rules), _MAX_RULES))
    pod = spec["template"]["spec"]
    containers = {
        container.get("name", "")
        for field in ("containers", "initContainers")
        for container in pod.get(field) or ()
    }
    for index, rule in enumerate(rules):
        found += _validate_rule(spec, rule, f"{path}.rules[{index}]", containers)
    return found


def _validate_rule(spec: Obj, rule: Obj, path: str, containers: Collection[str]) -> list[Cause]:
    action, codes, conditions = rule.get("action", ""), rule.get("onExitCodes"), rule.get("onPodConditions") or ()
    found: list[Cause] = []
    if action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        detail = "requires the backoffLimitPerIndex to be set"
        found.append(causes.invalid_value(f"{path}.action", action, detail))
    found += _one_of(f"{path}.action", action, _ACTIONS)
    if codes is not None:
        found += _validate_exit_codes(codes, f"{path}.onExitCodes", containers)
    if conditions:
        found += _validate_conditions(conditions, f"{path}.onPodConditions")
    if codes is not None and conditions:
        detail = "specifying both OnExitCodes and OnPodConditions is not supported"
        found.append(causes.invalid_as_whole(path, detail))
    if codes is None and not conditions:
        detail = "specifying one of OnExitCodes and OnPodConditions is required"
        found.append(causes.invalid_as_whole(path, detail))
    return found


def _one_of(path: str, value: str, supported: Sequence[str]) -> list[Cause]:
    if not value:
        return [causes.required(path, f"valid values: [{' '.join(map(causes.go_quote, supported))}]")]
    return [] if value in supported else [causes.not_supported(path, value, supported)]


def _validate_conditions(conditions: Sequence[Obj], path: str) -> list[Cause]:
    found: list[Cause] = []
    if len(conditions) > _MAX_PATTERNS:
        found.append(causes.too_many(path, len(conditions), _MAX_PATTERNS))
    for index, pattern in enumerate(conditions):
        here, kind = f"{path}[{index}]", pattern.get("type", "")
        found += causes.each_invalid(f"{here}.type", kind, names.qualified_name(kind))
        found += _one_of(f"{here}.status", pattern.get("status", ""), _STATUSES)
    return found


def _validate_exit_codes(codes: Obj, path: str, containers: Collection[str]) -> list[Cause]:
    operator, values = codes.get("operator", ""), codes.get("values") or []
    found = _one_of(f"{path}.operator", operator, _OPERATORS)
    name = codes.get("containerName")
    if name is not None and name not in containers:
        detail = "must be one of the container or initContainer names in the pod template"
        found.append(causes.invalid_value(f"{path}.containerName", name, detail))
    if not values:
        found.append(causes.invalid_value(f"{path}.values", None, "at least one value is required"))
    elif len(values) > _MAX_EXIT_CODES:
        found.append(causes.too_many(f"{path}.values", len(values), _MAX_EXIT_CODES))
    seen: set[int] = set()
    for index, value in enumerate(values):
        here = f"{path}.values[{index}]"
        if operator == "In" and value == 0:
            found.append(causes.invalid_value(here, value, "must not be 0 for the In operator"))
        if value in seen:
            found.append(causes.duplicate(here, value))
        seen.add(value)
    if values != sorted(values):
        found.append(causes.invalid_value(f"{path}.values", values, "must be ordered"))
    return found
