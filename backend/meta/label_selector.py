"""LabelSelector objects, as most specs have them: what they select, how they are shown, and their rules.

Sources: k8s.io/apimachinery/pkg/apis/meta/v1 (LabelSelectorAsSelector, FormatLabelSelector) and its validation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.objectmeta import validate_labels
from backend.meta.selectors import Requirement, Selector
from backend.meta.types import Obj

_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


class _Nothing(Selector):
    """What no LabelSelector at all selects."""

    __slots__ = ()

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        return False

    def __bool__(self) -> bool:
        return True


NOTHING = _Nothing()


def as_selector(selector: Obj | None) -> Selector:
    """An empty LabelSelector selects everything, an absent one nothing. Raises ValueError for an unknown operator."""
    if selector is None:
        return NOTHING
    found = [Requirement(key, "=", (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        operator = _OPERATORS.get(expression.get("operator", ""))
        if operator is None:
            raise ValueError(f'"{expression.get("operator", "")}" is not a valid label selector operator')
        values = tuple(sorted(expression.get("values") or ()))
        found.append(Requirement(expression.get("key", ""), operator, values))
    return Selector(tuple(sorted(found, key=lambda requirement: requirement.key)))


def format_selector(selector: Obj | None) -> str:
    """`app=web,tier in (a,b)`; `<none>` for one without requirements, `<error>` for one that is not valid."""
    try:
        return str(as_selector(selector)) or "<none>"
    except ValueError:
        return "<error>"


def format_labels(labels: Mapping[str, str] | None) -> str:
    """Labels, or a selector that is a plain map of them: `a=1,b=2`, or `<none>`."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or "<none>"


def validate_label_selector(selector: Obj, path: str) -> list[Cause]:
    found = validate_labels(selector.get("matchLabels") or {}, f"{path}.matchLabels")
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        found += _validate_requirement(expression, f"{path}.matchExpressions[{index}]")
    return found


def is_empty(selector: Obj) -> bool:
    """Whether it has no requirements, and so selects everything."""
    return not selector.get("matchLabels") and not selector.get("matchExpressions")


def _validate_requirement(expression: Obj, path: str) -> list[Cause]:
    key, operator = expression.get("key", ""), expression.get("operator", "")
    values: Sequence[str] = expression.get("values") or ()
    found: list[Cause] = []
    if operator in ("In", "NotIn"):
        if not values:
            found.append(causes.required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
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
