"""A controller that is killed at any moment, and started again, counts each pod once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from backend.controllers.workloads.job.controller import JOBS
from backend.machinery.client import PODS, Client
from backend.meta.types import ADMIN
from tests.support.batch import Batch, condition, index, phase


class Mortal(Client):
    """Stops for ever at one of its writes, before it is done or when it is."""

    def __init__(self, plane, chance):
        super().__init__(plane.handler, ADMIN)
        self._left = chance.randint(1, 12)
        self._first = chance.random() < 0.5
        self.dead = asyncio.Event()

    async def _do(self, verb, *args, **more):
        if verb in ("get", "list") or (args and args[0].resource == "events"):
            return await super()._do(verb, *args, **more)
        self._left -= 1
        if self._left < 0 or (self._left == 0 and self._first):
            await self._die()
        answer = await super()._do(verb, *args, **more)
        if self._left == 0:
            await self._die()
        return answer

    async def _die(self):
        self.dead.set()
        await asyncio.Event().wait()


class Fate:
    """Ends pods as chance has it, and remembers what it did."""

    def __init__(self, batch, chance):
        self._batch = batch
        self._chance = chance
        self.succeeded = Counter()
        self.failed = 0

    async def strike(self):
        for pod in await self._batch.pods(active=True):
            dice = self._chance.random()
            if dice < 0.3:
                await self._batch.end(pod)
                self.succeeded[index(pod)] += 1
            elif dice < 0.4:
                await self._batch.fail(pod)
                self.failed += 1
            elif dice < 0.45:
                await self._batch.client.delete(PODS, pod["metadata"]["name"], "default")
                self.failed += 1


async def live_and_die(batch, chance):
    """The Job's status when it is complete, and what fate had its pods do."""
    fate = Fate(batch, chance)
    async with asyncio.timeout(60):
        while condition(await batch.status(), "Complete") is None:
            client = Mortal(batch.plane, chance)
            async with batch.controllers(client):
                while not client.dead.is_set() and condition(await batch.status(), "Complete") is None:
                    await fate.strike()
                    await batch.clock.advance(11)
                    await asyncio.sleep(0.005)
            await _last_writes(batch)
    return await batch.status(), fate


async def _last_writes(batch):
    """The store writes in order: what a killed process had under way is done, or not, before the next one starts."""
    await batch.client.patch(JOBS, "j", {"metadata": {"annotations": {"now": f"{batch.clock.now()}"}}}, "default")


@pytest.mark.parametrize("seed", range(6))
async def test_each_index_is_done_once(plane, seed):
    chance = random.Random(seed)
    batch = Batch(plane)
    await batch.create(completions=10, parallelism=4, completionMode="Indexed", backoffLimit=1000)
    status, fate = await live_and_die(batch, chance)
    assert fate.succeeded == Counter(range(10))
    assert (status["completedIndexes"], status["succeeded"]) == ("0-9", 10)
    assert status.get("failed", 0) == fate.failed
    async with batch.controllers():
        await batch.no_pod_is_held()
    assert Counter(index(pod) for pod in await batch.pods() if phase(pod) == "Succeeded") == fate.succeeded


@pytest.mark.parametrize("seed", range(6, 10))
async def test_each_pod_is_counted_once(plane, seed):
    batch = Batch(plane)
    await batch.create(completions=10, parallelism=4, backoffLimit=1000)
    status, fate = await live_and_die(batch, random.Random(seed))
    assert fate.succeeded.total() == status["succeeded"] == 10
    assert status.get("failed", 0) == fate.failed
    async with batch.controllers():
        await batch.no_pod_is_held()
