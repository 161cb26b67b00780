"""What the schema of a CustomResourceDefinition may say: OpenAPI v3 within limits, and structural.

Sources: ValidateCustomResourceDefinitionOpenAPISchema of
k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation, and pkg/apiserver/schema/defaulting/validation.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.apiextensions.list_types import validate_list_types
from backend.resources.apiextensions.schema_validation import validate_value
from backend.resources.apiextensions.structural import (
    EMBEDDED,
    LIST_MAP_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PRESERVE,
    prune,
)
from backend.resources.apiextensions.structural_rules import validate_structural

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_META_FIELDS = frozenset({"metadata", "kind", "apiVersion"})
_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_ROOT_FIELDS = (
    "Description", "Type", "Format", "Title", "Maximum", "ExclusiveMaximum", "Minimum", "ExclusiveMinimum",
    "MaxLength", "MinLength", "Pattern", "MaxItems", "MinItems", "UniqueItems", "MultipleOf", "Required", "Items",
    "Properties", "ExternalDocs", "Example", "XPreserveUnknownFields", "XValidations",
)  # fmt: skip
_AT_ROOT = frozenset(
    {"x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations"}
    | {name[0].lower() + name[1:] for name in _ROOT_FIELDS}
)


@dataclass(frozen=True, slots=True)
class _Place:
    """What is known of where a schema is."""

    root: bool = False
    no_defaults: str = ""
    """Why there can be no default here; "" if there can be one."""
    meta: bool = False
    """Whether this is inside of a resource's apiVersion, kind or metadata."""


def validate_validation(validation: Obj, path: str, *, status_enabled: bool) -> list[Cause]:
    """The faults of a version's `schema`."""
    schema, path = validation.get("openAPIV3Schema"), f"{path}.openAPIV3Schema"
    if not schema:
        return []
    malformed = _malformed(schema, path)
    if malformed:
        return malformed
    found: list[Cause] = []
    if schema.get("nullable"):
        found.append(causes.forbidden(f"{path}.nullable", "nullable cannot be true at the root"))
    if status_enabled and _said(schema) - _AT_ROOT:
        text = f"only [{' '.join(_ROOT_FIELDS)}] fields are allowed at the root of the schema"
        found.append(causes.invalid_value(path, schema, f"{text} if the status subresource is enabled"))
    found += _validate(schema, path, _Place(root=True))
    structural = validate_structural(schema, path)
    if structural:
        return found + structural
    found += _validate_defaults(schema, path)
    if not found and _has_rules(schema):
        from backend.resources.apiextensions.rule_compilation import validate_rules

        found += validate_rules(schema, path)
    return found


def _said(schema: Obj) -> set[str]:
    """The keywords that say something."""
    return {key for key, value in schema.items() if value not in (None, "", [], {}, False)}


def _has_rules(schema: Any) -> bool:
    if isinstance(schema, dict):
        return bool(schema.get("x-kubernetes-validations")) or any(map(_has_rules, schema.values()))
    return isinstance(schema, list) and any(map(_has_rules, schema))


_SHAPES: dict[str, type | tuple[type, ...]] = {
    "type": str, "format": str, "pattern": str, "description": str, "title": str, "properties": dict,
    "required": list, "enum": list, "allOf": list, "anyOf": list, "oneOf": list, "not": dict, "nullable": bool,
    "items": (dict, list), "additionalProperties": (dict, bool), "minLength": int, "maxLength": int,
    "minItems": int, "maxItems": int, "minProperties": int, "maxProperties": int, "minimum": (int, float),
    "maximum": (int, float), "multipleOf": (int, float), "exclusiveMinimum": bool, "exclusiveMaximum": bool,
    EMBEDDED: bool, PRESERVE: bool, "x-kubernetes-int-or-string": bool, LIST_TYPE: str, LIST_MAP_KEYS: list,
    MAP_TYPE: str, "x-kubernetes-validations": list,
}  # fmt: skip


def _malformed(schema: Any, path: str) -> list[Cause]:
    """Values of wrong types. Decoding finds them, but not inside of `items` and `additionalProperties`, which can
    have several forms."""
    if not isinstance(schema, dict):
        return [causes.invalid_value(path, schema, "must be a schema object")]
    found = [
        causes.invalid_value(f"{path}.{name}", value, "has the wrong type")
        for name, value in schema.items()
        if name in _SHAPES and not isinstance(value, _SHAPES[name])
    ]
    found += [
        causes.invalid_value(f"{path}.{name}", schema[name], "must be a list of names")
        for name in ("required", LIST_MAP_KEYS)
        if isinstance(schema.get(name), list) and not all(isinstance(item, str) for item in schema[name])
    ]
    if not found:
        for where, inner in _inner(schema, path):
            found += _malformed(inner, where)
    return found


