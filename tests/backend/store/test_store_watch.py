"""Watches: nothing missed, nothing repeated, in order; from memory, from the log, and from what is yet to come."""

from __future__ import annotations

import asyncio

import pytest

from backend.store.api import Compacted, SlowWatcher, StoreUnavailable


async def take(watch, count):
    async with asyncio.timeout(5):
        return [await anext(watch) for _ in range(count)]


def told(events):
    return [(event.type, event.entry.key, event.entry.revision) for event in events]


async def churn(store, thing, rounds, key="core/things/a/x"):
    """Create, update and delete one key, again and again; the events that this must give."""
    expected = []
    for n in range(rounds):
        entry = await store.create(key, thing(n))
        expected.append(("ADDED", key, entry.revision))
        entry = await store.update(key, thing(n), revision=entry.revision)
        expected.append(("MODIFIED", key, entry.revision))
        entry = await store.delete(key, revision=entry.revision)
        expected.append(("DELETED", key, entry.revision))
    return expected


async def test_a_watch_sees_what_comes_with_the_state_before(store, thing):
    await store.create("core/things/a/old", thing())
    watch = store.watch("core/things/")
    first = await store.create("core/things/a/x", thing(1))
    second = await store.update("core/things/a/x", thing(2), revision=first.revision)
    gone = await store.delete("core/things/a/x", revision=second.revision)
    added, modified, deleted = await take(watch, 3)
    assert (added.type, added.entry, added.previous) == ("ADDED", first, None)
    assert (modified.type, modified.entry, modified.previous) == ("MODIFIED", second, first)
    assert (deleted.type, deleted.entry, deleted.previous) == ("DELETED", gone, second)
    assert deleted.entry.obj["value"] == 2
    assert deleted.entry.obj["metadata"]["resourceVersion"] == str(gone.revision)


@pytest.mark.parametrize("memory_events", [10_000, 8], ids=["from memory", "from the log"])
async def test_a_watch_starts_from_any_revision(open_store, thing, memory_events):
    store = await open_store(memory_events=memory_events)
    start = store.revision
    expected = await churn(store, thing, 20)
    for skip in (0, 1, 30, 50, 59, 60):
        revision = expected[skip - 1][2] if skip else start
        watch = store.watch("core/things/a/", revision)
        assert told(await take(watch, len(expected) - skip)) == expected[skip:]
        assert watch.progress == store.revision
        live = await churn(store, thing, 1)
        assert told(await take(watch, 3)) == live
        expected += live
        watch.close()


async def test_history_survives_a_restart(open_store, thing):
    store = await open_store()
    start = store.revision
    expected = await churn(store, thing, 100)
    await store.create("core/other/a/x", thing())
    await store.close()
    store = await open_store()
    watch = store.watch("core/things/", start)
    events = await take(watch, 300)
    assert told(events) == expected
    assert [event.previous and event.previous.revision for event in events[:3]] == [
        None, expected[0][2], expected[1][2],
    ]  # fmt: skip
    live = await churn(store, thing, 2)
    assert told(await take(watch, 6)) == live


async def test_writes_during_a_replay_come_after_it_once(open_store, thing):
    store = await open_store(memory_events=200)
    start = store.revision
    expected = await churn(store, thing, 300)
    watch = store.watch("core/things/", start)
    events = await take(watch, 1)  # the first chunk is read
    expected += await churn(store, thing, 20)
    events += await take(watch, len(expected) - 1)
    assert told(events) == expected


async def test_prefixes_do_not_mix(store, thing):
    prefixes = ["", "core/", "core/things/", "core/things/a/", "core/things/a/x", "core/things/b/", "apps/"]
    watches = {prefix: store.watch(prefix) for prefix in prefixes}
    keys = ["core/things/a/x", "core/things/a/xy", "core/things/ab/x", "core/thingsx/a/x", "apps/things/a/x"]
    for key in keys:
        await store.create(key, thing())
    for prefix, watch in watches.items():
        expected = [k for k in keys if k == prefix or (k.startswith(prefix) and (not prefix or prefix[-1] == "/"))]
        assert [event.entry.key for event in await take(watch, len(expected))] == expected
        assert watch.progress == store.revision  # nothing more is waiting


