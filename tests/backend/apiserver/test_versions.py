"""One collection of objects served under two groups: each sees the same objects in its own form."""

import asyncio
import dataclasses
import json

import pytest

from backend.apiserver.handler import Handler
from backend.machinery.client import CONFIGMAPS, GVR, JSON_PATCH, MERGE_PATCH, Client
from backend.meta.errors import ApiError
from backend.meta.types import ADMIN, ApiRequest
from backend.resources.catalog import Catalog
from backend.resources.core.configmap import CONFIG_MAP

MAPS = GVR("other.example.com", "v2", "maps")


def shouted(obj):
    """The stored form has its values in capitals."""
    return {**obj, "data": {key: value.upper() for key, value in (obj.get("data") or {}).items()}}


def whispered(obj):
    return {**obj, "data": {key: value.lower() for key, value in (obj.get("data") or {}).items()}}


MAP = dataclasses.replace(
    CONFIG_MAP,
    group="other.example.com",
    version="v2",
    kind="Map",
    plural="maps",
    stored_as=CONFIG_MAP,
    from_stored=whispered,
    to_stored=shouted,
)


@pytest.fixture
def client(cluster):
    cluster.catalog = Catalog([*Catalog.builtin(), MAP])
    cluster.handler = Handler(cluster.store, cluster.catalog, cluster.handler._server.schemas)
    return Client(cluster.handler, ADMIN)


async def test_what_is_written_in_one_form_is_read_in_the_other(client, cluster):
    made = await client.create(MAPS, {"metadata": {"name": "a"}, "data": {"k": "Loud"}}, "default")
    assert (made["apiVersion"], made["kind"], made["data"]) == ("other.example.com/v2", "Map", {"k": "loud"})
    stored = await client.get(CONFIGMAPS, "a", "default")
    assert (stored["apiVersion"], stored["kind"], stored["data"]) == ("v1", "ConfigMap", {"k": "LOUD"})
    assert stored["metadata"] == made["metadata"]
    assert json.loads(cluster.store.get("core/configmaps/default/a").raw)["kind"] == "ConfigMap"


async def test_patches_updates_and_deletes_work_on_the_same_object(client):
    await client.create(CONFIGMAPS, {"metadata": {"name": "a"}, "data": {"k": "X"}}, "default")
    await client.patch(MAPS, "a", {"data": {"l": "y"}}, "default", content_type=MERGE_PATCH)
    test = [{"op": "test", "path": "/data/k", "value": "x"}, {"op": "remove", "path": "/data/k"}]
    patched = await client.patch(MAPS, "a", test, "default", content_type=JSON_PATCH)
    assert patched["data"] == {"l": "y"}
    assert (await client.get(CONFIGMAPS, "a", "default"))["data"] == {"l": "Y"}
    managers = {entry["apiVersion"] for entry in patched["metadata"]["managedFields"]}
    assert managers == {"v1", "other.example.com/v2"}
    with pytest.raises(ApiError, match="has been modified"):
        await client.update(MAPS, {**patched, "metadata": {**patched["metadata"], "resourceVersion": "1"}})
    await client.delete(MAPS, "a", "default")
    with pytest.raises(ApiError, match='configmaps "a" not found'):
        await client.get(CONFIGMAPS, "a", "default")


async def test_lists_tables_and_pages_are_in_the_form_that_was_asked_for(client, cluster):
    for name in "abc":
        await client.create(CONFIGMAPS, {"metadata": {"name": name}, "data": {"k": "X"}}, "default")
    page = await client.list(MAPS, "default", limit="2")
    assert (page["kind"], [item["data"] for item in page["items"]]) == ("MapList", [{"k": "x"}] * 2)
    await client.delete(CONFIGMAPS, "c", "default")
    rest = await client.list(MAPS, "default", limit="2", **{"continue": page["metadata"]["continue"]})
    assert [(item["kind"], item["metadata"]["name"]) for item in rest["items"]] == [("Map", "c")]
    same = await client.list(CONFIGMAPS, "default", limit="1", resourceVersion=page["metadata"]["resourceVersion"])
    assert same["items"][0]["kind"] == "ConfigMap"
    request = ApiRequest("list", MAPS.group, MAPS.version, MAPS.resource, "default")
    table = json.loads((await cluster.handler.answer(request, "table", "Object")).body)
    assert [row["cells"][:2] for row in table["rows"]] == [["a", 1], ["b", 1]]
    assert table["rows"][0]["object"]["kind"] == "Map"


async def test_a_watch_tells_of_every_writer_in_its_own_form(client):
    start = (await client.list(MAPS))["metadata"]["resourceVersion"]
    async with client.watch(MAPS, start) as events:
        made = await client.create(CONFIGMAPS, {"metadata": {"name": "a"}, "data": {"k": "X"}}, "default")
        event = await anext(events)
        assert (event.type, event.object["kind"], event.object["data"]) == ("ADDED", "Map", {"k": "x"})
        assert event.object["metadata"] == made["metadata"]
        await client.delete(MAPS, "a", "default")
        assert (await anext(events)).type == "DELETED"


async def test_a_watch_ends_when_its_kind_is_no_longer_served(cluster):
    catalog = Catalog.builtin()
    catalog.replace("maps", [MAP])
    client = Client(Handler(cluster.store, catalog, cluster.handler._server.schemas), ADMIN)
    start = (await client.list(MAPS))["metadata"]["resourceVersion"]
    async with client.watch(MAPS, start) as events:
        catalog.replace("maps", [])
        async with asyncio.timeout(5):
            assert [event async for event in events] == []
    with pytest.raises(ApiError, match="could not find the requested resource"):
        await client.list(MAPS)
