"""Watches: a bounded history in memory, and events handed to whoever watches a prefix of their key."""

from __future__ import annotations

import asyncio
import math
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Awaitable, Callable
from functools import lru_cache

from backend.store.api import Compacted, Deliver, Event, SlowWatcher

_SLICE_SECONDS = 0.002
"""How long the event loop delivers events before others have their turn."""

Replay = Callable[[str, int, int], Awaitable[tuple[list[Event], int]]]
"""(prefix, after, up to) -> some events in order, and the revision up to which they are complete.

Raises Compacted.
"""


def matches(prefix: str, key: str) -> bool:
    """A prefix that ends in a slash (or is empty) names all below it; any other names one key."""
    return key.startswith(prefix) if prefix == "" or prefix.endswith("/") else key == prefix


@lru_cache(maxsize=1024)
def _collections(path: str) -> tuple[str, ...]:
    """The prefixes that name all that is in `path`, which is empty or ends in a slash."""
    parts = path.split("/")[:-1]
    return "", *("/".join(parts[:count]) + "/" for count in range(1, len(parts) + 1))


def _revision(event: Event) -> int:
    return event.entry.revision


class Broadcaster:
    """Feeds watches, on the event loop. A feed costs by the watches that match, not by all there are."""

    def __init__(self, revision: int, *, max_events: int, max_bytes: int) -> None:
        self.revision = revision
        self.oldest = revision
        """Events after this revision are all in memory."""
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._ring: list[Event] = []
        self._bytes = 0
        self._watches: dict[str, dict[LogWatch, None]] = {}
        """By their prefix, in the order in which they came: one after the other in memory, too."""
        self._due: deque[LogWatch] = deque()

    def publish(self, events: list[Event]) -> None:
        """`events` follow all that were published before, in the order of their revisions."""
        self.revision = events[-1].entry.revision
        self._ring.extend(events)
        for event in events:
            self._bytes += len(event.entry.raw)
        self._trim()
        if not self._watches:
            return
        by_prefix: dict[str, list[Event]] = {}
        for event in events:
            key = event.entry.key
            for prefix in (*_collections(key[: key.rfind("/") + 1]), key):
                if prefix in self._watches:
                    by_prefix.setdefault(prefix, []).append(event)
        for prefix, matching in by_prefix.items():
            for watch in tuple(self._watches[prefix]):
                watch.feed(matching)

    def deliver(self, watch: LogWatch) -> None:
        """Soon, let `watch` deliver what it has: those of one change follow each other, without a task for each."""
        if not self._due:
            asyncio.get_running_loop().call_soon(self._deliver_some)
        self._due.append(watch)

    def _deliver_some(self) -> None:
        end = time.perf_counter() + _SLICE_SECONDS
        while self._due:
            watch = self._due.popleft()
            if watch.deliver():
                self._due.append(watch)
            if time.perf_counter() >= end:
                break
        if self._due:
            asyncio.get_running_loop().call_soon(self._deliver_some)

    def watch(self, prefix: str, after: int | None, replay: Replay) -> LogWatch:
        """From memory if that reaches back to `after`; `replay` reads what is older."""
        after = self.revision if after is None else after
        backlog: list[Event] = []
        if after >= self.oldest:
            start = bisect_right(self._ring, after, key=_revision)
            backlog = [event for event in self._ring[start:] if matches(prefix, event.entry.key)]
        watch = LogWatch(self, prefix, after, backlog, replay)
        self._watches.setdefault(prefix, {})[watch] = None
        return watch

    def remove(self, watch: LogWatch) -> None:
        group = self._watches.get(watch.prefix)
        if group is not None:
            group.pop(watch, None)
            if not group:
                del self._watches[watch.prefix]

    def close(self) -> None:
        for group in list(self._watches.values()):
            for watch in tuple(group):
                watch.close()

    def _trim(self) -> None:
        """Cut in large pieces: a list is quick to search, and slow to shorten at its head."""
        if len(self._ring) <= self._max_events and self._bytes <= self._max_bytes:
            return
        cut = max(0, len(self._ring) - self._max_events * 3 // 4)
        removed = sum(len(event.entry.raw) for event in self._ring[:cut])
        while self._bytes - removed > self._max_bytes and cut < len(self._ring) - 1:
            removed += len(self._ring[cut].entry.raw)
            cut += 1
        if cut:
            self.oldest = self._ring[cut - 1].entry.revision
            self._bytes -= removed
            del self._ring[:cut]


class LogWatch:
    """One watch. It may hold back what the ring still has; a reader slower than that is dropped."""

    __slots__ = (
        "__weakref__", "_broadcaster", "_buffer", "_closed", "_deliver", "_due", "_older", "_position", "_replay",
        "_replay_end", "_replayed", "_slow", "_start", "_timer", "_waiter", "idle", "prefix",
    )  # fmt: skip

    def __init__(
        self, broadcaster: Broadcaster, prefix: str, after: int, backlog: list[Event], replay: Replay
    ) -> None:
        self.prefix = prefix
        self.idle = False
        self._broadcaster = broadcaster
        self._start = after
        self._position = after
        # What is older than the ring comes from `replay`; the buffer begins where the watch was made.
        self._replay = replay
        self._replayed = after
        self._replay_end = broadcaster.revision if after < broadcaster.oldest else after
        self._older: deque[Event] = deque()
        self._buffer: deque[Event] = deque(backlog)
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deliver: Deliver | None = None
        """While the reader waits: who takes events in its place."""
        self._due = False
        self._slow = False
        self._closed = False

    @property
    def progress(self) -> int:
        """A revision up to which everything that matches has been handed out."""
        if self._closed:
            return self._position
        if self._older:
            return self._older[0].entry.revision - 1
        if self._replayed < self._replay_end:
            return self._replayed
        if self._buffer:
            return max(self._start, self._buffer[0].entry.revision - 1)
        return max(self._start, self._broadcaster.revision)

    def __aiter__(self) -> LogWatch:
        return self

    async def __anext__(self) -> Event:
        event = await self.before(math.inf)
        assert event is not None
        return event

    async def before(self, when: float, deliver: Deliver | None = None) -> Event | None:
        """See Watch.before. A timer that is there serves all waits until it fires: most have the same deadline."""
        loop = asyncio.get_running_loop()
        while True:
            if self._slow:
                self._slow = False
                raise SlowWatcher("the watcher fell too far behind and was dropped")
            if self._closed:
                raise StopAsyncIteration
            event = self.ready()
            if event is not None:
                return event
            if self._replayed < self._replay_end:
                await self._read_older()
            elif loop.time() >= when:
                return None
            else:
                await self._wait(loop, when, deliver)

    def ready(self) -> Event | None:
        """The next event if it is in memory. Nothing is left in it once the watch is closed or dropped."""
        if self._older:
            return self._hand_out(self._older.popleft())
        if self._replayed < self._replay_end:
            return None
        while self._buffer:
            event = self._hand_out(self._buffer.popleft())
            # A watch may start from a revision that is yet to come.
            if event.entry.revision > self._start:
                return event
        self.idle = not self._closed
        return None

    def feed(self, events: list[Event]) -> None:
        self.idle = False
        self._buffer.extend(events)
        if self._buffer[0].entry.revision <= self._broadcaster.oldest:
            self._drop()
        elif self._deliver is None:
            self._wake()
        elif not self._due:
            self._due = True
            self._broadcaster.deliver(self)

    def deliver(self) -> bool:
        """Deliver one event, or wake the reader for it. True if there are more to deliver."""
        deliver, buffer = self._deliver, self._buffer
        if deliver is None or not buffer:
            self._due = False
            return False
        event = buffer[0]
        try:
            taken = event.entry.revision <= self._start or deliver(event)
        except Exception:
            taken = False  # the reader gets the event, where it is raised again and known what to do about it
        if not taken:
            self._due, self._deliver = False, None
            self._wake()
        elif buffer:  # or this has closed the watch
            self._position = event.entry.revision
            buffer.popleft()
            self._due = bool(buffer)
        return self._due

    def close(self) -> None:
        """End the iteration, whoever is in it. What was not read yet is gone. Idempotent."""
        self._closed = True
        self.idle = False
        self._cancel_timer()
        self._older.clear()
        self._buffer.clear()
        self._broadcaster.remove(self)
        self._wake()

    def _hand_out(self, event: Event) -> Event:
        self._position = event.entry.revision
        return event

    async def _read_older(self) -> None:
        try:
            events, complete = await self._replay(self.prefix, self._replayed, self._replay_end)
        except Compacted:
            self._drop()
            return
        if not self._closed:
            self._older.extend(events)
            self._replayed = complete

    async def _wait(self, loop: asyncio.AbstractEventLoop, until: float, deliver: Deliver | None) -> None:
        if until < math.inf and (self._timer is None or self._timer.when() > until):
            self._cancel_timer()
            self._timer = loop.call_at(until, self._fire)
        self._waiter = loop.create_future()
        self._deliver = deliver
        try:
            await self._waiter
        finally:
            self._waiter = self._deliver = None

    def _fire(self) -> None:
        self._timer = None
        self._wake()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drop(self) -> None:
        self._slow = True
        self.close()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
