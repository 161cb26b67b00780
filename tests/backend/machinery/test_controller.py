from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from backend.machinery.clock import FakeClock
from backend.machinery.controller import Controller, Key


@asynccontextmanager
async def running(controller: Controller) -> AsyncIterator[None]:
    task = asyncio.create_task(controller.run())
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_failure_is_retried_with_backoff_until_it_succeeds() -> None:
    clock = FakeClock()
    calls: list[float] = []

    async def reconcile(key: Key) -> None:
        calls.append(clock.now())
        if len(calls) < 4:
            raise RuntimeError("not yet")

    controller = Controller("test", reconcile, clock=clock)
    async with running(controller):
        controller.enqueue("ns", "name")
        await clock.advance(60)
    assert len(calls) == 4
    assert controller.stats.errors == 3
    gaps = [after - before for before, after in pairwise(calls)]
    assert gaps == sorted(gaps)
    assert gaps[-1] > gaps[0]


async def test_a_key_is_looked_at_again_when_reconcile_asks_for_it() -> None:
    clock = FakeClock()
    calls = 0

    async def reconcile(key: Key) -> float | None:
        nonlocal calls
        calls += 1
        return 30.0 if calls == 1 else None

    controller = Controller("test", reconcile, clock=clock)
    async with running(controller):
        controller.enqueue("", "a")
        await clock.advance(29)
        assert calls == 1
        await clock.advance(2)
        assert calls == 2


async def test_an_unchanged_world_costs_no_reconcile() -> None:
    clock = FakeClock()
    calls = 0

    async def reconcile(key: Key) -> None:
        nonlocal calls
        calls += 1

    controller = Controller("test", reconcile, clock=clock)
    async with running(controller):
        controller.enqueue("", "a")
        await clock.advance(3600)
        assert calls == 1