def _inner(schema: Obj, path: str) -> Iterator[tuple[str, Any]]:
    """The schemas inside a schema, with their paths."""
    if isinstance(schema.get("additionalProperties"), dict):
        yield f"{path}.additionalProperties", schema["additionalProperties"]
    for name, inner in sorted((schema.get("properties") or {}).items()):
        yield f"{path}.properties[{name}]", inner
    if schema.get("not") is not None:
        yield f"{path}.not", schema["not"]
    for junctor in ("allOf", "oneOf", "anyOf"):
        for index, inner in enumerate(schema.get(junctor) or ()):
            yield f"{path}.{junctor}[{index}]", inner
    items = schema.get("items")
    if isinstance(items, dict):
        yield f"{path}.items", items


def _validate(schema: Obj, path: str, place: _Place) -> list[Cause]:
    found = [*_validate_keywords(schema, path, place), *_validate_lists_and_maps(schema, path)]
    for where, inner in _inner(schema, path):
        found += _validate(inner, where, _place_of(schema, where.removeprefix(path), place))
    return found


def _place_of(schema: Obj, step: str, place: _Place) -> _Place:
    """The place of an inner schema, at `.properties[x]`, `.items`, ..."""
    inner = replace(place, root=False)
    if step == ".additionalProperties" and place.meta:
        return replace(inner, no_defaults=" inside additionalProperties applying to object metadata")
    name = step.removeprefix(".properties[").removesuffix("]") if step.startswith(".properties[") else ""
    if name in _META_FIELDS and (place.root or schema.get(EMBEDDED)):
        inner = replace(inner, meta=True)
        if place.root:
            inner = replace(inner, no_defaults=f" in top-level {name}")
    return inner


def _validate_keywords(schema: Obj, path: str, place: _Place) -> list[Cause]:
    found: list[Cause] = []
    kind = schema.get("type") or ""
    if kind == "null":
        text = "type cannot be set to null, use nullable as an alternative"
        found.append(causes.forbidden(f"{path}.type", text))
    elif kind and kind not in _TYPES:
        found.append(causes.not_supported(f"{path}.type", kind, _TYPES))
    if "default" in schema and place.no_defaults:
        found.append(causes.forbidden(f"{path}.default", f"must not be set{place.no_defaults}"))
    found += [
        causes.forbidden(f"{path}.{name}", f"{name} is not supported") for name in _UNSUPPORTED if schema.get(name)
    ]
    if isinstance(schema.get("items"), list):
        found.append(causes.forbidden(f"{path}.items", "items must be a schema object and not an array"))
    if place.meta and schema.get(EMBEDDED):
        found.append(causes.forbidden(f"{path}.{EMBEDDED}", "must not be used inside of resource meta"))
    if schema.get("uniqueItems"):
        text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        found.append(causes.forbidden(f"{path}.uniqueItems", text))
    if schema.get("properties") and schema.get("additionalProperties") not in (None, True):
        text = "additionalProperties and properties are mutual exclusive"
        found.append(causes.forbidden(f"{path}.additionalProperties", text))
    if schema.get(PRESERVE) is False:
        found.append(causes.invalid_value(f"{path}.{PRESERVE}", False, "must be true or undefined"))
    return found


