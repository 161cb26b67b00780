"""watch: what comes first, what follows, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from backend.apiserver import watching
from backend.machinery.client import CONFIGMAPS
from backend.meta.errors import ApiError
from backend.meta.types import ApiRequest

Frame = dict[str, Any]


class Frames:
    """The frames of a stream as they come."""

    def __init__(self, frames: AsyncIterator[bytes]) -> None:
        self._frames = frames

    async def next(self) -> Frame:
        async with asyncio.timeout(5):
            frame = await anext(self._frames)
        assert frame.endswith(b"\n")
        decoded: Frame = orjson.loads(frame)
        return decoded

    async def take(self, count: int) -> list[tuple[str, str]]:
        """(type, name) of the next frames."""
        found = [await self.next() for _ in range(count)]
        return [(frame["type"], frame["object"]["metadata"]["name"]) for frame in found]

    async def silent(self) -> bool:
        try:
            async with asyncio.timeout(0.05):
                await anext(self._frames)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def watch(
    cluster, resource: str = "configmaps", namespace: str = "default", form="object", **query: str
) -> AsyncIterator[Frames]:
    request = ApiRequest("watch", "", "v1", resource, namespace, query=query)
    async with cluster.handler.stream(request, form) as frames:
        yield Frames(frames)


def now(cluster) -> dict[str, str]:
    return {"resourceVersion": str(cluster.store.revision)}


async def test_a_watch_without_a_revision_starts_with_the_present(cluster) -> None:
    for name in ("a", "b"):
        await cluster.config_map(name)
    for query in ({}, {"resourceVersion": "0"}):
        async with watch(cluster, **query) as frames:
            assert await frames.take(2) == [("ADDED", "a"), ("ADDED", "b")]
            assert await frames.silent()


async def test_changes_come_in_order_with_their_objects(cluster) -> None:
    async with watch(cluster, **now(cluster)) as frames:
        await cluster.config_map("a", k="1")
        await cluster.client.patch(CONFIGMAPS, "a", {"data": {"k": "2"}}, "default")
        await cluster.client.delete(CONFIGMAPS, "a", "default")
        added, modified, deleted = [await frames.next() for _ in range(3)]
    assert [frame["type"] for frame in (added, modified, deleted)] == ["ADDED", "MODIFIED", "DELETED"]
    assert added["object"]["data"] == {"k": "1"}
    assert modified["object"]["data"] == deleted["object"]["data"] == {"k": "2"}
    assert added["object"]["kind"] == "ConfigMap"
    versions = [int(frame["object"]["metadata"]["resourceVersion"]) for frame in (added, modified, deleted)]
    assert versions == sorted(set(versions))


async def test_a_watch_goes_on_from_a_past_revision(cluster) -> None:
    start = now(cluster)
    for name in ("a", "b", "c"):
        await cluster.config_map(name)
    async with watch(cluster, **start) as frames:
        assert await frames.take(3) == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]


async def test_only_the_namespace_that_was_asked_for(cluster) -> None:
    async with watch(cluster, **now(cluster)) as one, watch(cluster, namespace="", **now(cluster)) as every:
        await cluster.client.create(CONFIGMAPS, {"metadata": {"name": "x"}}, "kube-public")
        await cluster.config_map("a")
        assert await one.take(1) == [("ADDED", "a")]
        assert await every.take(2) == [("ADDED", "x"), ("ADDED", "a")]


async def test_an_object_that_starts_or_stops_to_match_is_added_or_deleted(cluster) -> None:
    async def label(value: str) -> dict[str, Any]:
        return await cluster.client.patch(CONFIGMAPS, "a", {"metadata": {"labels": {"l": value}}}, "default")

    await cluster.config_map("a")
    async with watch(cluster, labelSelector="l=1", **now(cluster)) as frames:
        await label("0")
        await label("1")
        await cluster.client.patch(CONFIGMAPS, "a", {"data": {"k": "1"}}, "default")
        left = await label("2")
        await label("3")
        await label("1")
        await cluster.client.delete(CONFIGMAPS, "a", "default")
        assert await frames.take(2) == [("ADDED", "a"), ("MODIFIED", "a")]
        gone = await frames.next()
        assert gone["type"] == "DELETED"
        assert gone["object"]["metadata"]["labels"] == {"l": "1"}
        assert gone["object"]["metadata"]["resourceVersion"] == left["metadata"]["resourceVersion"]
        assert await frames.take(2) == [("ADDED", "a"), ("DELETED", "a")]


async def test_a_field_selector_watches_one_object(cluster) -> None:
    async with watch(cluster, fieldSelector="metadata.name=a", **now(cluster)) as frames:
        for name in ("b", "aa", "a"):
            await cluster.config_map(name)
        assert await frames.take(1) == [("ADDED", "a")]
        assert await frames.silent()


async def test_initial_events_end_with_a_bookmark_that_says_so(cluster) -> None:
    await cluster.config_map("a")
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    async with watch(cluster, **query) as frames:
        assert await frames.take(1) == [("ADDED", "a")]
        end = await frames.next()
        assert end["type"] == "BOOKMARK"
        assert end["object"]["kind"] == "ConfigMap"
        assert end["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert end["object"]["metadata"]["resourceVersion"] == str(cluster.store.revision)
        await cluster.config_map("b")
        assert await frames.take(1) == [("ADDED", "b")]


async def test_no_initial_events_if_they_are_not_wanted(cluster) -> None:
    await cluster.config_map("a")
    query = {"sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan"}
    async with watch(cluster, **query) as frames:
        assert await frames.silent()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (
            {"sendInitialEvents": "true"},
            "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (
            {"resourceVersionMatch": "NotOlderThan"},
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch "
            "unless sendInitialEvents is provided",
        ),
    ],
)
async def test_watch_options_that_make_no_sense_are_refused(cluster, query: dict[str, str], text: str) -> None:
    with pytest.raises(ApiError) as caught:
        async with watch(cluster, **query):
            pass
    assert caught.value.code == 422
    assert caught.value.message == f'ListOptions.meta.k8s.io "" is invalid: {text}'


async def test_bookmarks_tell_how_far_a_quiet_watch_has_come(cluster, monkeypatch) -> None:
    monkeypatch.setattr(watching, "BOOKMARK_SECONDS", 0.02)
    async with watch(cluster, "secrets", allowWatchBookmarks="true", **now(cluster)) as frames:
        await cluster.config_map("a")
        while (frame := await frames.next())["object"]["metadata"]["resourceVersion"] != str(
            cluster.store.revision
        ):
            assert frame["type"] == "BOOKMARK"
    async with watch(cluster, "secrets", **now(cluster)) as frames:
        assert await frames.silent()


async def test_a_watch_ends_at_its_timeout_after_a_last_bookmark(cluster) -> None:
    async with watch(cluster, timeoutSeconds="1", allowWatchBookmarks="true", **now(cluster)) as frames:
        await cluster.config_map("a")
        assert await frames.take(1) == [("ADDED", "a")]
        last = await frames.next()
        assert last["type"] == "BOOKMARK"
        assert last["object"]["metadata"]["resourceVersion"] == str(cluster.store.revision)
        with pytest.raises(StopAsyncIteration):
            await frames.next()


async def test_a_revision_from_the_future_is_an_error(cluster) -> None:
    async with watch(cluster, resourceVersion=str(cluster.store.revision + 9)) as frames:
        frame = await frames.next()
        assert (frame["type"], frame["object"]["code"]) == ("ERROR", 504)
    with pytest.raises(ApiError, match="Too large resource version"):
        async with cluster.client.watch(CONFIGMAPS, str(cluster.store.revision + 9)):
            pass


async def test_a_watch_ends_when_the_store_closes(cluster) -> None:
    async with watch(cluster, **now(cluster)) as frames:
        await cluster.store.close()
        with pytest.raises(StopAsyncIteration):
            await frames.next()


async def test_in_process_watchers_get_shared_objects(cluster) -> None:
    async with cluster.client.watch(CONFIGMAPS, str(cluster.store.revision)) as events:
        await cluster.config_map("a")
        event = await anext(events)
        assert event.type == "ADDED"
        assert event.object is await cluster.client.get(CONFIGMAPS, "a", "default")


async def test_a_watch_of_tables_says_its_columns_once(cluster) -> None:
    async with watch(cluster, form="table", **now(cluster)) as frames:
        await cluster.config_map("a", k="1")
        await cluster.client.delete(CONFIGMAPS, "a", "default")
        added, deleted = [await frames.next() for _ in range(2)]
    assert (added["type"], deleted["type"]) == ("ADDED", "DELETED")
    assert [column["name"] for column in added["object"]["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert deleted["object"]["columnDefinitions"] is None
    (row,) = added["object"]["rows"]
    assert row["cells"] == ["a", 1, "0s"]
    assert row["object"]["kind"] == "PartialObjectMetadata"


async def test_a_watch_of_partial_objects(cluster) -> None:
    async with watch(cluster, form="partial", **now(cluster)) as frames:
        await cluster.config_map("a", k="1")
        frame = await frames.next()
    assert frame["object"]["kind"] == "PartialObjectMetadata"
    assert "data" not in frame["object"]


async def test_a_path_that_names_an_object_watches_it(cluster) -> None:
    await cluster.config_map("a")
    await cluster.config_map("b")
    request = ApiRequest("watch", "", "v1", "configmaps", "default", "b")
    async with cluster.handler.stream(request) as stream:
        frames = Frames(stream)
        assert await frames.take(1) == [("ADDED", "b")]
        assert await frames.silent()


async def test_bad_selectors_are_refused_before_a_watch_starts(cluster) -> None:
    with pytest.raises(ApiError) as caught:
        async with watch(cluster, fieldSelector="spec.foo=1"):
            pass
    assert caught.value.code == 400
