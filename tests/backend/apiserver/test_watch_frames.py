"""Frames that go to a sink at once, and those that a watch's own task writes: together they are one stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from backend.apiserver.frames import Encode
from backend.apiserver.handler import Form
from backend.apiserver.watching import Change
from backend.machinery.client import CONFIGMAPS
from backend.meta.types import ApiRequest


class Written:
    """What a client would read: a sink that can be full, and what the task wrote."""

    def __init__(self) -> None:
        self.full = False
        self.pushed = 0
        self.frames: list[bytes] = []

    def push(self, encode: Encode, change: Change) -> bool:
        if not self.full:
            self.pushed += 1
            self.frames.append(encode(change))
        return not self.full

    async def read(self, frames: AsyncIterator[bytes]) -> None:
        async for frame in frames:
            self.frames.append(frame)

    async def until(self, count: int) -> list[bytes]:
        async with asyncio.timeout(10):
            while len(self.frames) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        return self.frames


@asynccontextmanager
async def written(cluster, form: Form = "object", **query: str) -> AsyncIterator[Written]:
    request = ApiRequest("watch", "", "v1", "configmaps", "default", query=query)
    sink = Written()
    async with cluster.handler.stream(request, form, sink=sink) as frames:
        task = asyncio.create_task(sink.read(frames))
        await asyncio.sleep(0)
        try:
            yield sink
        finally:
            task.cancel()
            await asyncio.wait([task])


def names(frames: list[bytes]) -> list[str]:
    return [orjson.loads(frame)["object"]["metadata"]["name"] for frame in frames]


@pytest.mark.parametrize("query", [{}, {"labelSelector": "k=1"}])
async def test_a_sink_that_is_full_now_and_then_changes_nothing(cluster, query) -> None:
    async with written(cluster, resourceVersion=str(cluster.store.revision), **query) as sink:
        expected = []
        for number in range(60):
            sink.full = number % 5 in (1, 2)
            meta = {"name": f"a{number}", "labels": {"k": str(number % 2)}}
            await cluster.client.create(CONFIGMAPS, {"metadata": meta}, "default")
            if not query or number % 2:
                expected.append(f"a{number}")
        assert names(await sink.until(len(expected))) == expected
        assert 0 < sink.pushed < len(expected)


async def test_watches_of_one_change_share_its_frame(cluster) -> None:
    async with written(cluster, resourceVersion="0") as one, written(cluster, resourceVersion="0") as other:
        await cluster.config_map("a")
        assert (await one.until(1))[0] is (await other.until(1))[0]
        assert one.pushed == other.pushed == 1


async def test_a_table_says_its_columns_once_wherever_it_goes(cluster) -> None:
    async with written(cluster, "table", resourceVersion=str(cluster.store.revision)) as sink:
        for number in range(4):
            sink.full = number % 2 == 0
            await cluster.config_map(f"a{number}")
            await sink.until(number + 1)
        tables = [orjson.loads(frame)["object"] for frame in sink.frames]
    assert [table["columnDefinitions"] is None for table in tables] == [False, True, True, True]
    assert [table["rows"][0]["cells"][0] for table in tables] == ["a0", "a1", "a2", "a3"]
