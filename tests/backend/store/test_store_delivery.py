"""What comes while a watch's reader waits is delivered without it; what is not taken comes back to it, in its place."""

from __future__ import annotations

import asyncio
import itertools
import math


class Taker:
    """Takes events until it is `full`, and again when it is not."""

    def __init__(self):
        self.took = []
        self.full = False

    def __call__(self, event):
        if not self.full:
            self.took.append(event.entry.revision)
        return not self.full


async def reader(watch, taker, got):
    """The revisions that come back to who waits."""
    while (event := await watch.before(math.inf, taker)) is not None:
        got.append(event.entry.revision)


async def created(store, thing, count, prefix="core/things/a/x"):
    first = store.revision
    await asyncio.gather(*(store.create(f"{prefix}{first}-{n}", thing()) for n in range(count)))
    return [*range(first + 1, store.revision + 1)]


async def test_events_are_delivered_in_order_and_the_reader_sleeps(store, thing, until):
    watch, taker, got = store.watch("core/things/"), Taker(), []
    task = asyncio.create_task(reader(watch, taker, got))
    await asyncio.sleep(0)
    expected = [revision for _ in range(5) for revision in await created(store, thing, 20)]
    await until(lambda: len(taker.took) == 100)
    assert (taker.took, got) == (expected, [])
    assert watch.progress == store.revision
    task.cancel()
    await asyncio.wait([task])


async def test_what_is_not_taken_comes_back_and_nothing_is_missed_repeated_or_reordered(store, thing, until):
    watch, seen, expected = store.watch("core/things/"), [], []

    def sometimes(event):
        if event.entry.revision % 3 == 0:
            return False
        if event.entry.revision % 7 == 0:
            raise ValueError("this event cannot be encoded")
        seen.append(event.entry.revision)
        return True

    async def read():
        while (event := await watch.before(math.inf, sometimes)) is not None:
            seen.append(event.entry.revision)
            await asyncio.sleep(0)  # more may come before it waits again

    task = asyncio.create_task(read())
    for count in (1, 1, 5, 40, 1, 100):
        expected += await created(store, thing, count)
    await until(lambda: len(seen) >= len(expected))
    assert seen == expected
    task.cancel()
    await asyncio.wait([task])


async def test_what_waits_for_delivery_is_not_yet_progress(store, thing, until):
    watch, taker = store.watch("core/things/"), Taker()
    taker.full = True
    task = asyncio.create_task(watch.before(math.inf, taker))
    await asyncio.sleep(0)
    first, *_ = await created(store, thing, 3)
    event = await task
    assert event is not None
    assert event.entry.revision == first
    assert watch.progress == first


async def test_a_reader_with_a_deadline_wakes_while_events_go_to_another(store, thing, until):
    watch, taker = store.watch("core/things/"), Taker()
    now = asyncio.get_running_loop().time()
    task = asyncio.create_task(watch.before(now + 0.2, taker))
    await asyncio.sleep(0)
    expected = await created(store, thing, 10)
    assert await task is None
    assert taker.took == expected


async def test_a_watch_that_is_closed_delivers_no_more(store, thing, until):
    watches = [store.watch("core/things/") for _ in range(4)]
    took = [[] for _ in watches]

    def taker(index):
        def take(event):
            took[index].append(event.entry.revision)
            watches[index].close()  # as a connection that is found broken
            return True

        return take

    tasks = [asyncio.create_task(reader(watch, taker(index), [])) for index, watch in enumerate(watches)]
    await asyncio.sleep(0)
    first, *_ = await created(store, thing, 30)
    await asyncio.wait(tasks, timeout=10)
    assert took == [[first]] * 4
    assert all(isinstance(task.exception(), StopAsyncIteration | RuntimeError) for task in tasks)


async def test_others_have_their_turn_while_a_change_goes_to_many(store, thing, until):
    took, turns = [], []

    def slow(event):
        end = asyncio.get_running_loop().time() + 0.0005
        while asyncio.get_running_loop().time() < end:
            pass
        took.append(event.entry.revision)
        return True

    tasks = [asyncio.create_task(reader(store.watch("core/things/"), slow, [])) for _ in range(100)]
    await asyncio.sleep(0)
    write = asyncio.create_task(created(store, thing, 1))
    await until(lambda: took)
    while len(took) < 100:
        turns.append(len(took))
        await asyncio.sleep(0)
    await write
    assert len(turns) > 5
    assert max(later - before for before, later in itertools.pairwise(turns)) < 20
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
