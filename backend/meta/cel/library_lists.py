"""Lists and sets. Sources: k8s.io/apiserver/pkg/cel/library/lists.go, and cel-go's ext/{lists,sets}.go."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from backend.meta.cel.errors import EvaluationError
from backend.meta.cel.functions import Library
from backend.meta.cel.values import NONE, Duration, Optional, as_duration, as_int, contains, equal

LIBRARY = Library()
declare = LIBRARY.declare
add = LIBRARY.add

_COMPARABLE = ("int", "uint", "double", "bool", "string", "bytes", "duration", "timestamp")


def _sorted(items: list[Any]) -> bool:
    return all(one <= other for one, other in pairwise(items))


def _least(items: list[Any]) -> Any:
    if not items:
        raise EvaluationError("min called on empty list")
    return min(items)


def _most(items: list[Any]) -> Any:
    if not items:
        raise EvaluationError("max called on empty list")
    return max(items)


for _type in _COMPARABLE:
    add(f"list({_type}) isSorted() -> bool", _sorted)
    add(f"list({_type}) min() -> {_type}", _least)
    add(f"list({_type}) max() -> {_type}", _most)
    add(f"list({_type}) sort() -> list({_type})", sorted)


@declare("list(int) sum() -> int", "list(uint) sum() -> uint", "list(double) sum() -> double")
def _sum(items: list[Any]) -> Any:
    total = sum(items)
    if not items or isinstance(total, float):
        return total
    return as_int(total)


@declare("list(duration) sum() -> duration")
def _sum_of_durations(items: list[Duration]) -> Duration:
    return as_duration(sum(item.nanos for item in items))


@declare("list(A) indexOf(A) -> int")
def _index_of(items: list[Any], value: Any) -> int:
    return next((index for index, item in enumerate(items) if equal(item, value)), -1)


@declare("list(A) lastIndexOf(A) -> int")
def _last_index_of(items: list[Any], value: Any) -> int:
    return next((index for index in reversed(range(len(items))) if equal(items[index], value)), -1)


@declare("list(A) distinct() -> list(A)")
def _distinct(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if not contains(found, item):
            found.append(item)
    return found


@declare("list(list(A)) flatten() -> list(A)", "list(dyn) flatten(int) -> list(dyn)")
def _flatten(items: list[Any], depth: int = 1) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if isinstance(item, list):
            found += _flatten(item, depth - 1) if depth > 1 else item
        else:
            found.append(item)
    return found


@declare("list(A) slice(int, int) -> list(A)")
def _slice(items: list[Any], start: int, end: int) -> list[Any]:
    if start < 0 or end < 0:
        raise EvaluationError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise EvaluationError(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if end > len(items):
        raise EvaluationError(f"cannot slice({start}, {end}), list is length {len(items)}")
    return items[start:end]


add("list(A) reverse() -> list(A)", lambda items: items[::-1])
add("list(A) first() -> optional_type(A)", lambda items: Optional(True, items[0]) if items else NONE)
add("list(A) last() -> optional_type(A)", lambda items: Optional(True, items[-1]) if items else NONE)
add("lists.range(int) -> list(int)", lambda size: list(range(min(size, 1_000_000))))


@declare("sets.contains(list(A), list(A)) -> bool")
def _has_all(items: list[Any], others: list[Any]) -> bool:
    return all(contains(items, other) for other in others)


add("sets.equivalent(list(A), list(A)) -> bool", lambda one, other: _has_all(one, other) and _has_all(other, one))
add("sets.intersects(list(A), list(A)) -> bool", lambda one, other: any(contains(other, item) for item in one))
