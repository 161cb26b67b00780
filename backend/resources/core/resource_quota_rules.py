"""The rules of ResourceQuota. Source: ValidateResourceQuota and its updates in pkg/apis/core/validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core import resource_names

_COMPUTE = frozenset({"cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"})
_PODS = frozenset({"pods"})
_ON_PODS = _PODS | _COMPUTE
SCOPES: Mapping[str, frozenset[str]] = {
    "Terminating": _ON_PODS,
    "NotTerminating": _ON_PODS,
    "BestEffort": _PODS,
    "NotBestEffort": _ON_PODS,
    "PriorityClass": _ON_PODS,
    "CrossNamespacePodAffinity": _ON_PODS,
    "VolumeAttributesClass": frozenset({"persistentvolumeclaims", "requests.storage"}),
}
"""Each scope, and which of the standard resources it can limit."""
_BOOLEAN_SCOPES = frozenset(
    {"BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"}
)
_CONFLICTS = (frozenset({"BestEffort", "NotBestEffort"}), frozenset({"Terminating", "NotTerminating"}))


def validate(quota: Obj) -> Sequence[Cause]:
    return [*_validate_spec(quota["spec"]), *_validate_status(quota.get("status") or {})]


def validate_update(new: Obj, old: Obj) -> Sequence[Cause]:
    found = _validate_spec(new["spec"])
    scopes = new["spec"].get("scopes") or []
    if set(scopes) != set(old["spec"].get("scopes") or ()):
        found.append(causes.immutable("spec.scopes", scopes))
    return found


def validate_status_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    return _validate_status(new.get("status") or {})


def _validate_amounts(amounts: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    for name, amount in sorted(amounts.items()):
        where = f"{path}[{name}]"
        found += resource_names.validate_name(name, where)
        if "/" not in name and not resource_names.is_for_quota(name):
            found.append(causes.invalid_value(where, name, "must be a standard resource for quota"))
        found += resource_names.validate_amount(name, amount, where)
    return found


def _validate_spec(spec: Obj) -> list[Cause]:
    hard = spec.get("hard") or {}
    found = _validate_amounts(hard, "spec.hard")
    scopes = spec.get("scopes") or []
    for scope in scopes:
        found += _validate_scope(scope, hard, "spec.scopes", scopes, "spec.scopes", scopes)
    found += _validate_conflicts(set(scopes), "spec.scopes", scopes)
    selector = spec.get("scopeSelector")
    return found if selector is None else found + _validate_selector(selector, hard, scopes)


def _validate_status(status: Obj) -> list[Cause]:
    hard, used = status.get("hard") or {}, status.get("used") or {}
    return [*_validate_amounts(hard, "status.hard"), *_validate_amounts(used, "status.used")]


def _validate_scope(
    scope: str, hard: Obj, path: str, shown: object, applied_path: str, applied_shown: object
) -> list[Cause]:
    """That the scope exists, and that it can limit every resource of the quota."""
    if scope not in SCOPES:
        return [causes.invalid_value(path, shown, "unsupported scope")]
    return [
        causes.invalid_value(applied_path, applied_shown, "unsupported scope applied to resource")
        for name in sorted(hard)
        if resource_names.is_for_quota(name) and name not in SCOPES[scope]
    ]


def _validate_conflicts(scopes: set[str], path: str, shown: object) -> list[Cause]:
    return [causes.invalid_value(path, shown, "conflicting scopes") for pair in _CONFLICTS if pair <= scopes]


def _validate_selector(selector: Obj, hard: Obj, scopes: list[str]) -> list[Cause]:
    path = "spec.scopeSelector.matchExpressions"
    found: list[Cause] = []
    seen: set[str] = set()
    for expression in selector.get("matchExpressions") or ():
        scope, operator = expression.get("scopeName", ""), expression.get("operator", "")
        values = expression.get("values") or []
        found += _validate_scope(scope, hard, f"{path}.scopeName", scope, path, selector)
        if scope in _BOOLEAN_SCOPES and operator != "Exists":
            text = (
                "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating,"
                " ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort"
                " or ResourceQuotaScopeCrossNamespacePodAffinity"
            )
            found.append(causes.invalid_value(f"{path}.operator", operator, text))
        found += _validate_operator(operator, values, path)
        seen.add(scope)
    return found + _validate_conflicts(seen, path, scopes)


def _validate_operator(operator: str, values: list[str], path: str) -> list[Cause]:
    if operator in ("In", "NotIn"):
        if values:
            return []
        text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
        return [causes.required(f"{path}.values", text)]
    if operator in ("Exists", "DoesNotExist"):
        if not values:
            return []
        text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
        return [causes.invalid_value(f"{path}.values", values, text)]
    return [causes.invalid_value(f"{path}.operator", operator, "not a valid selector operator")]
