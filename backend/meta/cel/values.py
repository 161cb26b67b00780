"""The values of expressions. bool, int, float, str, bytes, None, list and dict are Python's own.

A uint is a UInt; a double is a float and never an int. Source: cel-go's common/types.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from backend.meta.cel.errors import EvaluationError

INT_MIN, INT_MAX, UINT_MAX = -(2**63), 2**63 - 1, 2**64 - 1
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
SECOND = 10**9


class UInt(int):
    """An unsigned 64-bit integer."""


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """Nanoseconds."""

    nanos: int


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """Nanoseconds since the epoch."""

    nanos: int

    def datetime(self, zone: datetime.tzinfo = datetime.UTC) -> datetime.datetime:
        return (_EPOCH + datetime.timedelta(microseconds=self.nanos // 1000)).astimezone(zone)


@dataclass(frozen=True, slots=True)
class TypeValue:
    """What type(x) gives."""

    name: str


@dataclass(frozen=True, slots=True)
class Optional:
    """A value that may not be there."""

    present: bool
    value: Any = None


NONE = Optional(False)


def type_name(value: Any) -> str:
    """The name of a value's type, by which overloads are told apart."""
    name = _NAMES.get(type(value))
    if name is None:
        name = getattr(value, "cel_type", "dyn")
    return name


_NAMES: dict[type, str] = {
    bool: "bool", int: "int", UInt: "uint", float: "double", str: "string", bytes: "bytes", type(None): "null_type",
    list: "list", dict: "map", Duration: "duration", Timestamp: "timestamp", TypeValue: "type",
    Optional: "optional_type",
}  # fmt: skip
_NUMBERS = (int, float)


def equal(one: Any, other: Any) -> bool:
    """Equality over all types: numbers are equal by their value, and nothing else is to what has another type."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, _NUMBERS) and isinstance(other, _NUMBERS):
        return bool(one == other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return len(one) == len(other) and all(
            key in other and equal(value, other[key]) for key, value in one.items()
        )
    if isinstance(one, Optional) and isinstance(other, Optional):
        return one.present == other.present and equal(one.value, other.value)
    return type(one) is type(other) and bool(one == other)


def contains(items: list[Any], value: Any) -> bool:
    return any(equal(item, value) for item in items)


def as_int(value: int) -> int:
    if not INT_MIN <= value <= INT_MAX:
        raise EvaluationError("integer overflow")
    return value


def as_uint(value: int) -> UInt:
    if not 0 <= value <= UINT_MAX:
        raise EvaluationError("unsigned integer overflow")
    return UInt(value)


def as_duration(nanos: int) -> Duration:
    if not INT_MIN <= nanos <= INT_MAX:
        raise EvaluationError("integer overflow")
    return Duration(nanos)
