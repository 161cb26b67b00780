"""Writes and reads: optimistic concurrency, revisions, consistent lists."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from backend.store.api import KeyExists, RevisionMismatch, StoreUnavailable


async def test_an_empty_store_has_a_revision_above_zero(store):
    assert store.revision > 0
    assert store.list("").revision == store.revision


async def test_a_created_object_carries_its_revision(store, thing):
    before = store.revision
    entry = await store.create("core/things/a/x", thing(1))
    assert entry.revision == store.revision > before
    assert entry.obj["metadata"]["resourceVersion"] == str(entry.revision)
    assert store.get("core/things/a/x") is entry
    assert store.get("core/things/a/y") is None


async def test_a_write_is_in_the_file_when_it_is_acknowledged(store, path, thing):
    entry = await store.create("core/things/a/x", thing(1))
    with sqlite3.connect(path) as other:
        assert list(other.execute("SELECT id, value FROM log")) == [(entry.revision, entry.raw)]
    other.close()


async def test_create_refuses_a_taken_key(store, thing):
    first = await store.create("core/things/a/x", thing(1))
    with pytest.raises(KeyExists):
        await store.create("core/things/a/x", thing(2))
    assert store.get("core/things/a/x") is first


async def test_update_and_delete_need_the_current_revision(store, thing):
    first = await store.create("core/things/a/x", thing(1))
    second = await store.update("core/things/a/x", thing(2), revision=first.revision)
    for stale in (store.update("core/things/a/x", thing(3), revision=first.revision),
                  store.delete("core/things/a/x", revision=first.revision)):  # fmt: skip
        with pytest.raises(RevisionMismatch) as caught:
            await stale
        assert caught.value.current is second
    with pytest.raises(RevisionMismatch) as caught:
        await store.update("core/things/a/none", thing(1), revision=second.revision)
    assert caught.value.current is None


async def test_a_deletion_answers_the_last_state_at_its_own_revision(store, thing):
    first = await store.create("core/things/a/x", thing("last"))
    gone = await store.delete("core/things/a/x", revision=first.revision)
    assert gone.revision > first.revision
    assert gone.obj["value"] == "last"
    assert gone.obj["metadata"]["resourceVersion"] == str(gone.revision)
    assert first.obj["metadata"]["resourceVersion"] == str(first.revision)
    assert store.get("core/things/a/x") is None
    again = await store.create("core/things/a/x", thing(2))
    assert again.revision > gone.revision


async def test_of_many_creates_of_one_key_one_wins(store, thing):
    outcomes = await asyncio.gather(
        *(store.create("core/things/a/x", thing(n)) for n in range(20)), return_exceptions=True
    )
    won = [entry for entry in outcomes if not isinstance(entry, BaseException)]
    assert len(won) == 1
    assert all(isinstance(error, KeyExists) for error in outcomes if error is not won[0])
    assert store.get("core/things/a/x") is won[0]


async def test_no_concurrent_increment_is_lost(store, thing):
    await store.create("core/things/a/x", thing(0))

    async def increment() -> None:
        while True:
            entry = store.get("core/things/a/x")
            try:
                await store.update("core/things/a/x", thing(entry.obj["value"] + 1), revision=entry.revision)
                return
            except RevisionMismatch:
                continue

    await asyncio.gather(*(increment() for _ in range(30)))
    assert store.get("core/things/a/x").obj["value"] == 30


async def test_lists_are_sorted_and_stay_within_their_prefix(store, thing):
    keys = ["core/things/b/x", "core/things/a/y", "core/things/a/x", "core/things/ab/x", "core/things2/a/x",
            "apps/things/a/x", "core/nodes/n"]  # fmt: skip
    for key in keys:
        await store.create(key, thing())

    def listed(prefix: str) -> list[str]:
        return [entry.key for entry in store.list(prefix).entries]

    assert listed("core/things/") == ["core/things/a/x", "core/things/a/y", "core/things/ab/x", "core/things/b/x"]
    assert listed("core/things/a/") == ["core/things/a/x", "core/things/a/y"]
    assert listed("core/nodes/") == ["core/nodes/n"]
    assert listed("core/nodes/n") == ["core/nodes/n"]
    assert listed("core/things/none/") == []
    assert listed("") == sorted(keys)


async def test_a_list_does_not_change_later(store, thing):
    entry = await store.create("core/things/a/x", thing(1))
    snapshot = store.list("core/things/")
    await store.update("core/things/a/x", thing(2), revision=entry.revision)
    await store.create("core/things/a/y", thing(2))
    assert snapshot.entries == [entry]
    assert snapshot.revision == entry.revision < store.list("core/things/").revision


async def test_everything_is_there_after_a_restart(open_store, thing):
    store = await open_store()
    kept = await store.create("core/things/a/kept", thing("ü"))
    changed = await store.create("core/things/a/changed", thing(1))
    changed = await store.update("core/things/a/changed", thing(2), revision=changed.revision)
    gone = await store.create("core/things/a/gone", thing(1))
    gone = await store.delete("core/things/a/gone", revision=gone.revision)
    await store.close()

    store = await open_store()
    assert store.revision == gone.revision
    found = [(entry.key, entry.revision, entry.raw) for entry in store.list("").entries]
    assert found == [(entry.key, entry.revision, entry.raw) for entry in (changed, kept)]
    assert (await store.create("core/things/a/new", thing())).revision > gone.revision


async def test_a_cancelled_writer_harms_nobody(store, thing):
    task = asyncio.ensure_future(store.create("core/things/a/x", thing(1)))
    waiting = asyncio.ensure_future(store.create("core/things/a/x", thing(2)))
    await asyncio.sleep(0)
    task.cancel()
    waiting.cancel()
    other = await store.create("core/things/a/y", thing(3))
    assert task.cancelled()
    assert waiting.cancelled()
    landed = store.get("core/things/a/x")  # the write was on its way
    assert landed.obj["value"] == 1
    assert (await store.update("core/things/a/x", thing(4), revision=landed.revision)).revision > other.revision


async def test_an_object_that_is_no_json_leaves_no_trace(store, thing):
    with pytest.raises(TypeError):
        await store.create("core/things/a/x", thing(object()))
    assert (await store.create("core/things/a/x", thing(1))).obj["value"] == 1


async def test_close_finishes_what_was_begun_and_refuses_the_rest(open_store, thing):
    store = await open_store()
    writes = [asyncio.ensure_future(store.create(f"core/things/a/{n}", thing(n))) for n in range(100)]
    await asyncio.sleep(0)
    await asyncio.gather(store.close(), store.close())
    assert len([await write for write in writes]) == 100
    with pytest.raises(StoreUnavailable):
        await store.create("core/things/a/late", thing())
    assert len((await open_store()).list("core/things/").entries) == 100
