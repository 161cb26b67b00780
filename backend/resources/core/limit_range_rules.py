"""The rules of LimitRange. Source: ValidateLimitRange of pkg/apis/core/validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.meta import causes, names, quantity
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core import resource_names

_TYPES = frozenset({"Pod", "Container", "PersistentVolumeClaim"})
_MAPS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
_ORDERED = (
    ("min", "max", "min", "min", "min value {} is greater than max value {}"),
    ("min", "defaultRequest", "defaultRequest", "defaultRequest",
     "min value {} is greater than default request value {}"),
    ("defaultRequest", "max", "defaultRequest", "defaultRequest",
     "default request value {} is greater than max value {}"),
    ("defaultRequest", "default", "defaultRequest", "defaultRequest",
     "default request value {} is greater than default limit value {}"),
    ("min", "default", "default", "min", "min value {} is greater than default value {}"),
    ("default", "max", "default", "max", "default value {} is greater than max value {}"),
)  # fmt: skip
"""(what is lower, what is higher, whose path a fault has, whose value, its text)."""

Texts = Mapping[str, str]


def validate_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    return validate(new)


def validate(limit_range: Obj) -> Sequence[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for index, limit in enumerate(limit_range["spec"]["limits"] or ()):
        path, kind = f"spec.limits[{index}]", limit.get("type", "")
        found += _validate_type(kind, f"{path}.type")
        if kind in seen:
            found.append(causes.duplicate(f"{path}.type", kind))
        seen.add(kind)
        found += _validate_item(limit, kind, path)
    return found


def _validate_type(kind: str, path: str) -> list[Cause]:
    found = causes.each_invalid(path, kind, names.qualified_name(kind))
    if not found and "/" not in kind and kind not in _TYPES:
        found.append(causes.invalid_value(path, kind, "must be a standard limit type or fully qualified"))
    return found


def _validate_item(limit: Obj, kind: str, path: str) -> list[Cause]:
    of_containers = kind in ("Pod", "Container")
    check_name = resource_names.validate_container_name if of_containers else resource_names.validate_name
    found: list[Cause] = []
    values: dict[str, dict[str, str]] = {}
    for field in _MAPS:
        given = limit.get(field) or {}
        if kind == "Pod" and field in ("default", "defaultRequest"):
            if given:
                found.append(causes.forbidden(f"{path}.{field}", "may not be specified when `type` is 'Pod'"))
            continue
        if field == "maxLimitRequestRatio":
            found += _validate_claims(limit, kind, path)
        for name in sorted(given):
            found += check_name(name, f"{path}.{field}[{name}]")
        values[field] = {name: quantity.canonical(str(amount)) for name, amount in given.items()}
    for name in sorted({name for given in values.values() for name in given}):
        texts = {field: given[name] for field, given in values.items() if name in given}
        found += _validate_order(texts, name, path)
        found += _validate_ratio(texts, name, path)
        found += _validate_shared(texts, name, path)
    return found


def _validate_claims(limit: Obj, kind: str, path: str) -> list[Cause]:
    bounded = "storage" in (limit.get("min") or {}) or "storage" in (limit.get("max") or {})
    if kind != "PersistentVolumeClaim" or bounded:
        return []
    text = "either minimum or maximum storage value is required, but neither was provided"
    return [causes.required(f"{path}.limits", text)]


def _validate_order(texts: Texts, name: str, path: str) -> list[Cause]:
    found = []
    for low, high, field, value, detail in _ORDERED:
        if low in texts and high in texts and quantity.parse(texts[low]) > quantity.parse(texts[high]):
            text = detail.format(texts[low], texts[high])
            found.append(causes.invalid_value(f"{path}.{field}[{name}]", texts[value], text))
    return found


def _validate_ratio(texts: Texts, name: str, path: str) -> list[Cause]:
    text = texts.get("maxLimitRequestRatio")
    if text is None:
        return []
    field, ratio = f"{path}.maxLimitRequestRatio[{name}]", quantity.parse(text)
    found = []
    if ratio < 1:
        found.append(causes.invalid_value(field, text, f"ratio {text} is less than 1"))
    if "min" in texts and "max" in texts:
        least, most = quantity.parse(texts["min"]), quantity.parse(texts["max"])
        if least and ratio > most / least:
            detail = f"ratio {text} is greater than max/min = {float(most / least):f}"
            found.append(causes.invalid_value(field, text, detail))
    return found


def _validate_shared(texts: Texts, name: str, path: str) -> list[Cause]:
    default, request = texts.get("default"), texts.get("defaultRequest")
    if resource_names.overcommits(name) or default is None or request is None:
        return []
    if quantity.parse(default) == quantity.parse(request):
        return []
    detail = f"default value {default} must equal to defaultRequest value {request} in {name}"
    return [causes.invalid_value(f"{path}.defaultRequest[{name}]", request, detail)]
