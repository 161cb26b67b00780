from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from backend import supervisor
from backend.supervisor import Supervisor
from backend.watchdog import Watchdog


async def test_a_part_that_crashes_starts_again_and_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY", 0.01)
    runs: list[float] = []
    done = asyncio.Event()

    async def part() -> None:
        runs.append(asyncio.get_running_loop().time())
        if len(runs) < 4:
            raise RuntimeError(f"crash {len(runs)}")
        done.set()

    parts = Supervisor()
    parts.start("part", part)
    await asyncio.wait_for(done.wait(), 2)
    await parts.stop()
    gaps = [later - earlier for earlier, later in pairwise(runs)]
    assert gaps[2] > gaps[0] >= 0.009
    assert "crash 3" in caplog.text


async def test_stopping_waits_until_the_parts_have_cleaned_up() -> None:
    cleaned: list[str] = []

    async def part() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            cleaned.append("done")

    parts = Supervisor()
    parts.start("a", part)
    parts.start("b", part)
    await asyncio.sleep(0)
    await parts.stop("a")
    assert cleaned == ["done"]
    await parts.stop()
    assert cleaned == ["done", "done"]


async def test_the_watchdog_names_what_holds_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    watchdog = Watchdog()
    watchdog.start()
    await asyncio.sleep(0.01)
    for _ in range(20):  # A busy machine may let the watching thread look a moment too late.
        hold_the_loop()
        await asyncio.sleep(0.01)
        if "hold_the_loop" in caplog.text:
            break
    watchdog.stop()
    assert "event loop held for" in caplog.text
    assert "hold_the_loop" in caplog.text


def hold_the_loop() -> None:
    import time

    time.sleep(0.1)