def _validate_lists_and_maps(schema: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    kind, map_type, list_type = schema.get("type") or "", schema.get(MAP_TYPE), schema.get(LIST_TYPE)
    if map_type is not None:
        found += _needs_type(kind, "object", f"{path}.type", "x-kubernetes-map-type")
        if map_type not in ("atomic", "granular"):
            found.append(causes.not_supported(f"{path}.{MAP_TYPE}", map_type, ("atomic", "granular")))
    if list_type is not None:
        found += _needs_type(kind, "array", f"{path}.type", "x-kubernetes-list-type")
        if kind == "array" and list_type == "set":
            found += _validate_set(schema.get("items"), f"{path}.items")
        if list_type not in ("atomic", "set", "map"):
            found.append(causes.not_supported(f"{path}.{LIST_TYPE}", list_type, ("atomic", "set", "map")))
    if schema.get(LIST_MAP_KEYS) and list_type != "map":
        text = "must be map if x-kubernetes-list-map-keys is non-empty"
        where = f"{path}.{LIST_TYPE}"
        found.append(
            causes.required(where, text) if list_type is None else causes.invalid_value(where, list_type, text)
        )
    if list_type == "map":
        found += _validate_map(schema, path)
    return found + _validate_items(schema, path)


def _needs_type(kind: str, wanted: str, path: str, why: str) -> list[Cause]:
    if kind == wanted:
        return []
    text = f"must be {wanted} if {why} is specified"
    return [causes.required(path, text) if not kind else causes.invalid_value(path, kind, text)]


def _validate_set(items: Any, path: str) -> list[Cause]:
    """The items of a set are compared as a whole."""
    text = "must be atomic as item of a list with x-kubernetes-list-type=set"
    if not isinstance(items, dict):
        return []
    if items.get("type") == "array" and items.get(LIST_TYPE) not in (None, "atomic"):
        return [causes.invalid_value(f"{path}.{LIST_TYPE}", items[LIST_TYPE], text)]
    if items.get("type") == "object" and items.get(MAP_TYPE) != "atomic":
        return [causes.invalid_value(f"{path}.{MAP_TYPE}", items.get(MAP_TYPE), text)]
    return []


def _validate_map(schema: Obj, path: str) -> list[Cause]:
    keys, items = schema.get(LIST_MAP_KEYS) or [], schema.get("items")
    found: list[Cause] = []
    if not keys:
        text = "must not be empty if x-kubernetes-list-type is map"
        found.append(causes.required(f"{path}.{LIST_MAP_KEYS}", text))
    if not isinstance(items, dict):
        found.append(causes.required(f"{path}.items", "must have a schema if x-kubernetes-list-type is map"))
        return found
    if items.get("type") != "object":
        text = "must be object if parent array's x-kubernetes-list-type is map"
        return [*found, causes.invalid_value(f"{path}.items.type", items.get("type") or "", text)]
    properties = items.get("properties") or {}
    for index, key in enumerate(keys):
        if key not in properties:
            text = "entries must all be names of item properties"
            found.append(causes.invalid_value(f"{path}.{LIST_MAP_KEYS}", keys, text))
        elif properties[key].get("type") in ("array", "object"):
            text = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            found.append(causes.invalid_value(f"{path}.items.properties[{key}].type", items["type"], text))
        if key in keys[:index]:
            text = "must not contain duplicate entries"
            found.append(causes.invalid_value(f"{path}.{LIST_MAP_KEYS}", keys, text))
    return found


def _validate_items(schema: Obj, path: str) -> list[Cause]:
    """The items of a set or a map are never null, and a map's keys always have values."""
    list_type, items = schema.get(LIST_TYPE), schema.get("items")
    if list_type not in ("set", "map") or not isinstance(items, dict):
        return []
    found: list[Cause] = []
    if items.get("nullable"):
        text = f"cannot be nullable when x-kubernetes-list-type is {list_type}"
        found.append(causes.forbidden(f"{path}.items.nullable", text))
    for key in schema.get(LIST_MAP_KEYS) or () if list_type == "map" else ():
        own = (items.get("properties") or {}).get(key)
        if own is None:
            continue
        where = f"{path}.items.properties[{key}]"
        text = "this property is in x-kubernetes-list-map-keys, so it"
        if key not in (items.get("required") or ()) and "default" not in own:
            found.append(
                causes.required(f"{where}.default", f"{text} must have a default or be a required property")
            )
        if own.get("nullable"):
            found.append(causes.forbidden(f"{where}.nullable", f"{text} cannot be nullable"))
    return found


def _validate_defaults(schema: Obj, path: str) -> list[Cause]:
    """A default is valid, and has no field that would be pruned."""
    found: list[Cause] = []
    if "default" in schema:
        value, where = schema["default"], f"{path}.default"
        unknown = prune({"v": value}, {"properties": {"v": schema}})[1] if value is not None else []
        if unknown:
            found.append(causes.invalid_value(where, value, "must not have unknown fields"))
        found += validate_value(value, schema, where)
        found += validate_list_types(value, schema, where)
    for where, inner in _inner(schema, path):
        found += _validate_defaults(inner, where)
    return found
