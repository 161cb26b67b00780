"""Rules that claims, classes, slices and taint rules share. Source: pkg/apis/resource/validation/validation.go."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj

Check = Callable[[Any, str], list[Cause]]

MAX_REQUESTS = 32
MAX_SELECTORS = 32
MAX_CONFIGS = 32
MAX_TAINTS = 16
_MAX_DRIVER_NAME = 63
_MAX_POOL_NAME = 253
_MAX_ID = 32
_MAX_EXPRESSION = 10 * 1024
_MAX_PARAMETERS = 10 * 1024
_EFFECTS = ("NoExecute", "NoSchedule", "None")
_C_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"


def each(items: Sequence[Any] | None, most: int, check: Check, path: str) -> list[Cause]:
    """The faults of a list's items, or that there are too many to look at; below 0 `most` is no limit."""
    items = items or ()
    if 0 <= most < len(items):
        return [causes.too_many(path, len(items), most)]
    return [cause for index, item in enumerate(items) for cause in check(item, f"{path}[{index}]")]


def each_once(
    items: Sequence[Any] | None, most: int, check: Check, path: str, key: Callable[[Any], Hashable]
) -> list[Cause]:
    """As `each`; items with an equal key are duplicates."""
    found = each(items, most, check, path)
    if 0 <= most < len(items or ()):
        return found
    seen: set[Hashable] = set()
    for index, item in enumerate(items or ()):
        if key(item) in seen:
            found.append(causes.duplicate(f"{path}[{index}]", key(item)))
        seen.add(key(item))
    return found


def by_name(item: Mapping[str, Any]) -> str:
    name: str = item.get("name", "")
    return name


def itself(item: Any) -> Any:
    return item


def validate_label(name: str, path: str) -> list[Cause]:
    """The name of a request, a device or a counter."""
    return causes.each_invalid(path, name, names.dns1123_label(name)) if name else [causes.required(path)]


def validate_driver_name(name: str, path: str) -> list[Cause]:
    if not name:
        return [causes.required(path)]
    found = [causes.too_long(path, _MAX_DRIVER_NAME)] if len(name) > _MAX_DRIVER_NAME else []
    return found + causes.each_invalid(path, name, names.dns1123_subdomain(name))


def validate_pool_name(name: str, path: str) -> list[Cause]:
    """Subdomains with slashes between them."""
    if not name:
        return [causes.required(path)]
    found = [causes.too_long(path, _MAX_POOL_NAME)] if len(name) > _MAX_POOL_NAME else []
    for part in name.split("/"):
        found += causes.each_invalid(path, part, names.dns1123_subdomain(part))
    return found


def validate_qualified_name(name: str, path: str) -> list[Cause]:
    """`identifier`, or `domain/identifier`: the name of an attribute or a capacity."""
    domain, slash, identifier = name.partition("/")
    if not slash:
        return _validate_identifier(name, path)
    if "/" in identifier:
        return []  # kube-apiserver lets more than one slash pass.
    found = (
        validate_driver_name(domain, path)
        if domain
        else [causes.invalid_value(path, "", "the domain must not be empty")]
    )
    if not identifier:
        return [*found, causes.invalid_value(path, "", "the name must not be empty")]
    return found + _validate_identifier(identifier, path)


def validate_fully_qualified_name(name: str, path: str) -> list[Cause]:
    found = validate_qualified_name(name, path)
    if "/" not in name:
        detail = "a fully qualified name must be a domain and a name separated by a slash"
        found.append(causes.invalid_value(path, name, detail))
    return found


def _validate_identifier(name: str, path: str) -> list[Cause]:
    found = [causes.too_long(path, _MAX_ID)] if len(name) > _MAX_ID else []
    if not re.fullmatch(_C_IDENTIFIER, name):
        detail = (
            "a valid C identifier must start with alphabetic character or '_', followed by a string of"
            " alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for"
            f" validation is '{_C_IDENTIFIER}')"
        )
        found.append(causes.invalid_value(path, name, detail))
    return found


def validate_selector(selector: Obj, path: str) -> list[Cause]:
    cel = selector.get("cel")
    if cel is None:
        return [causes.required(f"{path}.cel")]
    if len(cel.get("expression", "").encode()) > _MAX_EXPRESSION:
        return [causes.too_long(f"{path}.cel.expression", _MAX_EXPRESSION)]
    return []


def validate_configuration(config: Obj, path: str) -> list[Cause]:
    opaque = config.get("opaque")
    if opaque is None:
        return [causes.required(f"{path}.opaque")]
    found = validate_driver_name(opaque.get("driver", ""), f"{path}.opaque.driver")
    return found + validate_raw(opaque.get("parameters"), f"{path}.opaque.parameters", _MAX_PARAMETERS)


def validate_raw(value: Any, path: str, most: int) -> list[Cause]:
    """A free-form part: a JSON object of at most `most` bytes."""
    import orjson

    if value is None:
        return [causes.required(path)]
    if len(orjson.dumps(value)) > most:
        return [causes.too_long(path, most)]
    if not isinstance(value, dict):
        return [causes.invalid_value(path, "<value omitted>", "must be a valid JSON object")]
    return []


def validate_taint(taint: Obj, path: str, old: Obj | None = None) -> list[Cause]:
    key, value, effect = taint.get("key", ""), taint.get("value", ""), taint.get("effect", "")
    found = causes.each_invalid(f"{path}.key", key, names.qualified_name(key))
    if value:
        found += causes.each_invalid(f"{path}.value", value, names.label_value(value))
    if old is None or old.get("effect") != effect:
        if not effect:
            found.append(causes.required(f"{path}.effect"))
        elif effect not in _EFFECTS:
            found.append(causes.not_supported(f"{path}.effect", effect, _EFFECTS))
    return found


def validate_toleration(toleration: Obj, path: str) -> list[Cause]:
    key, value, effect = (toleration.get(name, "") for name in ("key", "value", "effect"))
    operator = toleration.get("operator", "")
    found = causes.each_invalid(f"{path}.key", key, names.qualified_name(key)) if key else []
    if operator == "Exists":
        if value:
            found.append(causes.invalid_value(f"{path}.value", value, "must be empty for operator `Exists`"))
    elif operator == "Equal":
        found += causes.each_invalid(f"{path}.value", value, names.label_value(value))
    elif not operator:
        found.append(causes.required(f"{path}.operator"))
    else:
        found.append(causes.not_supported(f"{path}.operator", operator, ("Equal", "Exists")))
    if effect and effect not in _EFFECTS:
        found.append(causes.not_supported(f"{path}.effect", effect, _EFFECTS))
    return found


def default_taints(taints: Iterable[Obj]) -> None:
    """A taint remembers since when it is there."""
    from backend.meta import timefmt

    for taint in taints:
        if not taint.get("timeAdded"):
            taint["timeAdded"] = timefmt.now()
