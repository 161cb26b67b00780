"""What belonged to something that is gone goes too, and nothing else does."""

import asyncio

import pytest

from backend.controllers.garbage_collector import GarbageCollector
from backend.machinery.client import CONFIGMAPS, EVENTS, GVR, NAMESPACES, SECRETS
from tests.backend.apiserver.custom.conftest import DEFINITIONS, definition
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


def blocking(*owners):
    return [{**reference, "blockOwnerDeletion": True} for reference in owned_by(*owners)]


async def test_in_the_foreground_an_owner_goes_after_what_blocks_it(collected):
    owner = await make(collected, "owner")
    child = await make(collected, "child", blocking(owner))
    await make(collected, "grandchild", blocking(child), SECRETS)
    await collected.client.patch(SECRETS, "grandchild", {"metadata": {"finalizers": ["x.io/hold"]}}, "default")
    answer = await collected.client.delete(CONFIGMAPS, "owner", "default", {"propagationPolicy": "Foreground"})
    assert answer["metadata"]["finalizers"] == ["foregroundDeletion"]

    async def held():
        secret = await collected.find(SECRETS, "grandchild", "default")
        return bool(secret["metadata"].get("deletionTimestamp"))

    await eventually(held)
    assert not await missing(collected, "owner")
    assert not await missing(collected, "child")
    await collected.client.patch(SECRETS, "grandchild", {"metadata": {"finalizers": None}}, "default")
    await eventually(lambda: missing(collected, "owner"))
    assert await missing(collected, "child")


async def test_what_does_not_block_is_not_waited_for_but_goes_too(collected):
    owner = await make(collected, "owner")
    await make(collected, "child", owned_by(owner))
    await collected.client.delete(CONFIGMAPS, "owner", "default", {"propagationPolicy": "Foreground"})
    await eventually(lambda: missing(collected, "owner"))
    await eventually(lambda: missing(collected, "child"))


async def test_owners_that_wait_for_each_other_both_go(collected):
    one = await make(collected, "one")
    two = await make(collected, "two", blocking(one))
    patch = {"metadata": {"ownerReferences": blocking(two)}}
    await collected.client.patch(CONFIGMAPS, "one", patch, "default")
    await collected.client.delete(CONFIGMAPS, "one", "default", {"propagationPolicy": "Foreground"})
    await eventually(lambda: missing(collected, "one"))
    await eventually(lambda: missing(collected, "two"))


async def test_orphans_stay_without_their_owner(collected):
    one, two = await make(collected, "one"), await make(collected, "two")
    await make(collected, "child", owned_by(one, two))
    await make(collected, "only", owned_by(one))
    await collected.client.delete(CONFIGMAPS, "one", "default", {"propagationPolicy": "Orphan"})
    await eventually(lambda: missing(collected, "one"))
    child = await collected.client.get(CONFIGMAPS, "child", "default")
    assert [reference["name"] for reference in child["metadata"]["ownerReferences"]] == ["two"]
    only = await collected.client.get(CONFIGMAPS, "only", "default")
    assert "ownerReferences" not in only["metadata"]


async def test_a_policy_that_is_asked_for_later_replaces_the_first(collected):
    await collected.client.create(CONFIGMAPS, {"metadata": {"name": "a", "finalizers": ["x.io/hold"]}}, "default")
    for policy, expected in (("Orphan", ["x.io/hold"]), ("Background", ["x.io/hold"])):
        await collected.client.delete(CONFIGMAPS, "a", "default", {"propagationPolicy": policy})

        async def settled(expected=expected):
            found = await collected.client.get(CONFIGMAPS, "a", "default")
            return found["metadata"]["finalizers"] == expected

        await eventually(settled)


async def test_kinds_that_come_later_are_collected_too(plane):
    plane.handler.definitions.load()
    collector = GarbageCollector(plane.client, catalog=plane.catalog)
    widgets = GVR("example.com", "v1", "widgets")
    async with running(plane.handler.definitions.run(), collector.run()):
        await plane.client.create(DEFINITIONS, definition())
        owner = await plane.client.create(widgets, {"metadata": {"name": "w"}}, "default")
        reference = {**owned_by(owner)[0], "apiVersion": "example.com/v1", "kind": "Widget"}
        await make(plane, "child", [reference])
        await plane.client.delete(widgets, "w", "default")
        await eventually(lambda: missing(plane, "child"))
        await plane.client.delete(DEFINITIONS, "widgets.example.com")
        await eventually(lambda: unwatched(collector))


async def unwatched(collector):
    return not any("widgets" in controller.name for controller in collector.controllers)


async def test_an_owner_in_another_namespace_is_none_and_that_is_told(collected):
    await collected.client.create(NAMESPACES, {"metadata": {"name": "other"}})
    owner = await collected.client.create(CONFIGMAPS, {"metadata": {"name": "far"}}, "other")
    await make(collected, "child", owned_by(owner))
    await eventually(lambda: missing(collected, "child"))

    async def told():
        events = (await collected.client.list(EVENTS, "default"))["items"]
        return [
            event["involvedObject"]["name"] for event in events if event["reason"] == "OwnerRefInvalidNamespace"
        ]

    await eventually(told)
    assert await told() == ["child"]
