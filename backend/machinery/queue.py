"""The work queue between informers and a controller's workers.

A key is in the queue once, however often it is added, and is never handed to two workers at a time: what is
added while it is being worked on comes again afterwards. Source: k8s.io/client-go/util/workqueue.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

from backend.machinery.clock import Clock, RealClock, Timer

K = TypeVar("K")

BASE_DELAY = 0.005
"""Seconds before the first retry; doubled by each further failure of the same key."""
MAX_DELAY = 1000.0


class WorkQueue(Generic[K]):
    def __init__(self, clock: Clock | None = None, *, max_delay: float = MAX_DELAY) -> None:
        self._clock = clock or RealClock()
        self._max_delay = max_delay
        self._ready: deque[K] = deque()
        self._dirty: set[K] = set()
        self._processing: set[K] = set()
        self._failures: dict[K, int] = {}
        self._timers: dict[K, tuple[float, Timer]] = {}
        self._getters: deque[asyncio.Future[None]] = deque()
        self.adds = 0
        """Keys that were put into the queue, for /metrics."""
        self.retries = 0
        """Of these, the ones that came again after a failure."""

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, key: K) -> None:
        if key in self._dirty:
            return
        self._dirty.add(key)
        self.adds += 1
        if key not in self._processing:
            self._ready.append(key)
            self._wake()

    def add_after(self, key: K, seconds: float) -> None:
        """Add once `seconds` have passed; of several waits for one key the earliest counts."""
        if seconds <= 0:
            self.add(key)
            return
        due = self._clock.monotonic() + seconds
        waiting = self._timers.get(key)
        if waiting is not None:
            if waiting[0] <= due:
                return
            waiting[1].cancel()
        self._timers[key] = (due, self._clock.call_later(seconds, lambda: self._fire(key)))

    def add_rate_limited(self, key: K) -> float:
        """Add after the key's backoff, which doubles at each call until `forget`; returns the seconds."""
        failures = self._failures.get(key, 0)
        self.retries += 1
        self._failures[key] = failures + 1
        delay = min(BASE_DELAY * 2.0 ** min(failures, 40), self._max_delay)
        self.add_after(key, delay)
        return delay

    def forget(self, key: K) -> None:
        """The key succeeded: its backoff starts anew."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """The next key; the caller owes a `done` for it."""
        while not self._ready:
            getter = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                if getter.done() and not getter.cancelled():
                    self._wake()  # The wake-up was ours: pass it on.
                raise
        key = self._ready.popleft()
        self._dirty.discard(key)
        self._processing.add(key)
        return key

    def done(self, key: K) -> None:
        self._processing.discard(key)
        if key in self._dirty:
            self._ready.append(key)
            self._wake()

    def close(self) -> None:
        """Drop what waits for its time, so that no timer outlives the queue."""
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _fire(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _wake(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return
