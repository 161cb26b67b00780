"""A namespace that is deleted takes everything in it along, pods first."""

import pytest

from backend.controllers.manager import ControllerManager
from backend.controllers.namespace import Remains, describe, merged
from backend.machinery.client import CONFIGMAPS, GVR, NAMESPACES, PODS, SECRETS
from tests.support.control_plane import eventually, running


@pytest.fixture
async def managed(plane):
    manager = ControllerManager(
        plane.client, acting_as=plane.acting_as, catalog=plane.catalog, ca_bundle="x", signers=plane.signers
    )
    async with running(manager.run()):
        await plane.client.create(NAMESPACES, {"metadata": {"name": "team"}})
        yield plane


async def gone(plane, name="team"):
    return await plane.find(NAMESPACES, name) is None


def conditions(namespace):
    return {
        condition["type"]: (condition["status"], condition["message"])
        for condition in namespace["status"].get("conditions") or ()
    }


async def test_an_empty_namespace_goes(managed):
    await managed.client.delete(NAMESPACES, "team")
    await eventually(lambda: gone(managed))


async def test_what_is_in_it_goes_and_what_is_elsewhere_stays(managed):
    for namespace in ("team", "default"):
        await managed.client.create(SECRETS, {"metadata": {"name": "s"}}, namespace)
    await managed.pod("p", namespace="team")
    await managed.client.delete(NAMESPACES, "team")
    await eventually(lambda: gone(managed))
    for gvr in (SECRETS, CONFIGMAPS, PODS):
        assert (await managed.client.list(gvr, "team"))["items"] == []
    assert await managed.find(SECRETS, "s", "default")


async def test_it_waits_for_pods_that_end_gracefully_and_keeps_what_they_use(managed):
    await managed.client.create(SECRETS, {"metadata": {"name": "s"}}, "team")
    await managed.pod("p", namespace="team", nodeName="n")
    await managed.client.delete(NAMESPACES, "team")

    async def reported():
        return conditions(await managed.client.get(NAMESPACES, "team"))

    found = await eventually(reported)
    assert found["NamespaceContentRemaining"] == (
        "True", "Some resources are remaining: pods. has 1 resource instances",
    )  # fmt: skip
    assert found["NamespaceFinalizersRemaining"][0] == "False"
    assert await managed.find(SECRETS, "s", "team")
    await managed.client.delete(PODS, "p", "team", {"gracePeriodSeconds": 0})
    await eventually(lambda: gone(managed), 3)


async def test_it_waits_for_finalizers_and_names_them(managed):
    held = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    await managed.client.create(CONFIGMAPS, held, "team")
    await managed.client.delete(NAMESPACES, "team")

    async def reported():
        return conditions(await managed.client.get(NAMESPACES, "team"))

    found = await eventually(reported)
    assert found["NamespaceFinalizersRemaining"] == (
        "True", "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
    )  # fmt: skip
    await managed.client.patch(CONFIGMAPS, "held", {"metadata": {"finalizers": None}}, "team")
    await eventually(lambda: gone(managed), 3)


def test_a_condition_keeps_the_time_of_its_last_change():
    remains = Remains()
    remains.add(GVR("", "v1", "pods"), [{"metadata": {}}])
    first = merged((), describe(remains), "t1")
    second = merged(first, describe(Remains()), "t2")
    times = {condition["type"]: condition["lastTransitionTime"] for condition in second}
    assert times.pop("NamespaceContentRemaining") == "t2"
    assert set(times.values()) == {"t1"}


def test_conditions_of_others_stay():
    other = {"type": "Mine", "status": "True", "lastTransitionTime": "t0"}
    assert merged([other], describe(Remains()), "t1")[0] == other


def test_a_failure_is_in_the_conditions():
    found = {condition["type"]: condition for condition in describe(Remains(failures=["no"]))}
    assert found["NamespaceDeletionContentFailure"]["message"] == (
        "Failed to delete all resource types, 1 remaining: no"
    )
