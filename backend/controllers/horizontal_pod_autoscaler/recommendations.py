"""How fast a number of replicas may change: what was recommended and done lately, and the rules of spec.behavior.

Source: stabilizeRecommendation and what follows it in pkg/controller/podautoscaler/horizontal.go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from backend.meta.types import Obj

_UP_FACTOR, _UP_LEAST = 2, 4
"""Without rules it grows to twice the size, or to 4."""
_WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")
_TOO_FAST_UP = ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
_TOO_FAST_DOWN = ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")
_TOO_MANY = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
_TOO_FEW = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
_READY = ("ReadyForNewScale", "recommended size matches current size")
_DOWN_STABILIZED = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
)
_UP_STABILIZED = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)

_Choice = Callable[[Iterable[int]], int]

Why = tuple[str, str]
"""A condition's reason and message."""


@dataclass(frozen=True, slots=True)
class Limits:
    current: int
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Decision:
    """`stable` is AbleToScale's reason; `limited` is whether the limits were reached, and ScalingLimited's reason."""

    replicas: int
    stable: Why
    limited: bool
    limit: Why


@dataclass(slots=True)
class History:
    """Of one autoscaler, in this process: (moment, replicas), and by how many it grew and shrank. Moments are of any
    clock that never goes back."""

    recommendations: list[tuple[float, int]] = field(default_factory=list)
    ups: list[tuple[float, int]] = field(default_factory=list)
    downs: list[tuple[float, int]] = field(default_factory=list)

    def begin(self, replicas: int, now: float) -> None:
        """What was there first counts as recommended."""
        if not self.recommendations:
            self.recommendations.append((now, replicas))

    def decide(self, wanted: int, limits: Limits, window: float, now: float) -> Decision:
        """Without spec.behavior; `window` seconds are how long it waits before it shrinks."""
        self._forget(now - window)
        recent = [replicas for _, replicas in self.recommendations]
        stabilized = max([wanted, *recent])
        self.recommendations.append((now, wanted))
        replicas, limit = _bounded(stabilized, limits)
        stable = _READY if stabilized == wanted else _DOWN_STABILIZED
        return Decision(replicas, stable, replicas != stabilized, limit)

    def decide_by(self, behavior: Obj, wanted: int, limits: Limits, window: float, now: float) -> Decision:
        up, down = behavior["scaleUp"], behavior["scaleDown"]
        down_window = down.get("stabilizationWindowSeconds", window)
        stabilized = self._stabilized(wanted, limits.current, up["stabilizationWindowSeconds"], down_window, now)
        moved = _UP_STABILIZED if wanted >= limits.current else _DOWN_STABILIZED
        replicas, limit = self._rated(stabilized, limits, up, down, now)
        stable = _READY if stabilized == wanted else moved
        return Decision(replicas, stable, replicas != stabilized, limit)

    def scaled(self, behavior: Obj | None, before: int, after: int, now: float) -> None:
        """Note what was done, as long as a rule looks at it."""
        if behavior is None:
            return
        grew = after > before
        events, rules = (self.ups, behavior["scaleUp"]) if grew else (self.downs, behavior["scaleDown"])
        longest = max((policy["periodSeconds"] for policy in rules.get("policies") or ()), default=0)
        events[:] = [event for event in events if event[0] >= now - longest]
        events.append((now, abs(after - before)))

    def _forget(self, cutoff: float) -> None:
        self.recommendations = [one for one in self.recommendations if one[0] >= cutoff]

    def _stabilized(self, wanted: int, current: int, up_window: float, down_window: float, now: float) -> int:
        self._forget(now - max(up_window, down_window))
        lowest = min([wanted, *(n for moment, n in self.recommendations if moment > now - up_window)])
        highest = max([wanted, *(n for moment, n in self.recommendations if moment > now - down_window)])
        self.recommendations.append((now, wanted))
        return min(max(current, lowest), highest)

    def _rated(self, wanted: int, limits: Limits, up: Obj, down: Obj, now: float) -> tuple[int, Why]:
        if wanted > limits.current:
            rate = max(limits.current, self._up_limit(limits.current, up, now))
            most, why = (rate, _TOO_FAST_UP) if limits.most > rate else (limits.most, _TOO_MANY)
            return (most, why) if wanted > most else (wanted, _WITHIN)
        if wanted < limits.current:
            rate = min(limits.current, self._down_limit(limits.current, down, now))
            least, why = (rate, _TOO_FAST_DOWN) if limits.least < rate else (limits.least, _TOO_FEW)
            return (least, why) if wanted < least else (wanted, _WITHIN)
        return wanted, _WITHIN

    def _up_limit(self, current: int, rules: Obj, now: float) -> int:
        if rules["selectPolicy"] == "Disabled":
            return current
        choose: _Choice = min if rules["selectPolicy"] == "Min" else max
        return choose(self._grown(current, policy, now) for policy in rules["policies"])

    def _down_limit(self, current: int, rules: Obj, now: float) -> int:
        if rules["selectPolicy"] == "Disabled":
            return current
        choose: _Choice = max if rules["selectPolicy"] == "Min" else min
        return choose(self._shrunk(current, policy, now) for policy in rules["policies"])

    def _grown(self, current: int, policy: Obj, now: float) -> int:
        start = self._before(current, policy["periodSeconds"], now)
        if policy["type"] == "Pods":
            return start + int(policy["value"])
        grown: float = start * (1 + policy["value"] / 100)
        return math.ceil(grown)

    def _shrunk(self, current: int, policy: Obj, now: float) -> int:
        start = self._before(current, policy["periodSeconds"], now)
        if policy["type"] == "Pods":
            return start - int(policy["value"])
        return int(start * (1 - policy["value"] / 100))

    def _before(self, current: int, period: float, now: float) -> int:
        """How many there were at the period's start."""
        return current - _changed(self.ups, now - period) + _changed(self.downs, now - period)


def _changed(events: Sequence[tuple[float, int]], since: float) -> int:
    return sum(change for moment, change in events if moment > since)


def _bounded(wanted: int, limits: Limits) -> tuple[int, Why]:
    if wanted < limits.least:
        return limits.least, _TOO_FEW
    fast = max(_UP_FACTOR * limits.current, _UP_LEAST)
    most, why = (fast, _TOO_FAST_UP) if limits.most > fast else (limits.most, _TOO_MANY)
    return (most, why) if wanted > most else (wanted, _WITHIN)
