"""Keeps the parts of the control plane running: one that crashes is logged and started again, with backoff."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

FIRST_DELAY = 0.5
MAX_DELAY = 60.0
STEADY = 60.0
"""Seconds of life after which a part's backoff starts anew."""


class Supervisor:
    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """`run` is called again each time it raises; once it returns, the part is over."""
        self._tasks[name] = asyncio.create_task(self._keep(name, run), name=name)

    async def stop(self, *names: str) -> None:
        """Cancel these parts, or all, and wait for their ends."""
        tasks = [self._tasks.pop(name) for name in names or tuple(self._tasks) if name in self._tasks]
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                logger.error("a part failed while it stopped", exc_info=outcome)

    async def _keep(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        loop = asyncio.get_running_loop()
        delay = FIRST_DELAY
        while True:
            started = loop.time()
            try:
                await run()
                return
            except Exception:
                if loop.time() - started > STEADY:
                    delay = FIRST_DELAY
                logger.exception("%s crashed; it starts again in %.1f s", name, delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, MAX_DELAY)
