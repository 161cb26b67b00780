"""The indexes of an Indexed Job as text: `1,3-5,7`. Source: validateIndexesFormat, parseIndexInterval."""

from __future__ import annotations

import re
from itertools import pairwise

from backend.meta.causes import go_quote

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}").fullmatch


def parse_indexes(text: str, completions: int) -> list[tuple[int, int]]:
    """Intervals, both ends included. Raises ValueError, with Kubernetes' text, where they do not grow or where one
    is not below `completions`."""
    found = [_interval(part, completions) for part in text.split(",")] if text else []
    for (_, last), (first, _) in pairwise(found):
        if last >= first:
            raise ValueError(f"non-increasing order, previous: {last}, current: {first}")
    return found


def count_indexes(text: str, completions: int) -> int:
    """How many there are. Raises ValueError as `parse_indexes` does."""
    return sum(last - first + 1 for first, last in parse_indexes(text, completions))


def _interval(text: str, completions: int) -> tuple[int, int]:
    parts = text.split("-")
    if len(parts) > 2:
        why = "violates the requirement that an index interval can have at most two parts separated by '-'"
        raise ValueError(f"the fragment {go_quote(text)} {why}")
    ends = [_index(part, completions) for part in parts]
    if len(ends) == 2 and ends[0] >= ends[1]:
        raise ValueError(f"non-increasing order, previous: {ends[0]}, current: {ends[1]}")
    return ends[0], ends[-1]


def _index(text: str, completions: int) -> int:
    if not _INTEGER(text):
        raise ValueError(f"cannot convert string to integer for index: {go_quote(text)}")
    if int(text) >= completions:
        raise ValueError(f"too large index: {go_quote(text)}")
    return int(text)
