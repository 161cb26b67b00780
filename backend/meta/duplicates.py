"""Duplicate keys in a JSON or YAML document, which a parsed object no longer shows."""

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


def repeated_keys(raw: bytes) -> list[str]:
    """`line 3: key "a" already set in map` for each key that a map of a YAML document repeats.

    Source of the text: go.yaml.in/yaml, strict decoding, which names the line of the value. The document must have
    been read before, so that it is known to be sound.
    """
    import yaml

    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    found: list[str] = []
    waiting = [yaml.compose(raw, loader)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.value in seen:
                    found.append(f'line {value.start_mark.line + 1}: key "{key.value}" already set in map')
                seen.add(key.value)
            waiting += [value for _, value in reversed(node.value)]
        elif isinstance(node, yaml.SequenceNode):
            waiting += reversed(node.value)
    return found[:_MAX_STRICT]


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
