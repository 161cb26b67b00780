"""Duplicate keys in a JSON document, which a parsed object no longer shows."""

from __future__ import annotations

import json
from typing import Any

_MAX_STRICT = 100


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its pairs, to tell it from an array."""


def duplicate_fields(raw: bytes) -> list[str]:
    """`duplicate field "metadata.name"` for each key that an object of the document repeats, in document order.

    Source of paths and texts: sigs.k8s.io/json, strict decoding. A document that is not JSON has none.
    """
    try:
        document = json.loads(raw, object_pairs_hook=_Pairs)
        found: dict[str, None] = {}
        _walk(document, "", found)
    except (ValueError, RecursionError):
        return []
    return [f'duplicate field "{path}"' for path in found][:_MAX_STRICT]


def _walk(value: Any, path: str, found: dict[str, None]) -> None:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, item in value:
            where = f"{path}.{key}" if path else key
            if key in seen:
                found[where] = None
            seen.add(key)
            _walk(item, where, found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _walk(item, f"{path}[{index}]", found)
