"""Sets of completion indexes as a Job's status has them: `1,3-5,7`.

As intervals, since a Job may have a hundred thousand. Source: orderedIntervals of
pkg/controller/job/indexed_job_utils.go.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

_INTERVAL = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?").fullmatch


class Indexes:
    """Never changes; intervals are in order, and none touches the next."""

    __slots__ = ("_intervals",)

    def __init__(self, intervals: Iterable[tuple[int, int]] = ()) -> None:
        """Both ends of an interval are included."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted(intervals):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        self._intervals = merged

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Indexes:
        return cls((number, number) for number in numbers)

    @classmethod
    def parse(cls, text: str, completions: int) -> Indexes:
        """Those below `completions`, as a Job may have shrunk; what is no interval is passed over."""
        return cls(_intervals(text, completions))

    def __or__(self, other: Indexes) -> Indexes:
        return Indexes([*self._intervals, *other._intervals])

    def __contains__(self, index: int) -> bool:
        at = bisect_left(self._intervals, index, key=lambda interval: interval[1])
        return at < len(self._intervals) and self._intervals[at][0] <= index

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self._intervals)

    def __str__(self) -> str:
        """Two neighbours are `3,4` and not `3-4`."""
        return ",".join(
            str(first) if first == last else f"{first}{',' if last == first + 1 else '-'}{last}"
            for first, last in self._intervals
        )

    def common(self, other: Indexes) -> int:
        """How many are in both."""
        count, ours, theirs = 0, 0, 0
        while ours < len(self._intervals) and theirs < len(other._intervals):
            (first, last), (start, end) = self._intervals[ours], other._intervals[theirs]
            count += max(0, min(last, end) - max(first, start) + 1)
            if last <= end:
                ours += 1
            if end <= last:
                theirs += 1
        return count

    def missing(self, completions: int) -> Iterator[int]:
        """Those below `completions` that are not here, in order."""
        at = 0
        for first, last in self._intervals:
            yield from range(at, min(first, completions))
            at = last + 1
        yield from range(at, completions)


def _intervals(text: str, completions: int) -> Iterator[tuple[int, int]]:
    for part in text.split(","):
        found = _INTERVAL(part)
        if found is not None and int(found[1]) < completions:
            first = int(found[1])
            yield first, max(first, min(int(found[2] or first), completions - 1))
