"""A debugging aid: says what held the event loop for too long, with the stack that held it.

A thread looks at a mark that the loop sets every few milliseconds. Costs CPU, so it is off unless asked for.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from asyncio import runners

logger = logging.getLogger(__name__)

LIMIT = 0.010
"""Seconds. Nothing may hold the loop longer."""
TICK = 0.002


class Watchdog:
    """Watches the running loop from `start` to `stop`."""

    def __init__(self) -> None:
        self._mark = time.monotonic()
        self._held: str | None = None
        self._stopped = threading.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._loop_thread = 0
        self._cpu = 0.0

    def start(self) -> None:
        self._loop_thread = threading.get_ident()
        self._tick()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        now, cpu = time.monotonic(), time.thread_time()
        late, worked = now - self._mark - TICK, cpu - self._cpu
        if late > LIMIT and self._held is not None:
            logger.warning(
                "event loop held for %.0f ms (%.0f ms of CPU)\n%s", late * 1e3, worked * 1e3, self._held
            )
        self._held = None
        self._mark, self._cpu = now, cpu
        self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)

    def _watch(self) -> None:
        while not self._stopped.wait(TICK):
            if self._held is None and time.monotonic() - self._mark > LIMIT:
                frame = sys._current_frames().get(self._loop_thread)
                # In the runner itself no callback runs: the loop waits, and it was the machine that was late.
                if frame is not None and frame.f_code.co_filename != runners.__file__:
                    self._held = "".join(traceback.format_stack(frame, 12))
