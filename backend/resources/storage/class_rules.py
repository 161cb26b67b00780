"""Rules of StorageClass and VolumeAttributesClass. Source: pkg/apis/storage/validation/validation.go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj

_MAX_PARAMETERS = 512
_MAX_PARAMETERS_SIZE = 256 * 1024
_RECLAIM_POLICIES = ("Delete", "Retain")
_BINDING_MODES = ("Immediate", "WaitForFirstConsumer")


def validate_storage_class(storage_class: Obj) -> Sequence[Cause]:
    found = _validate_driver(storage_class.get("provisioner", ""), "provisioner")
    found += _validate_parameters(storage_class.get("parameters") or {})
    policy, mode = storage_class.get("reclaimPolicy", ""), storage_class.get("volumeBindingMode", "")
    if policy and policy not in _RECLAIM_POLICIES:
        found.append(causes.not_supported("reclaimPolicy", policy, _RECLAIM_POLICIES))
    if mode not in _BINDING_MODES:
        found.append(causes.not_supported("volumeBindingMode", mode, _BINDING_MODES))
    return found + _validate_topologies(storage_class.get("allowedTopologies") or ())


def validate_storage_class_update(new: Obj, old: Obj) -> Sequence[Cause]:
    found = _forbid_updates(new, old, ("parameters", "provisioner", "reclaimPolicy"))
    if new.get("volumeBindingMode") != old.get("volumeBindingMode"):
        found.append(causes.immutable("volumeBindingMode", new.get("volumeBindingMode")))
    return found


def validate_volume_attributes_class(attributes_class: Obj) -> Sequence[Cause]:
    parameters = attributes_class.get("parameters") or {}
    found = _validate_driver(attributes_class.get("driverName", ""), "driverName")
    found += _validate_parameters(parameters)
    if not parameters:
        found.append(causes.required("parameters", "must contain at least one key/value pair"))
    return found


def validate_volume_attributes_class_update(new: Obj, old: Obj) -> Sequence[Cause]:
    return [*_forbid_updates(new, old, ("driverName", "parameters")), *validate_volume_attributes_class(new)]


def _forbid_updates(new: Obj, old: Obj, fields: Sequence[str]) -> list[Cause]:
    return [
        causes.forbidden(field, f"updates to {field} are forbidden.")
        for field in fields
        if (new.get(field) or {}) != (old.get(field) or {})
    ]


def _validate_driver(name: str, path: str) -> list[Cause]:
    if not name:
        return [causes.required(path)]
    return causes.each_invalid(path, name.lower(), names.qualified_name(name.lower()))


def _validate_parameters(parameters: Mapping[str, str]) -> list[Cause]:
    if len(parameters) > _MAX_PARAMETERS:
        return [causes.too_long("parameters", _MAX_PARAMETERS)]
    found = [causes.invalid_value("parameters", "", "field can not be empty.")] if "" in parameters else []
    if sum(len(key.encode()) + len(value.encode()) for key, value in parameters.items()) > _MAX_PARAMETERS_SIZE:
        found.append(causes.too_long("parameters", _MAX_PARAMETERS_SIZE))
    return found


def _validate_topologies(terms: Sequence[Obj]) -> list[Cause]:
    """Terms that say the same are one too many. Source: ValidateTopologySelectorTerm."""
    found: list[Cause] = []
    seen: list[dict[str, frozenset[str]]] = []
    for index, term in enumerate(terms):
        path = f"allowedTopologies[{index}]"
        expressions, faults = _validate_expressions(term.get("matchLabelExpressions") or (), path)
        found += faults
        if expressions in seen:
            found.append(causes.duplicate(f"{path}.matchLabelExpressions", ""))
        seen.append(expressions)
    return found


def _validate_expressions(expressions: Sequence[Obj], path: str) -> tuple[dict[str, frozenset[str]], list[Cause]]:
    """The values that each key may have, and the faults."""
    if not expressions:
        return {}, [causes.required(f"{path}.matchLabelExpressions")]
    found: list[Cause] = []
    allowed: dict[str, frozenset[str]] = {}
    for index, expression in enumerate(expressions):
        here = f"{path}.matchLabelExpressions[{index}]"
        key, values = expression.get("key", ""), expression.get("values") or ()
        if not values:
            found.append(causes.required(f"{here}.values"))
        for number, value in enumerate(values):
            if value in values[:number]:
                found.append(causes.duplicate(f"{here}.values[{number}]", value))
        found += causes.each_invalid(f"{here}.key", key, names.qualified_name(key))
        if key in allowed:
            found.append(causes.duplicate(f"{here}.key", key))
        allowed[key] = frozenset(values)
    return allowed, found
