"""One timer that keeps the earliest of the times it was asked for."""

from __future__ import annotations

from collections.abc import Callable

from backend.machinery.clock import Clock, Timer


class Alarm:
    def __init__(self, clock: Clock, ring: Callable[[], object]) -> None:
        self._clock = clock
        self._ring = ring
        self._timer: Timer | None = None
        self._due = 0.0

    def within(self, seconds: float) -> None:
        """Ring in `seconds`, or earlier if that was asked for since the last ring or `cancel`."""
        due = self._clock.monotonic() + seconds
        if self._timer is not None and self._due <= due:
            return
        self.cancel()
        self._due = due
        self._timer = self._clock.call_later(seconds, self._fire)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        self._ring()
