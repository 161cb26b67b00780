"""Validation of a custom resource by its OpenAPI schema, worded as kube-apiserver words it.

Sources: k8s.io/kube-openapi/pkg/validation/{validate,errors}, and kubeOpenAPIResultToFieldErrors of
k8s.io/apiextensions-apiserver/pkg/apiserver/validation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.regex import RegexError, matches
from backend.meta.types import Obj
from backend.resources.apiextensions.formats import check_of
from backend.resources.apiextensions.structural import INT_OR_STRING


@dataclass(slots=True)
class _Result:
    """The faults of a value, and how much of the schema it fits: of alternatives that all fail, the faults of the
    one that fits best are told."""

    causes: list[Cause] = field(default_factory=list)
    matched: int = 1

    def add(self, other: _Result) -> None:
        self.causes += other.causes
        self.matched += other.matched


def validate_schema(obj: Any, schema: Obj) -> list[Cause]:
    """The faults of a whole custom resource."""
    return _validate(obj, schema, "").causes


def validate_value(value: Any, schema: Obj, path: str) -> list[Cause]:
    """The faults of a part of one, at a path such as `spec.replicas`."""
    return _validate(value, schema, path).causes


def _validate(value: Any, schema: Obj, path: str) -> _Result:
    result = _Result()
    fault = _type_fault(value, schema, path)
    if fault is not None:
        result.causes.append(fault)
        result.matched = 0
    if value is not None:
        _validate_junctors(value, schema, path, result)
        if isinstance(value, str):
            _validate_string(value, schema, path, result)
        elif isinstance(value, list):
            _validate_list(value, schema, path, result)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            _validate_number(value, schema, path, result)
    enum = schema.get("enum")
    if enum and not any(_same(value, allowed) for allowed in enum):
        shown = [allowed if isinstance(allowed, str) else orjson.dumps(allowed).decode() for allowed in enum]
        result.causes.append(causes.not_supported(_field(path), value, shown))
    if isinstance(value, dict):
        _validate_object(value, schema, path, result)
    return result


def _field(path: str) -> str:
    return path.removeprefix(".")


def _invalid(path: str, value: Any, text: str) -> Cause:
    return causes.invalid_value(_field(path), value, f"{path} in body {text}")


def type_name(value: Any) -> str:
    """The JSON type, by which an integer is a number, too."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return {str: "string", float: "number", list: "array", dict: "object"}[type(value)]


def _types(schema: Obj) -> tuple[str, ...]:
    if schema.get(INT_OR_STRING):
        return ("integer", "string")
    return (schema["type"],) if schema.get("type") else ()


def _type_fault(value: Any, schema: Obj, path: str) -> Cause | None:
    types = _types(schema)
    if not types:
        return None
    found = type_name(value)
    if value is None:
        if schema.get("nullable"):
            return None
    elif found in types or (found == "integer" and "number" in types) or _is_whole(value, types):
        return None
    text = f"{path} in body must be of type {','.join(types)}: {causes.go_quote(found)}"
    return Cause("FieldValueTypeInvalid", _field(path), f"Invalid value: {causes.go_quote(found)}: {text}")


def _validate_string(value: str, schema: Obj, path: str, result: _Result) -> None:
    longest, shortest = schema.get("maxLength"), schema.get("minLength")
    pattern, form = schema.get("pattern"), schema.get("format")
    if longest is not None and len(value) > longest:
        result.causes.append(causes.too_long(_field(path), longest))
    elif shortest is not None and len(value) < shortest:
        result.causes.append(_invalid(path, value, f"should be at least {shortest} chars long"))
    elif pattern and not _matches(pattern, value):
        result.causes.append(_invalid(path, value, f"should match '{pattern}'"))
    check = check_of(form) if form else None
    if check is not None and not check(value):
        text = f"{path} in body must be of type {form}: {causes.go_quote(value)}"
        shown = f"Invalid value: {causes.go_quote(value)}: {text}"
        result.causes.append(Cause("FieldValueTypeInvalid", _field(path), shown))


def _matches(pattern: str, value: str) -> bool:
    try:
        return matches(pattern, value)
    except RegexError:
        return False


def _number(value: float) -> str:
    """As Go's %v prints a float64, or an integer."""
    if isinstance(value, int):
        return str(value)
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return repr(value)


