"""DaemonSets: one pod for each node that should have one, replaced a few at a time."""

from __future__ import annotations

import pytest

from backend.controllers.workloads.daemonset import placement
from backend.controllers.workloads.daemonset.controller import DAEMON_SETS
from backend.machinery.client import NODES, PODS
from tests.support.workshop import image

HASH = "controller-revision-hash"


def places(pods):
    return sorted(placement.node_of(pod) for pod in pods)


@pytest.fixture
async def nodes(shop):
    for name, labels in (("a", {"disk": "ssd"}), ("b", {}), ("c", {"disk": "ssd"})):
        await shop.plane.node(name, labels=labels)
    return shop


async def everywhere(shop, count, **more):
    return await shop.says(
        DAEMON_SETS, desiredNumberScheduled=count, currentNumberScheduled=count, numberReady=count,
        numberAvailable=count, updatedNumberScheduled=count, **more,
    )  # fmt: skip


async def test_each_node_gets_a_pod_that_goes_nowhere_else(nodes):
    shop = nodes
    await shop.create(DAEMON_SETS)
    pods = await shop.has(3)
    assert places(pods) == ["a", "b", "c"]
    assert len({pod["metadata"]["labels"][HASH] for pod in pods}) == 1
    tolerated = {(entry["key"], entry["effect"]) for entry in pods[0]["spec"]["tolerations"]}
    assert ("node.kubernetes.io/not-ready", "NoExecute") in tolerated
    assert ("node.kubernetes.io/unschedulable", "NoSchedule") in tolerated
    async with shop.node():
        status = await everywhere(shop, 3, numberMisscheduled=0, observedGeneration=1)
    assert "numberUnavailable" not in status


async def test_a_node_that_comes_gets_one_and_one_with_a_taint_does_not(nodes):
    shop = nodes
    taint = {"key": "k", "effect": "NoSchedule"}
    await shop.plane.node("tainted", spec={"taints": [taint]})
    await shop.create(DAEMON_SETS)
    await shop.has(3)
    await shop.plane.node("d")
    assert places(await shop.has(4)) == ["a", "b", "c", "d"]
    await shop.client.patch(NODES, "tainted", {"spec": {"taints": []}})
    assert places(await shop.has(5)) == ["a", "b", "c", "d", "tainted"]


async def test_a_taint_that_does_not_execute_leaves_what_runs(nodes):
    shop = nodes
    await shop.create(DAEMON_SETS)
    await shop.has(3)
    await shop.client.patch(NODES, "a", {"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}})
    await shop.says(DAEMON_SETS, desiredNumberScheduled=2, numberMisscheduled=1)
    await shop.settle()
    assert places(await shop.pods(active=True)) == ["a", "b", "c"]
    await shop.client.patch(NODES, "a", {"spec": {"taints": [{"key": "k", "effect": "NoExecute"}]}})
    assert places(await shop.has(2)) == ["b", "c"]


async def test_the_node_selector_chooses_and_labels_that_change_count(nodes):
    shop = nodes
    await shop.create(DAEMON_SETS, pod={"nodeSelector": {"disk": "ssd"}})
    assert places(await shop.has(2)) == ["a", "c"]
    await shop.client.patch(NODES, "b", {"metadata": {"labels": {"disk": "ssd"}}})
    assert places(await shop.has(3)) == ["a", "b", "c"]
    await shop.client.patch(NODES, "a", {"metadata": {"labels": {"disk": None}}})
    assert places(await shop.has(2)) == ["b", "c"]


async def test_pods_that_fail_again_are_replaced_after_a_while_that_grows(nodes):
    shop = nodes
    await shop.create(DAEMON_SETS)

    async def fails():
        (pod,) = [pod for pod in await shop.has(3) if placement.node_of(pod) == "a"]
        await shop.report(pod, {"phase": "Failed"})
        await shop.settle()
        return pod["metadata"]["uid"] not in {found["metadata"]["uid"] for found in await shop.pods()}

    assert await fails()
    assert not await fails()
    await shop.clock.advance(1.1)
    await shop.has(3)
    found = await shop.messages("FailedDaemonPod")
    assert found[0].startswith("Found failed daemon pod default/w-")
    assert found[0].endswith(" on node a, will try to kill it")


async def test_an_update_replaces_one_at_a_time(nodes):
    shop = nodes
    await shop.create(DAEMON_SETS)
    async with shop.node():
        await everywhere(shop, 3)
        shop.starts = lambda pod: image(pod) == "web:1"
        await shop.set_image(DAEMON_SETS, "web:2")
        await shop.says(DAEMON_SETS, updatedNumberScheduled=1, numberAvailable=2, numberUnavailable=1)
        await shop.settle()
        assert sorted(image(pod) for pod in await shop.pods()) == ["web:1", "web:1", "web:2"]
        shop.starts = lambda _pod: True
        await everywhere(shop, 3, observedGeneration=2)
    assert {image(pod) for pod in await shop.pods()} == {"web:2"}


async def test_a_surge_makes_the_new_pod_before_the_old_one_goes(nodes):
    shop = nodes
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    await shop.create(DAEMON_SETS, updateStrategy=strategy)
    async with shop.node():
        await everywhere(shop, 3)
        shop.starts = lambda pod: image(pod) == "web:1"
        await shop.set_image(DAEMON_SETS, "web:2")
        await shop.has(4)
        await shop.settle()
        assert sorted(image(pod) for pod in await shop.pods()) == ["web:1", "web:1", "web:1", "web:2"]
        shop.starts = lambda _pod: True
        await everywhere(shop, 3, observedGeneration=2)
    assert places(await shop.has(3)) == ["a", "b", "c"]
    assert {image(pod) for pod in await shop.pods()} == {"web:2"}


async def test_a_surge_drops_an_old_pod_that_is_not_ready_without_waiting(nodes):
    shop = nodes
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    await shop.create(DAEMON_SETS, updateStrategy=strategy)
    async with shop.node():
        await everywhere(shop, 3)
    (ill,) = [pod for pod in await shop.pods() if placement.node_of(pod) == "a"]
    await shop.ready(ill, ready=False)
    await shop.set_image(DAEMON_SETS, "web:2")

    async def dropped():
        return ill["metadata"]["uid"] not in {pod["metadata"]["uid"] for pod in await shop.pods()}

    await shop.until(dropped)


async def test_on_delete_leaves_it_to_people(nodes):
    shop = nodes
    await shop.create(DAEMON_SETS, updateStrategy={"type": "OnDelete"})
    async with shop.node():
        await everywhere(shop, 3)
        await shop.set_image(DAEMON_SETS, "web:2")
        await shop.says(DAEMON_SETS, observedGeneration=2, updatedNumberScheduled=None)
        await shop.finish((await shop.pods())[0])
        await shop.says(DAEMON_SETS, updatedNumberScheduled=1, numberReady=3)


async def test_what_ran_on_a_node_that_is_gone_is_left_to_the_pod_garbage_collector(nodes):
    shop = nodes
    await shop.create(DAEMON_SETS)
    for pod in await shop.has(3):
        if placement.node_of(pod) == "a":
            await shop.bind(pod, "a")
    await shop.client.delete(NODES, "a")
    await shop.client.delete(NODES, "b")
    pods = await shop.has(2)
    assert places(pods) == ["a", "c"]
    await shop.settle()
    assert places(await shop.pods(active=True)) == ["a", "c"]
    assert all(not pod["metadata"].get("deletionTimestamp") for pod in (await shop.client.list(PODS))["items"])
