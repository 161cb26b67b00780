"""JSON values: copies, equality, and how Go names and prints them in errors."""

from __future__ import annotations

from typing import Any


def clone(value: Any) -> Any:
    """A deep copy."""
    if isinstance(value, dict):
        return {key: clone(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clone(item) for item in value]
    return value


def equal(left: Any, right: Any) -> bool:
    """Equality as JSON has it: unlike in Python, true is not 1, and 1 is not 1.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(item, right[key]) for key, item in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)


def json_type(value: Any) -> str:
    """What Go's decoder calls the value: string, bool, number, array, object or null."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if value is None:
        return "null"
    return "array" if isinstance(value, list) else "object"


def go_value(value: Any) -> str:
    """The value as Go's %v prints it once it is decoded."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{go_value(item)}' for key, item in sorted(value.items()))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(go_value, value))}]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)
