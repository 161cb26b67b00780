"""Whether a schema is structural: it says of each field once, outside of junctors, what type it has.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/{validation,complete}.go.
"""

from __future__ import annotations

from typing import Any

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.regex import RegexError, compile_regex
from backend.meta.types import Obj
from backend.resources.apiextensions.structural import (
    EMBEDDED,
    INT_OR_STRING,
    LIST_MAP_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PRESERVE,
    VALIDATIONS,
)

_EMPTY_TYPE = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}
_EITHER = [{"type": "integer"}, {"type": "string"}]
_NESTED = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    "externalDocs": "must be undefined to be structural",
    PRESERVE: "must be false to be structural",
    EMBEDDED: "must be false to be structural",
    INT_OR_STRING: "must be false to be structural",
    LIST_MAP_KEYS: "must be empty to be structural",
    LIST_TYPE: "must be undefined to be structural",
    MAP_TYPE: "must be undefined to be structural",
    VALIDATIONS: "must be empty to be structural",
}
"""What a schema below a junctor must not say, and the text."""


def validate_structural(schema: Obj, path: str) -> list[Cause]:
    """The faults, sorted by their texts."""
    found = [*_invariants(schema, "root", path), *_completeness(schema, schema, path)]
    return sorted(found, key=str)


def _invariants(schema: Obj, level: str, path: str) -> list[Cause]:
    found: list[Cause] = []
    kind, items, rest = schema.get("type") or "", schema.get("items"), schema.get("additionalProperties")
    if kind == "array" and items is None:
        found.append(causes.required(f"{path}.items", "must be specified"))
    if isinstance(items, dict):
        found += _invariants(items, "item", f"{path}.items")
    for name, inner in (schema.get("properties") or {}).items():
        found += _invariants(inner, "field", f"{path}.properties[{name}]")
    if rest is not None:
        if level == "root":
            found.append(causes.forbidden(f"{path}.additionalProperties", "must not be used at the root"))
        if isinstance(rest, dict):
            found += _invariants(rest, "field", f"{path}.additionalProperties")
    found += _extensions(schema, path)
    found += _values(schema, path, structural=True)
    found += _own_type(schema, kind, level, path)
    return found + _metadata(schema, level, path)


def _extensions(schema: Obj, path: str) -> list[Cause]:
    if not schema.get(INT_OR_STRING):
        return []
    text = "must be false if x-kubernetes-int-or-string is true"
    return [
        causes.invalid_value(f"{path}.{name}", True, text) for name in (PRESERVE, EMBEDDED) if schema.get(name)
    ]


def _own_type(schema: Obj, kind: str, level: str, path: str) -> list[Cause]:
    found: list[Cause] = []
    embedded = schema.get(EMBEDDED)
    if embedded and kind != "object":
        text = "must be object if x-kubernetes-embedded-resource is true"
        where = f"{path}.type"
        found.append(causes.invalid_value(where, kind, text) if kind else causes.required(where, text))
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        found.append(causes.required(f"{path}.type", _EMPTY_TYPE[level]))
    if embedded and schema.get("additionalProperties") is not None:
        text = "must not be used if x-kubernetes-embedded-resource is set"
        found.append(causes.forbidden(f"{path}.additionalProperties", text))
    if level == "root" and kind and kind != "object":
        found.append(causes.invalid_value(f"{path}.type", kind, "must be object at the root"))
    if embedded and not schema.get(PRESERVE) and not schema.get("properties"):
        text = "must not be empty if x-kubernetes-embedded-resource is true without"
        found.append(causes.required(f"{path}.properties", f"{text} x-kubernetes-preserve-unknown-fields"))
    return found


def _metadata(schema: Obj, level: str, path: str) -> list[Cause]:
    """A resource's own apiVersion, kind and metadata are what they are; a schema can restrict names."""
    if level != "root" and not schema.get(EMBEDDED):
        return []
    found: list[Cause] = []
    properties = schema.get("properties") or {}
    for name, wanted in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
        own = properties.get(name)
        if own is not None and own.get("type") != wanted:
            where = f"{path}.properties[{name}].type"
            found.append(causes.invalid_value(where, own.get("type") or "", f"must be {wanted}"))
    metadata = properties.get("metadata")
    if level == "root" and metadata is not None and not _only_names(metadata):
        text = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        found.append(causes.forbidden(f"{path}.properties[metadata]", text))
    return found


