"""Waiting for what no event tells a test."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 60
PAUSE = 0.2
"""Most conditions run a program, which takes a core for about as long: tests that look more often hold up others."""


def until(condition: Callable[[], object]) -> None:
    """Return once `condition` is true; fails the test if it is not within a minute."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(PAUSE)
