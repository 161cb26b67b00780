"""Table cells that many kinds share. Source: pkg/printers/internalversion/printers.go."""

from __future__ import annotations

from backend.meta import timefmt
from backend.meta.types import Obj

UNKNOWN = "<unknown>"
NONE = "<none>"
NIL = "<nil>"
UNSET = "<unset>"


def since(timestamp: str | None, now: float) -> str:
    """How long ago `timestamp` was, in kubectl's short form; `<unknown>` without one."""
    return timefmt.human_duration(now - timefmt.parse(timestamp)) if timestamp else UNKNOWN


def age(obj: Obj, now: float) -> str:
    return since(obj["metadata"].get("creationTimestamp"), now)
