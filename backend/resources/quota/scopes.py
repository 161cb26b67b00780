"""Which objects a quota's scopes choose. Source: podMatchesScopeFunc of pkg/quota/v1/evaluator/core/pods.go."""

from __future__ import annotations

from collections.abc import Iterator

from backend.meta.types import Obj
from backend.resources.core.pod_qos import qos_class


def requirements(quota: Obj) -> list[Obj]:
    """The scopes and the scope selector as one list of requirements (scopeName, operator, values)."""
    spec = quota["spec"]
    found = [{"scopeName": scope, "operator": "Exists"} for scope in spec.get("scopes") or ()]
    return [*found, *((spec.get("scopeSelector") or {}).get("matchExpressions") or ())]


def pod_matches(requirement: Obj, pod: Obj) -> bool:
    spec, scope = pod["spec"], requirement["scopeName"]
    if scope in ("Terminating", "NotTerminating"):
        ends: bool = spec.get("activeDeadlineSeconds") is not None
        return ends is (scope == "Terminating")
    if scope in ("BestEffort", "NotBestEffort"):
        return (qos_class(spec) == "BestEffort") is (scope == "BestEffort")
    if scope == "PriorityClass":
        return _selects(requirement, spec.get("priorityClassName") or "")
    if scope == "CrossNamespacePodAffinity":
        return any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in _terms(spec))
    return False


def claim_matches(requirement: Obj, claim: Obj) -> bool:
    """A claim is chosen by any attributes class that it has or is to get. Source: pvcMatchesSelector."""
    if requirement["scopeName"] != "VolumeAttributesClass":
        return False
    status = claim.get("status") or {}
    asked = (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName")
    classes = (
        claim["spec"].get("volumeAttributesClassName"), status.get("currentVolumeAttributesClassName"), asked,
    )  # fmt: skip
    found = {name for name in classes if name}
    return any(_selects(requirement, name) for name in found) if found else _selects(requirement, "")


def _selects(requirement: Obj, value: str) -> bool:
    operator, values = requirement.get("operator", ""), requirement.get("values") or ()
    if operator == "Exists":
        return bool(value)
    if operator == "DoesNotExist":
        return not value
    if operator == "In":
        return value in values
    return value not in values


def _terms(spec: Obj) -> Iterator[Obj]:
    affinity = spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        yield from rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        for weighted in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            yield weighted.get("podAffinityTerm") or {}