def _only_names(metadata: Obj) -> bool:
    said = {key for key, value in metadata.items() if value not in (None, "", [], {}, False)}
    return said <= {"type", "properties", "default"} and {*(metadata.get("properties") or {})} <= {
        "name",
        "generateName",
    }


def _values(schema: Obj, path: str, *, structural: bool) -> list[Cause]:
    """The junctors and the pattern. An int-or-string may say in a junctor which types it stands for."""
    found: list[Cause] = []
    either = structural and bool(schema.get(INT_OR_STRING))
    any_of, all_of = schema.get("anyOf") or [], schema.get("allOf") or []
    if not (either and any_of == _EITHER):
        for index, inner in enumerate(any_of):
            found += _nested(inner, f"{path}.anyOf[{index}]")
    for index, inner in enumerate(all_of):
        skip = either and index == 0 and inner.get("anyOf") == _EITHER
        found += _nested({**inner, "anyOf": []} if skip else inner, f"{path}.allOf[{index}]")
    for index, inner in enumerate(schema.get("oneOf") or ()):
        found += _nested(inner, f"{path}.oneOf[{index}]")
    if schema.get("not") is not None:
        found += _nested(schema["not"], f"{path}.not")
    if schema.get("pattern"):
        try:
            compile_regex(schema["pattern"])
        except RegexError as error:
            text = f"must be a valid regular expression, but isn't: {error}"
            found.append(causes.invalid_value(f"{path}.pattern", schema["pattern"], text))
    return found


def _nested(schema: Obj, path: str) -> list[Cause]:
    found = _values(schema, path, structural=False)
    if isinstance(schema.get("items"), dict):
        found += _nested(schema["items"], f"{path}.items")
    for name, inner in (schema.get("properties") or {}).items():
        found += _nested(inner, f"{path}.properties[{name}]")
    found += [
        causes.forbidden(f"{path}.{name}", text)
        for name, text in _NESTED.items()
        if schema.get(name) not in (None, "", [], False)
    ]
    if "metadata" in (schema.get("properties") or {}):
        text = "must not be specified in a nested context"
        found.append(causes.forbidden(f"{path}.properties[metadata]", text))
    return found


def _completeness(schema: Any, spine: Any, path: str) -> list[Cause]:
    """What junctors say of a field, the schema itself declares."""
    found: list[Cause] = []
    for junctor in ("allOf", "anyOf", "oneOf"):
        for index, inner in enumerate(schema.get(junctor) or ()):
            found += _nested_completeness(inner, spine, f"{path}.{junctor}[{index}]", path)
    if schema.get("not") is not None:
        found += _nested_completeness(schema["not"], spine, f"{path}.not", path)
    if isinstance(schema.get("items"), dict):
        found += _completeness(schema["items"], schema["items"], f"{path}.items")
    if isinstance(schema.get("additionalProperties"), dict):
        inner = schema["additionalProperties"]
        found += _completeness(inner, inner, f"{path}.additionalProperties")
    for name, inner in (schema.get("properties") or {}).items():
        found += _completeness(inner, inner, f"{path}.properties[{name}]")
    return found


def _nested_completeness(schema: Obj, spine: Any, path: str, spine_path: str) -> list[Cause]:
    if not isinstance(spine, dict):
        return [causes.required(spine_path, f"because it is defined in {path}")]
    found: list[Cause] = []
    for junctor in ("allOf", "anyOf", "oneOf"):
        for index, inner in enumerate(schema.get(junctor) or ()):
            found += _nested_completeness(inner, spine, f"{path}.{junctor}[{index}]", spine_path)
    if schema.get("not") is not None:
        found += _nested_completeness(schema["not"], spine, f"{path}.not", spine_path)
    if isinstance(schema.get("items"), dict):
        found += _nested_completeness(schema["items"], spine.get("items"), f"{path}.items", f"{spine_path}.items")
    own = spine.get("properties") or {}
    for name, inner in (schema.get("properties") or {}).items():
        where, spine_where = f"{path}.properties[{name}]", f"{spine_path}.properties[{name}]"
        found += _nested_completeness(inner, own.get(name), where, spine_where)
    return found
