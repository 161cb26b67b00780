"""Figures of the store alone, printed as a table: `python tests/bench/bench_store.py [DIRECTORY]`.

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
from pathlib import Path

import uvloop

from backend.meta.types import Obj
from backend.store.keyring import Keyring
from backend.store.sqlstore import Limits, SqlStore

SECONDS = 2.0
LISTED = 27_483
OPENED = 100_000
WATCHERS = 1_000
SWITCH_INTERVAL = 0.0005


def secret(name: str, value: str = "x" * 700) -> Obj:
    meta = {"name": name, "namespace": "ns", "uid": "0" * 36, "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"kind": "Secret", "apiVersion": "v1", "metadata": meta, "data": {"value": value}, "type": "Opaque"}


def show(work: str, figure: str, aim: str = "") -> None:
    print(f"{work:<58} {figure:>24}   {aim}", flush=True)


def quantile(values: list[float], q: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * q))]


async def open_store(directory: Path, limits: Limits | None = None) -> SqlStore:
    keyring = Keyring.open(directory / "keys.json")
    url = f"sqlite:///{directory}/state.db"
    return await SqlStore.open(url, keyring=keyring, encrypted_prefixes=("core/secrets/",), limits=limits)


def floor(directory: Path) -> None:
    with open(directory / "floor", "wb") as file:
        began = time.perf_counter()
        for _ in range(300):
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
        show("fdatasync of 4 KiB, one after the other", f"{300 / (time.perf_counter() - began):,.0f} /s", "floor")


async def writes(directory: Path) -> None:
    store = await open_store(directory)
    for kind, aims in (("configmaps", ("", "8,000", "20,000")), ("secrets", ("", "", ""))):
        for writers, aim in zip((1, 16, 64), aims, strict=True):
            count = 0
            end = time.perf_counter() + SECONDS

            async def write(who: int, run: str, end: float) -> None:
                nonlocal count
                while time.perf_counter() < end:
                    count += 1
                    name = f"{who}-{count}"
                    await store.create(f"core/{run}/{name}", secret(name))

            began = time.perf_counter()
            await asyncio.gather(*(write(who, f"{kind}/ns{writers}", end) for who in range(writers)))
            rate = count / (time.perf_counter() - began)
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


async def churn(directory: Path, objects: int = 1000, revisions: int = 100_000) -> None:
    store = await open_store(directory, Limits(keep_revisions=5000))
    keys = [f"core/configmaps/ns/{n}" for n in range(objects)]
    await asyncio.gather(*(store.create(key, secret(key)) for key in keys))
    waits: list[float] = []

    async def change(part: list[str]) -> None:
        for n in range(revisions // objects):
            for key in part:
                began = time.perf_counter()
                await store.update(key, secret(key, str(n) * 700), revision=store.get(key).revision)  # type: ignore[union-attr]
                waits.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(change(keys[start::32]) for start in range(32)))
    rate = len(waits) / (time.perf_counter() - began)
    size = (directory / "state.db").stat().st_size
    wal = (directory / "state.db-wal").stat().st_size
    live = sum(len(entry.raw) for entry in store.list("").entries)
    await store.close()
    show(f"{revisions:,} updates of {objects:,} objects, 32 writers", f"{rate:,.0f} /s")
    show("  write wait p50 / p99", f"{quantile(waits, 0.5) * 1000:.1f} / {quantile(waits, 0.99) * 1000:.1f} ms")
    show("  longest write", f"{max(waits) * 1000:.1f} ms", "< 50 ms")
    kept = live // objects * (objects + 5000)
    show("  file + WAL / live + kept history", f"{(size + wal) >> 10:,} / {kept >> 10:,} KiB")


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


def main() -> None:
    base = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    sys.setswitchinterval(SWITCH_INTERVAL)  # see backend.store.writer
    gc.collect()
    gc.freeze()
    for part in (writes, reads, fan_out, churn, busy_loop):
        directory = Path(tempfile.mkdtemp(dir=base))
        try:
            floor(directory)
            uvloop.run(part(directory))
        finally:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()
