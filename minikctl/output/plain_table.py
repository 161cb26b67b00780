"""The table of an object whose server sent none: its name and age. Source: kubectl's unstructured default printer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


def table_of(obj: Mapping[str, Any]) -> dict[str, Any]:
    """`obj` as a one-row Table."""
    meta = obj.get("metadata") or {}
    return {
        "kind": "Table",
        "columnDefinitions": [{"name": "Name", "format": "name"}, {"name": "Age"}],
        "rows": [{"cells": [meta.get("name") or "", _age(meta.get("creationTimestamp"))], "object": obj}],
    }


def _age(timestamp: str | None) -> str:
    if not timestamp:
        return "<unknown>"
    from backend.meta.timefmt import human_duration, parse

    return human_duration(time.time() - parse(timestamp))
