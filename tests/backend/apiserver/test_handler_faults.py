"""Whatever goes wrong: an ApiError, no traceback to anyone, no object in a log, nothing changed."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from backend.apiserver.handler import Handler
from backend.machinery.client import CONFIGMAPS, PODS, SECRETS, Client
from backend.meta.errors import ApiError
from backend.meta.types import ADMIN, ApiRequest
from backend.resources.catalog import Catalog
from backend.store.api import StoreUnavailable
from backend.store.sqlstore import Limits, SqlStore


async def test_a_full_disk_is_said_clearly(cluster, monkeypatch) -> None:
    async def full(*_args: object) -> None:
        raise StoreUnavailable("the store cannot write to /x/state.db: database or disk is full")

    monkeypatch.setattr(cluster.store, "create", full)
    with pytest.raises(ApiError) as caught:
        await cluster.config_map("a")
    assert caught.value.code == 503
    assert caught.value.message == "the store cannot write to /x/state.db: database or disk is full"
    await cluster.refused(404, "get", "configmaps", "a")


async def test_a_bug_is_answered_and_logged_without_contents(cluster, monkeypatch, caplog) -> None:
    async def bug(_key: str, obj: dict[str, object]) -> None:
        raise RuntimeError(f"cannot store {obj}")

    monkeypatch.setattr(cluster.store, "create", bug)
    secret = {"metadata": {"name": "s"}, "stringData": {"password": "hunter2"}}
    with caplog.at_level(logging.DEBUG), pytest.raises(ApiError) as caught:
        await cluster.client.create(SECRETS, secret, "default")
    assert (caught.value.code, caught.value.reason) == (500, "InternalError")
    assert "unexpected RuntimeError" in caught.value.message
    assert "create secrets" in caplog.text
    assert "creating.py" in caplog.text
    for text in (caplog.text, caught.value.message, str(caught.value.__cause__)):
        assert "hunter2" not in text
        assert "aHVudGVyMg==" not in text


@pytest.fixture
async def small(tmp_path: Path, cluster) -> AsyncIterator[SqlStore]:
    """A store that remembers next to nothing."""
    limits = Limits(keep_revisions=4, memory_events=4)
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'small.db'}", limits=limits)
    yield store
    await store.close()


async def churn(client: Client, count: int) -> None:
    for number in range(count):
        await client.patch(CONFIGMAPS, "a", {"data": {"k": str(number)}}, "default")


@pytest.fixture
async def forgetful(small: SqlStore, cluster) -> Client:
    from backend.apiserver.bootstrap import create_system_namespaces

    handler = Handler(small, Catalog.builtin(), cluster.handler._server.schemas)
    client = Client(handler, ADMIN)
    await create_system_namespaces(client)
    await client.create(CONFIGMAPS, {"metadata": {"name": "a"}}, "default")
    return client


async def compacted(small: SqlStore, client: Client) -> str:
    """Change things until the oldest revision is gone."""
    import asyncio

    async with asyncio.timeout(10):
        for _ in range(100):
            await churn(client, 20)
            try:
                small.watch("core/", 5).close()
            except Exception as error:
                return str(error)
    raise AssertionError("nothing was compacted")


async def test_a_watch_from_a_compacted_revision_is_gone(small: SqlStore, forgetful: Client) -> None:
    await compacted(small, forgetful)
    with pytest.raises(ApiError) as caught:
        async with forgetful.watch(CONFIGMAPS, "5"):
            pass
    assert (caught.value.code, caught.value.reason) == (410, "Expired")
    assert caught.value.message.startswith("too old resource version: 5 (")
    request = ApiRequest("watch", "", "v1", "configmaps", query={"resourceVersion": "5"})
    async with forgetful._transport.stream(request) as frames:
        (frame,) = [orjson.loads(frame) async for frame in frames]
    assert frame["type"] == "ERROR"
    assert (frame["object"]["kind"], frame["object"]["code"]) == ("Status", 410)


async def test_a_list_at_a_compacted_revision_is_gone(small: SqlStore, forgetful: Client) -> None:
    await forgetful.create(CONFIGMAPS, {"metadata": {"name": "b"}}, "default")
    first = await forgetful.list(CONFIGMAPS, "default", limit="1")
    await compacted(small, forgetful)
    with pytest.raises(ApiError) as caught:
        await forgetful.list(CONFIGMAPS, "default", resourceVersion="5", resourceVersionMatch="Exact")
    assert caught.value.code == 410
    assert caught.value.message == "The resourceVersion for the provided list is too old."
    # The snapshot of a list that is being paged through is still there.
    token = first["metadata"]["continue"]
    second = await forgetful.list(CONFIGMAPS, "default", **{"continue": token})
    assert [item["metadata"]["name"] for item in second["items"]] == ["b"]
    forgetful._transport._server.snapshots._kept.clear()
    with pytest.raises(ApiError) as caught:
        await forgetful.list(CONFIGMAPS, "default", **{"continue": token})
    assert (caught.value.code, caught.value.reason) == (410, "Expired")
    assert caught.value.message.startswith("The provided continue parameter is too old")
    again = caught.value.status["metadata"]["continue"]
    rest = await forgetful.list(CONFIGMAPS, "default", **{"continue": again})
    assert [item["metadata"]["name"] for item in rest["items"]] == ["b"]


async def test_a_reader_that_lags_is_told_so(forgetful: Client, small: SqlStore) -> None:
    async with forgetful.watch(CONFIGMAPS, str(small.revision)) as events:
        await churn(forgetful, 30)
        with pytest.raises(ApiError) as caught:
            async for _ in events:
                pass
    assert caught.value.code == 410
    request = ApiRequest("watch", "", "v1", "configmaps", query={"resourceVersion": str(small.revision)})
    async with forgetful._transport.stream(request) as frames:
        await churn(forgetful, 30)
        last = [orjson.loads(frame) async for frame in frames][-1]
    assert (last["type"], last["object"]["code"]) == ("ERROR", 410)


async def test_a_watcher_that_goes_away_leaves_nothing_behind(cluster) -> None:
    async with cluster.client.watch(CONFIGMAPS, "0") as events:
        await cluster.config_map("a")
        await anext(events)
    assert not [prefix for prefix in cluster.store._broadcaster._watches if "configmaps" in prefix]


async def test_an_eviction_deletes_the_pod(cluster) -> None:
    await cluster.pod()
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    dry = {**body, "deleteOptions": {"dryRun": ["All"]}}
    assert (await cluster.send("create", "pods", "p", dry, subresource="eviction")).code == 201
    await cluster.client.get(PODS, "p", "default")
    await cluster.send("create", "pods", "p", body, subresource="eviction")
    await cluster.refused(404, "get", "pods", "p")


async def test_an_eviction_of_another_name_is_refused(cluster) -> None:
    await cluster.pod()
    body = {"metadata": {"name": "q"}}
    text = await cluster.refused(400, "create", "pods", "p", body, subresource="eviction")
    assert text == "name in URL does not match name in Eviction object"


async def test_ephemeral_containers_are_only_added(cluster) -> None:
    await cluster.pod()
    added = [{"name": "debug", "image": "busybox"}]
    patch = {"spec": {"ephemeralContainers": added, "activeDeadlineSeconds": 5}}
    pod = await cluster.client.patch(PODS, "p", patch, "default", "ephemeralcontainers")
    assert [container["name"] for container in pod["spec"]["ephemeralContainers"]] == ["debug"]
    assert "activeDeadlineSeconds" not in pod["spec"]
    for left, why in (([], "removed"), ([{"name": "debug", "image": "other"}], "changed")):
        text = await cluster.refused(
            422, "patch", "pods", "p", {"spec": {"ephemeralContainers": left}},
            subresource="ephemeralcontainers", content_type="application/merge-patch+json",
        )  # fmt: skip
        assert f'existing ephemeral containers "debug" may not be {why}' in text