def _validate_number(value: float, schema: Obj, path: str, result: _Result) -> None:
    multiple, most, least = schema.get("multipleOf"), schema.get("maximum"), schema.get("minimum")
    if multiple and (value % multiple if isinstance(value, int) else not (value / multiple).is_integer()):
        result.causes.append(_invalid(path, value, f"should be a multiple of {_number(multiple)}"))
    if most is not None:
        exclusive = bool(schema.get("exclusiveMaximum"))
        if value > most or (exclusive and value == most):
            text = "less than" if exclusive else "less than or equal to"
            result.causes.append(_invalid(path, value, f"should be {text} {_number(most)}"))
    if least is not None:
        exclusive = bool(schema.get("exclusiveMinimum"))
        if value < least or (exclusive and value == least):
            text = "greater than" if exclusive else "greater than or equal to"
            result.causes.append(_invalid(path, value, f"should be {text} {_number(least)}"))


def too_many(path: str, actual: int, limit: int) -> Cause:
    return Cause("FieldValueTooMany", path, f"Too many: {actual}: must have at most {limit} items")


def _validate_list(value: list[Any], schema: Obj, path: str, result: _Result) -> None:
    least, most = schema.get("minItems"), schema.get("maxItems")
    items = schema.get("items")
    if isinstance(items, dict):
        for index, item in enumerate(value):
            result.add(_validate(item, items, f"{path}[{index}]"))
    if least is not None and len(value) < least:
        result.causes.append(_invalid(path, len(value), f"should have at least {least} items"))
    if most is not None and len(value) > most:
        result.causes.append(too_many(_field(path), len(value), most))


def _validate_object(value: Obj, schema: Obj, path: str, result: _Result) -> None:
    least, most = schema.get("minProperties"), schema.get("maxProperties")
    if least is not None and len(value) < least:
        result.causes.append(_invalid(path, len(value), f"should have at least {least} properties"))
        return
    if most is not None and len(value) > most:
        result.causes.append(too_many(_field(path), len(value), most))
        return
    properties, rest = schema.get("properties") or {}, schema.get("additionalProperties")
    if isinstance(rest, dict):
        for key in sorted(value.keys() - properties.keys()):
            result.add(_validate(value[key], rest, f"{path}.{key}"))
    for key in sorted(properties.keys() & value.keys()):
        result.add(_validate(value[key], properties[key], f"{path}.{key}" if path else key))
    for key in schema.get("required") or ():
        if key not in value:
            result.causes.append(causes.required(_field(f"{path}.{key}")))


def _validate_junctors(value: Any, schema: Obj, path: str, result: _Result) -> None:
    if schema.get("anyOf"):
        alternatives = [_validate(value, alternative, path) for alternative in schema["anyOf"]]
        if all(alternative.causes for alternative in alternatives):
            result.causes.append(_unfit(path, "must validate at least one schema (anyOf)"))
            result.add(max(alternatives, key=lambda alternative: alternative.matched))
    if schema.get("oneOf"):
        _validate_one_of([_validate(value, alternative, path) for alternative in schema["oneOf"]], path, result)
    if schema.get("allOf"):
        parts = [_validate(value, part, path) for part in schema["allOf"]]
        valid = sum(not part.causes for part in parts)
        for part in parts:
            result.add(part)
        if valid != len(parts):
            more = "" if valid else ". None validated"
            result.causes.append(_unfit(path, f"must validate all the schemas (allOf){more}"))
    if schema.get("not") is not None and not _validate(value, schema["not"], path).causes:
        result.causes.append(_unfit(path, "must not validate the schema (not)"))


def _unfit(path: str, text: str) -> Cause:
    """kube-apiserver has the path of these in the text only."""
    return causes.invalid_value("<nil>", "", f"{causes.go_quote(path)} {text}")


def _is_whole(value: Any, types: tuple[str, ...]) -> bool:
    """3.0 is an integer."""
    return isinstance(value, float) and "integer" in types and value.is_integer()


def _validate_one_of(alternatives: list[_Result], path: str, result: _Result) -> None:
    valid = sum(not alternative.causes for alternative in alternatives)
    if valid == 1:
        return
    found = f"Found {valid} valid alternatives" if valid else "Found none valid"
    result.causes.append(_unfit(path, f"must validate one and only one schema (oneOf). {found}"))
    if not valid:
        result.add(max(alternatives, key=lambda alternative: alternative.matched))


def _same(one: Any, other: Any) -> bool:
    """Equality of JSON values: true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
