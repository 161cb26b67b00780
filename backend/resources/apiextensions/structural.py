"""What a structural schema does to a custom resource before it is validated: pruning, nulls and defaults.

A schema is the plain dict of JSONSchemaProps, as the CustomResourceDefinition has it. Sources:
k8s.io/apiextensions-apiserver/pkg/apiserver/schema/{pruning,defaulting}.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from backend.meta.types import Obj

PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
INT_OR_STRING = "x-kubernetes-int-or-string"
LIST_TYPE = "x-kubernetes-list-type"
LIST_MAP_KEYS = "x-kubernetes-list-map-keys"
MAP_TYPE = "x-kubernetes-map-type"
VALIDATIONS = "x-kubernetes-validations"

_META_FIELDS = frozenset({"apiVersion", "kind", "metadata"})


def child(schema: Obj, key: str) -> Any:
    """The schema of an object's field: its own, that of all further fields (which may be True), or None."""
    found = (schema.get("properties") or {}).get(key)
    return found if found is not None else schema.get("additionalProperties")


def children(schema: Obj) -> Iterator[Obj]:
    """The schemas of what a value of this schema contains."""
    yield from (schema.get("properties") or {}).values()
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield schema[name]


def prune(obj: Any, schema: Obj) -> tuple[Any, list[str]]:
    """`obj` without the fields that its schema does not have, and the paths of those; `obj` is not changed.

    apiVersion, kind and metadata of the resource, and of resources embedded in it, stay.
    """
    unknown: list[str] = []
    return _prune(obj, schema, "", True, unknown), unknown


def _prune(value: Any, schema: Any, path: str, resource: bool, unknown: list[str]) -> Any:
    if not isinstance(schema, dict):
        return value
    if isinstance(value, list):
        items = schema.get("items") or {}
        embedded = bool(items.get(EMBEDDED))
        return [_prune(item, items, f"{path}[{i}]", embedded, unknown) for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    kept: Obj = {}
    properties = schema.get("properties") or {}
    rest = schema.get("additionalProperties")
    for key, item in value.items():
        where = f"{path}.{key}" if path else key
        own = properties.get(key)
        if resource and key in _META_FIELDS:
            kept[key] = item
        elif own is not None:
            kept[key] = _prune(item, own, where, bool(own.get(EMBEDDED)), unknown)
        elif isinstance(rest, dict):
            kept[key] = _prune(item, rest, where, bool(rest.get(EMBEDDED)), unknown)
        elif rest or schema.get(PRESERVE):
            kept[key] = item
        else:
            unknown.append(where)
    return kept


def drop_nulls(value: Any, schema: Any) -> None:
    """Take out, in place, nulls of fields that cannot be null and that no default replaces."""
    if not isinstance(schema, dict):
        return
    if isinstance(value, list):
        for item in value:
            drop_nulls(item, schema.get("items"))
    elif isinstance(value, dict):
        for key in list(value):
            own = child(schema, key)
            if value[key] is not None:
                drop_nulls(value[key], own)
            elif isinstance(own, dict) and not own.get("nullable") and "default" not in own and own:
                del value[key]


def has_defaults(schema: Obj) -> bool:
    return "default" in schema or any(map(has_defaults, children(schema)))


def set_defaults(value: Any, schema: Any) -> None:
    """Fill in defaults, in place, also for nulls where null is no value."""
    if not isinstance(schema, dict):
        return
    if isinstance(value, list):
        items = schema.get("items") or {}
        for index, item in enumerate(value):
            if _wants_default(item, items):
                value[index] = copy.deepcopy(items["default"])
            set_defaults(value[index], items)
    elif isinstance(value, dict):
        for key, own in (schema.get("properties") or {}).items():
            if "default" in own and key not in value:
                value[key] = copy.deepcopy(own["default"])
        for key, item in value.items():
            own = child(schema, key)
            if isinstance(own, dict) and _wants_default(item, own):
                value[key] = copy.deepcopy(own["default"])
            set_defaults(value[key], own)


def _wants_default(value: Any, schema: Obj) -> bool:
    return value is None and "default" in schema and not schema.get("nullable")
