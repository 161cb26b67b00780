"""metav1.LabelSelector: its faults, and what it matches.

Sources: k8s.io/apimachinery/pkg/apis/meta/v1/validation (ValidateLabelSelector), metav1.LabelSelectorAsSelector.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.objectmeta import validate_labels
from backend.meta.selectors import Requirement, Selector
from backend.meta.types import Obj

_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


def validate_label_selector(selector: Obj, path: str) -> list[Cause]:
    found = validate_labels(selector.get("matchLabels") or {}, f"{path}.matchLabels")
    for index, requirement in enumerate(selector.get("matchExpressions") or ()):
        found += _validate_requirement(requirement, f"{path}.matchExpressions[{index}]")
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
    else:
        found.append(causes.invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
    found += causes.each_invalid(f"{path}.key", key, names.qualified_name(key))
    for index, value in enumerate(values):
        found += causes.each_invalid(f"{path}.values[{index}]", value, names.label_value(value))
    return found


def label_selector(selector: Obj | None) -> Selector | None:
    """A valid one, ready to match. None, which matches nothing, for none; an empty one matches everything."""
    if selector is None:
        return None
    labels = selector.get("matchLabels") or {}
    equal = [Requirement(key, "=", (value,)) for key, value in labels.items()]
    others = [
        Requirement(each["key"], _OPERATORS[each["operator"]], tuple(each.get("values") or ()))
        for each in selector.get("matchExpressions") or ()
    ]
    return Selector((*equal, *others))