async def test_progress_goes_up_to_the_first_event_that_waits(store, thing):
    watch = store.watch("core/things/")
    await store.create("core/other/a/x", thing())
    assert watch.progress == store.revision
    one = await store.create("core/things/a/1", thing())
    two = await store.create("core/things/a/2", thing())
    assert watch.progress == one.revision - 1
    await take(watch, 1)
    assert one.revision <= watch.progress == two.revision - 1
    await take(watch, 1)
    assert watch.progress == store.revision


async def test_a_watch_of_the_future_begins_there(store, thing):
    first = await store.create("core/things/a/1", thing())
    watch = store.watch("core/things/", first.revision + 1)
    assert watch.progress == first.revision + 1
    await store.create("core/things/a/2", thing())
    third = await store.create("core/things/a/3", thing())
    assert told(await take(watch, 1)) == [("ADDED", "core/things/a/3", third.revision)]


async def test_a_slow_watcher_is_dropped_and_the_others_are_not(open_store, thing):
    store = await open_store(memory_events=16)
    slow, quick = store.watch("core/things/"), store.watch("core/things/")
    expected = []
    seen = []
    for n in range(20):
        expected += await churn(store, thing, 1, f"core/things/a/{n}")
        seen += told(await take(quick, 3))
    assert seen == expected
    with pytest.raises(SlowWatcher):
        await anext(slow)
    with pytest.raises(StopAsyncIteration):
        await anext(slow)


async def test_close_ends_a_waiting_reader(store):
    watch = store.watch("core/things/")

    async def read():
        return [event async for event in watch]

    reader = asyncio.ensure_future(read())
    await asyncio.sleep(0)
    watch.close()
    watch.close()
    assert await reader == []


async def test_closing_the_store_ends_all_watches(open_store, thing):
    store = await open_store()
    watch = store.watch("core/things/")
    reader = asyncio.ensure_future(anext(watch, None))
    await asyncio.sleep(0)
    await store.close()
    assert await reader is None
    with pytest.raises(StoreUnavailable):
        store.watch("core/things/")


async def test_a_reader_that_gives_up_loses_nothing(store, thing):
    watch = store.watch("core/things/")
    for n in range(5):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(watch), 0.001)
        entry = await store.create(f"core/things/a/{n}", thing())
        assert told(await take(watch, 1)) == [("ADDED", entry.key, entry.revision)]


async def test_a_compacted_revision_is_refused_and_the_oldest_named(open_store, thing):
    store = await open_store(keep_revisions=50, memory_events=8)
    start = store.revision
    await churn(store, thing, 200)
    with pytest.raises(Compacted) as caught:
        store.watch("core/things/", start)
    oldest = caught.value.oldest
    assert start < oldest <= store.revision - 50 + 1
    watch = store.watch("core/things/", oldest)
    revisions = [event.entry.revision for event in await take(watch, store.revision - oldest)]
    assert revisions == list(range(oldest + 1, store.revision + 1))


async def test_a_thousand_watchers_all_get_everything(store, thing):
    watches = [store.watch("core/things/") for _ in range(1000)]
    readers = [asyncio.ensure_future(take(watch, 30)) for watch in watches]
    expected = await churn(store, thing, 10)
    for events in await asyncio.gather(*readers):
        assert told(events) == expected


async def test_waiting_for_an_event_ends_at_the_time_given(store, thing):
    loop = asyncio.get_running_loop()
    watch = store.watch("core/things/")
    assert await watch.before(loop.time() + 0.02) is None
    waiting = asyncio.ensure_future(watch.before(loop.time() + 5))
    entry = await store.create("core/things/a/x", thing())
    assert (await waiting).entry is entry
    assert watch.ready() is None
    assert await watch.before(loop.time() - 1) is None


async def test_what_is_there_is_had_without_waiting_and_nothing_after_the_end(store, thing):
    watch = store.watch("core/things/")
    await churn(store, thing, 2)
    assert [watch.ready().type for _ in range(6)] == ["ADDED", "MODIFIED", "DELETED"] * 2
    assert watch.ready() is None
    await churn(store, thing, 1)
    watch.close()
    assert watch.ready() is None
