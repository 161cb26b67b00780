"""Figures of the store alone, printed as a table: `python -m tests.bench.bench_store [DIRECTORY]`.

Take the directory on the disk that counts: each acknowledged write waits for it. The first line is that disk's own
limit, as a floor to compare with; machines and neighbours differ, ratios within one run less so.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop

from backend.meta.types import Obj
from backend.store.keyring import Keyring
from backend.store.sqlstore import SqlStore
from tests.bench.report import quantile

SECONDS = 2.0
LISTED = 27_483
OPENED = 100_000
WATCHERS = 1_000
SWITCH_INTERVAL = 0.0005
TIDY_SECONDS = 2.0
"""For what the writer's thread does when there is nothing to write."""


def secret(name: str, value: str = "x" * 700) -> Obj:
    meta = {"name": name, "namespace": "ns", "uid": "0" * 36, "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"kind": "Secret", "apiVersion": "v1", "metadata": meta, "data": {"value": value}, "type": "Opaque"}


def show(work: str, figure: str, aim: str = "") -> None:
    print(f"{work:<58} {figure:>24}   {aim}", flush=True)


async def open_store(directory: Path) -> SqlStore:
    keyring = Keyring.open(directory / "keys.json")
    url = f"sqlite:///{directory}/state.db"
    return await SqlStore.open(url, keyring=keyring, encrypted_prefixes=("core/secrets/",))


def syncs(directory: Path) -> list[float]:
    """Seconds of each of 300 durable writes of 4 KiB, one after the other: what the disk itself can do."""
    seconds = []
    with open(directory / "floor", "wb") as file:
        for _ in range(300):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
            seconds.append(time.perf_counter() - began)
    return seconds


def floor(directory: Path) -> None:
    show("fdatasync of 4 KiB, one after the other", f"{300 / sum(syncs(directory)):,.0f} /s", "floor")


async def create_rate(store: SqlStore, prefix: str, writers: int) -> float:
    """Acknowledged creates of about 1 KB a second, over SECONDS."""
    count = 0
    began = time.perf_counter()

    async def write() -> None:
        nonlocal count
        while time.perf_counter() < began + SECONDS:
            count += 1
            name = str(count)
            await store.create(prefix + name, secret(name))

    await asyncio.gather(*(write() for _ in range(writers)))
    return count / (time.perf_counter() - began)


async def writes(directory: Path) -> None:
    store = await open_store(directory)
    for kind, aims in (("configmaps", ("", "8,000", "20,000")), ("secrets", ("", "", ""))):
        for writers, aim in zip((1, 16, 64), aims, strict=True):
            rate = await create_rate(store, f"core/{kind}/ns{writers}/", writers)
            show(f"durable creates of 1 KB {kind}, {writers} writers", f"{rate:,.0f} /s", aim and f">= {aim}")
    await store.close()


async def reads(directory: Path) -> None:
    store = await open_store(directory)
    for start in range(0, OPENED, 2000):
        names = [str(n) for n in range(start, start + 2000)]
        kinds = ["secrets/ns" if int(name) < LISTED else f"configmaps/ns{int(name) % 50}" for name in names]
        pairs = zip(kinds, names, strict=True)
        await asyncio.gather(*(store.create(f"core/{kind}/{name}", secret(name)) for kind, name in pairs))
    for prefix in ("core/secrets/", "core/configmaps/ns7/"):
        began = time.perf_counter()
        found = store.list(prefix)
        took = time.perf_counter() - began
        show(f"list {len(found.entries):,} of {OPENED:,} objects", f"{took * 1000:.1f} ms")
    began = time.perf_counter()
    rows = await store.rotate_key()
    show(f"rotate the key of {rows:,} secrets", f"{time.perf_counter() - began:.2f} s")
    await store.close()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    began = time.perf_counter()
    store = await open_store(directory)
    took = time.perf_counter() - began
    cpu = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
    show(f"open {OPENED:,} objects", f"{took:.2f} s ({cpu:.2f} s cpu)", "< 2 s")
    await store.close()


async def fan_out(directory: Path) -> None:
    store = await open_store(directory)
    delays: list[float] = []
    sent: dict[int, float] = {}

    async def read() -> None:
        async for event in store.watch("core/configmaps/"):
            delays.append(time.perf_counter() - sent[event.entry.obj["data"]["value"]])

    readers = [asyncio.ensure_future(read()) for _ in range(WATCHERS)]
    await asyncio.sleep(0)
    for n in range(100):
        obj = secret(str(n))
        obj["data"]["value"] = n
        sent[n] = time.perf_counter()
        await store.create(f"core/configmaps/ns/{n}", obj)
        await asyncio.sleep(0.02)
    await store.close()
    await asyncio.gather(*readers)
    assert len(delays) == WATCHERS * 100
    p50, p99 = quantile(delays, 0.5) * 1000, quantile(delays, 0.99) * 1000
    show(f"create -> seen by {WATCHERS:,} watchers, p50 / p99", f"{p50:.1f} / {p99:.1f} ms")


@dataclass(frozen=True, slots=True)
class Churned:
    """What updates of the same objects took and left."""

    rate: float
    waits: list[float]
    """Seconds of each update."""
    size: int
    """Bytes of the file once the store is closed, which empties the WAL into it."""
    live: int
    """Bytes of the objects that are there."""


async def churned(directory: Path, updates: int, objects: int = 1000, writers: int = 32) -> Churned:
    store = await open_store(directory)
    keys = [f"core/configmaps/ns/{n}" for n in range(objects)]
    await asyncio.gather(*(store.create(key, secret(key)) for key in keys))
    waits: list[float] = []

    async def change(part: list[str]) -> None:
        for n in range(updates // objects):
            for key in part:
                began = time.perf_counter()
                entry = store.get(key)
                assert entry is not None
                await store.update(key, secret(key, f"{n:07}" * 100), revision=entry.revision)
                waits.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(change(keys[start::writers]) for start in range(writers)))
    rate = len(waits) / (time.perf_counter() - began)
    live = sum(len(entry.raw) for entry in store.list("").entries)
    await asyncio.sleep(TIDY_SECONDS)
    await store.close()
    return Churned(rate, waits, (directory / "state.db").stat().st_size, live)


async def churn(directory: Path) -> None:
    updates = 100_000
    done = await churned(directory, updates)
    show(f"{updates:,} updates of 1,000 objects, 32 writers", f"{done.rate:,.0f} /s")
    show(
        "  write wait p50 / p99",
        f"{quantile(done.waits, 0.5) * 1000:.1f} / {quantile(done.waits, 0.99) * 1000:.1f} ms",
    )
    show("  longest write", f"{max(done.waits) * 1000:.1f} ms", "< 50 ms")
    show("  file / live", f"{done.size >> 10:,} / {done.live >> 10:,} KiB", "<= 3")


async def busy_loop(directory: Path) -> None:
    """One writer beside an event loop that always has something else to do: what the interpreter lock costs."""
    store = await open_store(directory)
    default = 0.005
    for interval in (default, SWITCH_INTERVAL):
        sys.setswitchinterval(interval)
        stop = asyncio.Event()

        async def burn(stop: asyncio.Event = stop) -> None:
            while not stop.is_set():
                end = time.perf_counter() + 0.001
                while time.perf_counter() < end:
                    pass
                await asyncio.sleep(0)

        burner = asyncio.ensure_future(burn())
        waits = []
        for n in range(200):
            began = time.perf_counter()
            await store.create(f"core/configmaps/ns/{interval}-{n}", secret(str(n)))
            waits.append(time.perf_counter() - began)
        stop.set()
        await burner
        p50, p99 = quantile(waits, 0.5) * 1000, quantile(waits, 0.99) * 1000
        show(
            f"one writer, busy loop, switch interval {interval * 1000} ms, p50 / p99", f"{p50:.1f} / {p99:.1f} ms"
        )
    await store.close()


def as_in_the_backend() -> None:
    """What the process that has a store sets; see backend.store.writer and backend.__main__."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 100)


def main() -> None:
    base = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    as_in_the_backend()
    for part in (writes, reads, fan_out, churn, busy_loop):
        directory = Path(tempfile.mkdtemp(dir=base))
        try:
            floor(directory)
            uvloop.run(part(directory))
        finally:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()
