"""A controller: keys in, reconcile until the world is as it should be.

Level-triggered: `reconcile` gets a key, never an event; it re-reads what it needs and acts. It may be called
any number of times. Failures are retried with the key's own backoff; a conflict (409) is an ordinary retry.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple
from weakref import WeakSet

from backend.machinery.clock import Clock
from backend.machinery.informer import Informer, object_key
from backend.machinery.queue import WorkQueue
from backend.meta.errors import ApiError
from backend.meta.types import Obj

log = logging.getLogger(__name__)

MAX_RETRY_SECONDS = 60.0


class Key(NamedTuple):
    namespace: str
    name: str


Reconcile = Callable[[Key], Awaitable[float | None]]
"""Returns None, or the seconds after which the key should be looked at again."""


@dataclass(slots=True)
class ControllerStats:
    """Counters for /metrics."""

    reconciles: int = 0
    errors: int = 0


class ControllerFigures(NamedTuple):
    """Of one controller since its start; `depth` is how many keys wait now."""

    name: str
    depth: int
    adds: int
    retries: int
    reconciles: int
    errors: int


class Controller:
    """Workers over one queue. `enqueue` and the handlers of `watch` feed it; `run` works until cancelled."""

    _live: ClassVar[WeakSet[Controller]] = WeakSet()

    def __init__(
        self,
        name: str,
        reconcile: Reconcile,
        *,
        clock: Clock | None = None,
        workers: int = 1,
        informers: Sequence[Informer] = (),
    ) -> None:
        """`informers` are waited for before the first key is worked on; whoever made them runs them."""
        self.name = name
        self.stats = ControllerStats()
        self._reconcile = reconcile
        self._workers = workers
        self._informers = informers
        self._queue: WorkQueue[Key] = WorkQueue(clock, max_delay=MAX_RETRY_SECONDS)
        self._live.add(self)

    @classmethod
    def all_figures(cls) -> list[ControllerFigures]:
        """Of all controllers of this process, whoever made them, by name: for /metrics."""
        return sorted(controller.figures() for controller in cls._live)

    def figures(self) -> ControllerFigures:
        queue, stats = self._queue, self.stats
        return ControllerFigures(self.name, len(queue), queue.adds, queue.retries, stats.reconciles, stats.errors)

    def enqueue(self, namespace: str, name: str) -> None:
        self._queue.add(Key(namespace, name))

    def enqueue_after(self, namespace: str, name: str, seconds: float) -> None:
        self._queue.add_after(Key(namespace, name), seconds)

    def enqueue_changed(self, new: Obj | None, old: Obj | None) -> None:
        """A handler for `Informer.on_change` that enqueues the object itself."""
        obj = new if new is not None else old
        if obj is not None:
            self.enqueue(*object_key(obj))

    async def run(self) -> None:
        for informer in self._informers:
            await informer.synced.wait()
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._workers):
                    group.create_task(self._work(), name=f"{self.name}-{number}")
        finally:
            self._queue.close()

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await self._once(key)
            finally:
                self._queue.done(key)

    async def _once(self, key: Key) -> None:
        self.stats.reconciles += 1
        try:
            again = await self._reconcile(key)
        except Exception as error:
            self.stats.errors += 1
            delay = self._queue.add_rate_limited(key)
            if isinstance(error, ApiError):
                log.log(
                    logging.DEBUG if error.code == 409 else logging.WARNING,
                    "%s %s/%s: %s; again in %gs", self.name, *key, error, delay,
                )  # fmt: skip
            else:
                log.exception("%s %s/%s failed; again in %gs", self.name, *key, delay)
            return
        self._queue.forget(key)
        if again is not None:
            self._queue.add_after(key, again)
