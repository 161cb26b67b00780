"""Fixtures shared by all tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
"""How fast examples are made says something of the machine, not of what is tested."""


@pytest.fixture(autouse=True)
async def _no_task_leaks() -> AsyncIterator[None]:
    """A test that leaves a task running fails: what it started must be stopped by it."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    leaked = [task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()]
    for task in leaked:
        task.cancel()
    assert not leaked, f"tasks left running: {leaked}"
