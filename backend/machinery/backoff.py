"""Delays that double with each failure of a key and start anew after a quiet time.

Source of the rules: k8s.io/client-go/util/flowcontrol Backoff, as the kubelet uses it for crashes and image pulls.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.machinery.clock import Clock

INITIAL_SECONDS = 10.0
MAX_SECONDS = 300.0


@dataclass(slots=True)
class _Entry:
    delay: float
    updated: float


class Backoff:
    """Times are the clock's epoch seconds. What was not used for long is forgotten by `forget`."""

    def __init__(self, clock: Clock, initial: float = INITIAL_SECONDS, maximum: float = MAX_SECONDS) -> None:
        self._clock = clock
        self._initial = initial
        self._maximum = maximum
        self._entries: dict[str, _Entry] = {}

    def delay(self, key: str) -> float:
        """The key's delay, in seconds; 0 for one that never failed."""
        entry = self._entries.get(key)
        return entry.delay if entry else 0.0

    def remaining(self, key: str, since: float | None = None) -> float:
        """Seconds until the key may be tried again, 0 for at once.

        The delay counts from `since` (when a container finished), or from the last failure.
        """
        entry = self._entries.get(key)
        if entry is None:
            return 0.0
        start = entry.updated if since is None else since
        if self._is_stale(entry, self._clock.now() if since is None else since):
            return 0.0
        return max(0.0, start + entry.delay - self._clock.now())

    def advance(self, key: str, at: float | None = None) -> None:
        """Count one more failure, that happened at `at` (now, when None)."""
        now = self._clock.now()
        entry = self._entries.get(key)
        if entry is None or self._is_stale(entry, now if at is None else at):
            self._entries[key] = _Entry(self._initial, now)
        else:
            entry.delay = min(entry.delay * 2, self._maximum)
            entry.updated = now

    def forget(self, prefix: str) -> None:
        """Drop the keys that start with `prefix` (a pod's uid)."""
        for key in [key for key in self._entries if key.startswith(prefix)]:
            del self._entries[key]

    def _is_stale(self, entry: _Entry, at: float) -> bool:
        return at - entry.updated > 2 * self._maximum


def go_duration(seconds: float) -> str:
    """Whole seconds as Go prints a time.Duration: 10s, 1m20s, 5m0s."""
    total = round(seconds)
    hours, rest = divmod(total, 3600)
    minutes, secs = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{secs}s"
    return f"{minutes}m{secs}s" if minutes else f"{secs}s"


def go_milliseconds(seconds: float) -> str:
    """A duration rounded to milliseconds as Go prints it: 850ms, 1.2s, 1m3.5s."""
    millis = round(seconds * 1000)
    if millis < 1000:
        return f"{millis}ms" if millis else "0s"
    minutes, rest = divmod(millis, 60_000)
    text = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if minutes >= 60:
        return f"{minutes // 60}h{minutes % 60}m{text}"
    return f"{minutes}m{text}" if minutes else text
