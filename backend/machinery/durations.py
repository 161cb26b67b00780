"""How long something takes, for /metrics: a histogram that costs an addition where it is measured."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import ClassVar, NamedTuple
from weakref import WeakSet


class DurationFigures(NamedTuple):
    """`counts` has one more entry than `bounds` (seconds): what took longer than any. They are not cumulated."""

    name: str
    help: str
    bounds: Sequence[float]
    counts: Sequence[int]
    total: float


class Durations:
    """Of one name there should be one at a time."""

    _live: ClassVar[WeakSet[Durations]] = WeakSet()

    def __init__(self, name: str, help_: str, bounds: Sequence[float]) -> None:
        self._name = name
        self._help = help_
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0
        Durations._live.add(self)

    @classmethod
    def all_figures(cls) -> list[DurationFigures]:
        return sorted(durations.figures() for durations in cls._live)

    def observe(self, seconds: float) -> None:
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._total += seconds

    def figures(self) -> DurationFigures:
        return DurationFigures(self._name, self._help, self._bounds, tuple(self._counts), self._total)
