"""The selectors that a review may ask with. RBAC does not look at them; they must be sound all the same.

Source: validateResourceAttributes of pkg/apis/authorization/validation. Operators that nobody knows may come from a
newer client, and pass.
"""

from __future__ import annotations

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj


def selector_causes(attributes: Obj | None, path: str) -> list[Cause]:
    found: list[Cause] = []
    for kind in ("fieldSelector", "labelSelector"):
        selector = (attributes or {}).get(kind)
        if selector is not None:
            found += _causes(selector, f"{path}.{kind}", labels=kind == "labelSelector")
    return found


def _causes(selector: Obj, path: str, *, labels: bool) -> list[Cause]:
    raw, requirements = selector.get("rawSelector", ""), selector.get("requirements") or []
    found: list[Cause] = []
    if raw and requirements:
        text = "may not specified at the same time as requirements"
        found.append(causes.invalid_value(f"{path}.rawSelector", raw, text))
    if not raw and not requirements:
        text = f"when {path} is specified, requirements or rawSelector is required"
        found.append(causes.required(f"{path}.requirements", text))
    for index, requirement in enumerate(requirements):
        found += _requirement_causes(requirement, f"{path}.requirements[{index}]", labels=labels)
    return found


def _requirement_causes(requirement: Obj, path: str, *, labels: bool) -> list[Cause]:
    key, operator = requirement.get("key", ""), requirement.get("operator", "")
    values = requirement.get("values") or []
    found: list[Cause] = []
    if not key and not labels:
        found.append(causes.required(f"{path}.key", "must be specified"))
    if operator in ("In", "NotIn") and not values:
        found.append(causes.required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    if operator in ("Exists", "DoesNotExist") and values:
        text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        found.append(causes.forbidden(f"{path}.values", text))
    if labels:
        found += causes.each_invalid(f"{path}.key", key, names.qualified_name(key))
        for index, value in enumerate(values):
            found += causes.each_invalid(f"{path}.values[{index}]", value, names.label_value(value))
    return found
