"""The table of custom resources: a column is a JSONPath into the object.

Source: k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from backend.meta import timefmt
from backend.meta.types import Obj
from backend.resources.apiextensions import column_path
from backend.resources.resource import NAME_COLUMN, OBJECT_META, Column

_AGE: Obj = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
Row = Callable[[Obj, float], list[Any]]


def table_of(version: Obj) -> tuple[tuple[Column, ...], Row]:
    """The columns of a version of a CustomResourceDefinition, and what fills them."""
    declared = version.get("additionalPrinterColumns") or [_AGE]
    cells = [(column["type"], column_path.parse(column["jsonPath"])) for column in declared]

    def row(obj: Obj, now: float) -> list[Any]:
        return [
            obj["metadata"]["name"],
            *(_cell(kind, column_path.find(steps, obj), now) for kind, steps in cells),
        ]

    return (NAME_COLUMN, *map(_column, declared)), row


def _column(column: Obj) -> Column:
    described_by = f"{OBJECT_META}.creationTimestamp" if column is _AGE else ""
    path = column["jsonPath"]
    return Column(
        column["name"], column["type"], column.get("format") or "",
        column.get("description") or f"Custom resource definition column (in JSONPath format): {path}",
        column.get("priority") or 0, described_by,
    )  # fmt: skip


def _cell(kind: str, found: list[Any], now: float) -> Any:
    if not found:
        return None
    if kind == "string":
        return " ".join(map(_text, found))
    value = found[0]
    if kind == "date":
        return _age(value, now)
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if kind == "integer" else value


def _age(value: Any, now: float) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return timefmt.human_duration(now - timefmt.parse(value))
    except ValueError:
        return "<invalid>"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    return orjson.dumps(value).decode()
