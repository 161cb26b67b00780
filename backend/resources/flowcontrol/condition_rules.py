"""Rules of the conditions of FlowSchema and PriorityLevelConfiguration: each type once."""

from __future__ import annotations

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj


def validate_conditions(obj: Obj) -> list[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for index, condition in enumerate((obj.get("status") or {}).get("conditions") or ()):
        kind, path = condition.get("type", ""), f"status.conditions[{index}].type"
        if kind in seen:
            found.append(causes.duplicate(path, kind))
        seen.add(kind)
        if not kind:
            found.append(causes.required(path, "must not be empty"))
    return found
