"""Sets and maps among a custom resource's lists hold each item, or each key, once.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype.
"""

from __future__ import annotations

from typing import Any

import orjson

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.apiextensions.structural import LIST_MAP_KEYS, LIST_TYPE, child


def validate_list_types(value: Any, schema: Any, path: str = "") -> list[Cause]:
    if not isinstance(schema, dict):
        return []
    found: list[Cause] = []
    if isinstance(value, list):
        kind = schema.get(LIST_TYPE)
        if kind == "set":
            found += [causes.duplicate(f"{path}[{index}]", value[index]) for index in _repeated(value)]
        elif kind == "map":
            found += _validate_map(value, schema, path)
        for index, item in enumerate(value):
            found += validate_list_types(item, schema.get("items"), f"{path}[{index}]")
    elif isinstance(value, dict):
        properties = schema.get("properties") or {}
        for key, item in value.items():
            where = f"{path}[{key}]" if key not in properties else f"{path}.{key}" if path else key
            found += validate_list_types(item, child(schema, key), where)
    return found


def _validate_map(value: list[Any], schema: Obj, path: str) -> list[Cause]:
    for index, item in enumerate(value):
        if item is not None and not isinstance(item, dict):
            text = "must be an object for an array of list-type map"
            return [causes.invalid_value(f"{path}[{index}]", item, text)]
    names = schema.get(LIST_MAP_KEYS) or ()
    keys = [{name: item[name] for name in names if name in item} if item else {} for item in value]
    return [causes.duplicate(f"{path}[{index}]", keys[index]) for index in _repeated(keys)]


def _repeated(items: list[Any]) -> list[int]:
    """The index of the second of each item that is there more than once."""
    times: dict[bytes, int] = {}
    found: list[int] = []
    for index, item in enumerate(items):
        encoded = orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
        times[encoded] = times.get(encoded, 0) + 1
        if times[encoded] == 2:
            found.append(index)
    return found
