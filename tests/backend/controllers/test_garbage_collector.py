"""What belonged to something that is gone goes too, and nothing else does."""

import asyncio

import pytest

from backend.controllers.garbage_collector import GarbageCollector
from backend.machinery.client import CONFIGMAPS, SECRETS
from tests.support.control_plane import eventually, running


@pytest.fixture
async def collected(plane):
    collector = GarbageCollector(plane.client, catalog=plane.catalog)
    async with running(collector.run()):
        for informer in collector.informers:
            await informer.synced.wait()
        yield plane


def owned_by(*owners, kind="ConfigMap"):
    return [
        {
            "apiVersion": "v1",
            "kind": kind,
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
        }
        for owner in owners
    ]


async def make(plane, name, references=(), gvr=CONFIGMAPS):
    meta = {"name": name, "ownerReferences": list(references)} if references else {"name": name}
    return await plane.client.create(gvr, {"metadata": meta}, "default")


async def missing(plane, name, gvr=CONFIGMAPS):
    return await plane.find(gvr, name, "default") is None


async def test_a_dependent_goes_with_its_owner_and_so_does_what_depends_on_it(collected):
    owner = await make(collected, "owner")
    child = await make(collected, "child", owned_by(owner))
    await make(collected, "grandchild", owned_by(child), SECRETS)
    await make(collected, "stranger")
    await collected.client.delete(CONFIGMAPS, "owner", "default")
    await eventually(lambda: missing(collected, "grandchild", SECRETS))
    assert await missing(collected, "child")
    assert not await missing(collected, "stranger")


async def test_one_owner_is_enough_to_stay_and_dead_references_are_taken_out(collected):
    one, two = await make(collected, "one"), await make(collected, "two")
    await make(collected, "child", owned_by(one, two))
    await collected.client.delete(CONFIGMAPS, "one", "default")

    async def references():
        found = (await collected.client.get(CONFIGMAPS, "child", "default"))["metadata"]["ownerReferences"]
        return [reference["name"] for reference in found] == ["two"]

    await eventually(references)
    await collected.client.delete(CONFIGMAPS, "two", "default")
    await eventually(lambda: missing(collected, "child"))


async def test_an_owner_that_never_was_or_was_replaced_is_gone(collected):
    owner = await make(collected, "owner")
    other = {**owned_by(owner)[0], "uid": "00000000-0000-0000-0000-000000000000"}
    await make(collected, "child", [other])
    await eventually(lambda: missing(collected, "child"))


async def test_an_owner_of_an_unknown_kind_is_left_alone(collected):
    reference = {"apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": "u"}
    await make(collected, "child", [reference])
    owner = await make(collected, "owner")
    await make(collected, "sibling", owned_by(owner))
    await collected.client.delete(CONFIGMAPS, "owner", "default")
    await eventually(lambda: missing(collected, "sibling"))
    await asyncio.sleep(0.05)
    assert not await missing(collected, "child")


async def test_what_was_orphaned_while_nobody_watched_is_found_at_the_start(plane):
    owner = await make(plane, "owner")
    await make(plane, "child", owned_by(owner))
    await plane.client.delete(CONFIGMAPS, "owner", "default")
    collector = GarbageCollector(plane.client, catalog=plane.catalog)
    async with running(collector.run()):
        await eventually(lambda: missing(plane, "child"))
