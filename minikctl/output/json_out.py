"""`-o json`: as Go's encoding/json prints with four spaces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from minikctl.output.printers import without_managed_fields

_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


class JsonPrinter:
    """Prints each object as one document; `sort_keys` as for what the server sent."""

    def __init__(self, show_managed_fields: bool = False, *, sort_keys: bool = True) -> None:
        self._show_managed_fields = show_managed_fields
        self._sort_keys = sort_keys

    def print(self, obj: Mapping[str, Any], out: IO[str]) -> None:
        shown = obj if self._show_managed_fields else without_managed_fields(obj)
        out.write(dumps(shown, sort_keys=self._sort_keys) + "\n")


def dumps(value: Any, indent: int | None = 4, *, sort_keys: bool = True) -> str:
    """Go's JSON: <, > and & escaped, floats as Go writes them (10000000000000000 and 1, not 1e+16 and 1.0)."""
    separators = None if indent else (",", ":")
    text = json.dumps(
        _go_numbers(value), indent=indent, separators=separators, sort_keys=sort_keys, ensure_ascii=False
    )
    return text.translate(_HTML)


def _go_numbers(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e21 else value
    if isinstance(value, dict):
        return {key: _go_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_go_numbers(item) for item in value]
    return value
