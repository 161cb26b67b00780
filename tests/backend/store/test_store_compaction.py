"""Compaction: the past goes, the present stays, the file stays small, and writers do not notice."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from backend.store.api import Compacted
from backend.store.compaction import Backlog


def rows(path):
    with sqlite3.connect(path) as other:
        return [row[0] for row in other.execute("SELECT id FROM log ORDER BY id")]


async def test_only_live_rows_and_the_window_stay(open_store, until, path, thing):
    store = await open_store(keep_revisions=20)
    keep = await store.create("core/things/a/keep", thing("keep"))
    entry = await store.create("core/things/a/x", thing(0))
    for n in range(300):
        entry = await store.update("core/things/a/x", thing(n), revision=entry.revision)
    gone = await store.delete("core/things/a/x", revision=entry.revision)
    await until(lambda: len(rows(path)) <= 22)
    assert rows(path) == [keep.revision, *range(gone.revision - 20, gone.revision + 1)]
    await store.close()
    store = await open_store(keep_revisions=0)
    assert [e.key for e in store.list("").entries] == ["core/things/a/keep"]
    await until(lambda: rows(path) == [keep.revision])


async def test_revisions_go_on_when_the_newest_rows_are_gone(open_store, until, path, thing):
    store = await open_store(keep_revisions=0)
    entry = await store.create("core/things/a/x", thing())
    gone = await store.delete("core/things/a/x", revision=entry.revision)
    await until(lambda: rows(path) == [])
    await store.close()
    store = await open_store(keep_revisions=0)
    assert store.revision == gone.revision
    with pytest.raises(Compacted):
        store.watch("", entry.revision)
    assert (await store.create("core/things/a/x", thing())).revision > gone.revision


async def test_large_history_goes_before_its_time(open_store, until, path, thing):
    store = await open_store(keep_bytes=1 << 20)
    entry = await store.create("core/things/a/x", thing("x" * 100_000))
    for _ in range(30):
        entry = await store.update("core/things/a/x", thing("x" * 100_000), revision=entry.revision)
    await until(lambda: len(rows(path)) <= 12)
    assert rows(path)[-1] == entry.revision


async def test_the_file_shrinks_after_a_mass_deletion(open_store, until, path, thing):
    store = await open_store(keep_revisions=10)
    made = await asyncio.gather(*(store.create(f"core/things/a/{n}", thing("x" * 20_000)) for n in range(800)))
    await asyncio.gather(*(store.delete(entry.key, revision=entry.revision) for entry in made))
    await until(lambda: len(rows(path)) <= 20)
    assert path.stat().st_size > 15_000_000
    await store.close()
    await open_store(keep_revisions=0)
    await until(lambda: path.stat().st_size < 3_000_000)
    assert rows(path) == []


async def test_churn_does_not_grow_the_file(open_store, path, thing):
    store = await open_store(keep_revisions=500)
    keys = [f"core/things/a/{n}" for n in range(50)]
    await asyncio.gather(*(store.create(key, thing("x" * 900)) for key in keys))

    async def change(key):
        for _ in range(200):
            await store.update(key, thing("x" * 900), revision=store.get(key).revision)

    await asyncio.gather(*(change(key) for key in keys))
    assert len(rows(path)) <= 50 + 500 + 200
    assert path.stat().st_size < 8 * (50 + 500) * 1000


async def test_a_long_churn_leaves_a_file_that_is_not_much_larger_than_what_is_live(
    open_store, until, path, thing
):
    store = await open_store()
    keys = [f"core/things/a/{n}" for n in range(1000)]
    await asyncio.gather(*(store.create(key, thing("x" * 900)) for key in keys))
    for _ in range(8):
        await asyncio.gather(
            *(store.update(key, thing("y" * 900), revision=store.get(key).revision) for key in keys)
        )
    live = sum(len(entry.raw) for entry in store.list("").entries)

    def kept():
        with sqlite3.connect(path) as other:
            return other.execute("SELECT sum(length(value)) FROM log").fetchone()[0]

    await until(lambda: kept() < 1.7 * live)
    await until(lambda: path.stat().st_size < 3 * live)


def test_garbage_is_due_in_order_and_never_beyond_the_horizon():
    backlog = Backlog(keep_revisions=5, keep_bytes=1000)
    for revision in range(2, 21):
        backlog.add(revision, revision - 1, revision == 20, size=5, replaced=5)
    assert backlog.due(20, at_least=15, at_most=99, max_bytes=9999) is None
    chunk = backlog.due(20, at_least=1, at_most=10, max_bytes=9999)
    assert (chunk.revision, chunk.ids) == (11, [*range(1, 11)])
    backlog.removed(chunk)
    chunk = backlog.due(20, at_least=1, at_most=10, max_bytes=9999)
    assert (chunk.revision, chunk.ids) == (15, [11, 12, 13, 14])
    backlog.removed(chunk)
    assert backlog.due(20, at_least=1, at_most=10, max_bytes=9999) is None
    assert backlog.compacted == 15
    assert backlog.due(25, at_least=1, at_most=10, max_bytes=9999).ids == [15, 16, 17, 18, 19, 20]
