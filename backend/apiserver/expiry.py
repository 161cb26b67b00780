"""Events are kept for an hour after they were last written. Source: --event-ttl of kube-apiserver."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from backend.meta import timefmt
from backend.meta.types import Obj
from backend.store.api import RevisionMismatch, Store, StoreUnavailable

TTL_SECONDS = 3600.0
_PREFIX = "core/events/"
_AT_ONCE = 64
_SWEEP_SECONDS = 60.0
"""Events go in batches, no later than this after their time: one commit then serves many."""

_log = logging.getLogger(__name__)


async def expire_events(store: Store, *, ttl: float = TTL_SECONDS, clock: Callable[[], float] = time.time) -> None:
    """Delete Events as they become too old, until cancelled. With no event it waits for one."""
    while True:
        try:
            wait = await _sweep(store, ttl, clock)
        except StoreUnavailable as error:
            _log.warning("events are not expired: %s", error)
            wait = _SWEEP_SECONDS
        if wait is not None:
            await asyncio.sleep(wait)
        else:
            await _any_event(store)


async def _sweep(store: Store, ttl: float, clock: Callable[[], float]) -> float | None:
    """Delete what is too old; seconds until more will be, None if there is no event."""
    entries = store.list(_PREFIX).entries
    now = clock()
    oldest: float | None = None
    old = []
    for entry in entries:
        written = _last_written(entry.obj)
        if written + ttl <= now:
            old.append(entry)
        elif oldest is None or written < oldest:
            oldest = written
    for start in range(0, len(old), _AT_ONCE):
        batch = old[start : start + _AT_ONCE]
        await asyncio.gather(*(_delete(store, entry.key, entry.revision) for entry in batch))
    return max(oldest + ttl - now, _SWEEP_SECONDS) if oldest is not None else None


async def _delete(store: Store, key: str, revision: int) -> None:
    # Whoever changed it gave it another hour; whoever deleted it was faster.
    with contextlib.suppress(RevisionMismatch):
        await store.delete(key, revision=revision)


async def _any_event(store: Store) -> None:
    watch = store.watch(_PREFIX)
    try:
        async for event in watch:
            if event.type != "DELETED":
                return
    finally:
        watch.close()


def _last_written(event: Obj) -> float:
    """When the event was last changed: its managers record each change."""
    meta = event["metadata"]
    times = [meta["creationTimestamp"], *(entry["time"] for entry in meta.get("managedFields") or ())]
    return timefmt.parse(max(times))
