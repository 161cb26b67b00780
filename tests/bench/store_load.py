"""The store without its API: acknowledged durable writes, and what a day's updates leave of the file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import uvloop

from tests.bench import bench_store
from tests.bench.machine_floor import machine_floor
from tests.bench.report import Row, median, quantile

RUNS = 3
WRITERS = 64
UPDATES = 1_000_000
"""What 24 hours write, on 1,000 objects."""
SHORT = 10
"""A short run makes one of so many of them."""


def store_rows(folder: Path, *, whole: bool) -> list[Row]:
    bench_store.as_in_the_backend()
    with tempfile.TemporaryDirectory(dir=folder) as directory:
        rows = [uvloop.run(_writes(Path(directory)))]
    with tempfile.TemporaryDirectory(dir=folder) as directory:
        rows += _churn(Path(directory), UPDATES if whole else UPDATES // SHORT)
    return rows


async def _writes(directory: Path) -> Row:
    disk = len(syncs := bench_store.syncs(directory)) / sum(syncs)
    store = await bench_store.open_store(directory)
    rates = [await bench_store.create_rate(store, f"core/configmaps/{run}/", WRITERS) for run in range(RUNS)]
    await store.close()
    rate = median(rates)
    return Row(
        f"store alone, durable creates of 1 KB, {WRITERS} writers",
        f"{rate:,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f})",
        f"fdatasync {disk:,.0f}/s", ">= 20,000/s", rate >= 20_000,
    )  # fmt: skip


def _churn(directory: Path, updates: int) -> list[Row]:
    with machine_floor(directory) as floor:
        done = uvloop.run(bench_store.churned(directory, updates))
    longest, ratio = max(done.waits) * 1000, done.size / done.live
    p99, nearly_all = (quantile(done.waits, q) * 1000 for q in (0.99, 0.999))
    work = f"{updates:,} updates of 1,000 objects"
    return [
        Row(
            f"{work}: file / live size", f"{ratio:.1f} x ({done.size / 1e6:.1f} MB)",
            f"live {done.live / 1e6:.1f} MB", "<= 3 x", ratio <= 3,
        ),
        Row(
            f"{work}: longest write", f"{longest:.0f} ms (p99 {p99:.0f}, p99.9 {nearly_all:.0f})",
            str(floor), "<= 50 ms", longest <= 50,
        ),
    ]  # fmt: skip
