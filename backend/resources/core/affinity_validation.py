"""Rules of affinity. Source: validateAffinity, ValidateNodeSelectorRequirement, validatePodAffinityTerm."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def validate_affinity(affinity: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    if node := affinity.get("nodeAffinity"):
        found += _validate_node_affinity(node, f"{path}.nodeAffinity")
    for kind in ("podAffinity", "podAntiAffinity"):
        if pods := affinity.get(kind):
            found += _validate_pod_affinity(pods, f"{path}.{kind}")
    return found


def _validate_node_affinity(affinity: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    if (required := affinity.get(_REQUIRED)) is not None:
        found += validate_node_selector(required, f"{path}.{_REQUIRED}")
    for index, preferred in enumerate(affinity.get(_PREFERRED) or ()):
        here = f"{path}.{_PREFERRED}[{index}]"
        found += _validate_weight(preferred, here)
        found += _validate_node_term(preferred.get("preference") or {}, f"{here}.preference")
    return found


def validate_node_selector(selector: Obj, path: str) -> list[Cause]:
    terms = selector.get("nodeSelectorTerms") or ()
    here = f"{path}.nodeSelectorTerms"
    found = [] if terms else [causes.required(here, "must have at least one node selector term")]
    for index, term in enumerate(terms):
        found += _validate_node_term(term, f"{here}[{index}]")
    return found


def _validate_weight(preferred: Obj, path: str) -> list[Cause]:
    weight = preferred.get("weight", 0)
    return (
        []
        if 1 <= weight <= 100
        else [causes.invalid_value(f"{path}.weight", weight, "must be in the range 1-100")]
    )


def _validate_node_term(term: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        found += _validate_requirement(requirement, f"{path}.matchExpressions[{index}]")
    for index, requirement in enumerate(term.get("matchFields") or ()):
        here = f"{path}.matchFields[{index}]"
        operator, values = requirement.get("operator", ""), requirement.get("values") or ()
        if operator not in ("In", "NotIn"):
            found.append(causes.invalid_value(f"{here}.operator", operator, "not a valid selector operator"))
        elif len(values) != 1:
            detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            found.append(causes.required(f"{here}.values", detail))
        if requirement.get("key") != "metadata.name":
            detail = "not a valid field selector key"
            found.append(causes.invalid_value(f"{here}.key", requirement.get("key", ""), detail))
    return found


def _validate_requirement(requirement: Obj, path: str) -> list[Cause]:
    key, operator = requirement.get("key", ""), requirement.get("operator", "")
    values: Sequence[str] = requirement.get("values") or ()
    found: list[Cause] = []
    if operator in ("In", "NotIn"):
        if not values:
            detail = "must be specified when `operator` is 'In' or 'NotIn'"
            found.append(causes.required(f"{path}.values", detail))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            found.append(causes.forbidden(f"{path}.values", detail))
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            detail = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            found.append(causes.required(f"{path}.values", detail))
    else:
        found.append(causes.invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
    found += causes.each_invalid(f"{path}.key", key, names.qualified_name(key))
    for index, value in enumerate(values):
        found += causes.each_invalid(f"{path}.values[{index}]", value, names.label_value(value))
    return found


def _validate_pod_affinity(affinity: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    for index, term in enumerate(affinity.get(_REQUIRED) or ()):
        found += _validate_pod_term(term, f"{path}.{_REQUIRED}[{index}]")
    for index, preferred in enumerate(affinity.get(_PREFERRED) or ()):
        here = f"{path}.{_PREFERRED}[{index}]"
        found += _validate_weight(preferred, here)
        found += _validate_pod_term(preferred.get("podAffinityTerm") or {}, f"{here}.podAffinityTerm")
    return found


def _validate_pod_term(term: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    for name in term.get("namespaces") or ():
        found += causes.each_invalid(f"{path}.namespace", name, names.dns1123_label(name))
    key = term.get("topologyKey", "")
    if not key:
        found.append(causes.required(f"{path}.topologyKey", "can not be empty"))
    return found + causes.each_invalid(f"{path}.topologyKey", key, names.qualified_name(key))
