"""How many pods a disruption budget lets go."""

from __future__ import annotations

import time

import pytest

from backend.controllers.disruption import BUDGETS, DisruptionController
from backend.controllers.workloads.deployment.controller import DEPLOYMENTS
from backend.controllers.workloads.replicas import REPLICA_SETS
from backend.machinery.client import PODS
from backend.machinery.clock import FakeClock
from backend.machinery.informers import SharedInformers
from backend.meta import timefmt
from tests.support.control_plane import running
from tests.support.workshop import Workshop, condition


@pytest.fixture
async def shop(plane):
    made = Workshop(plane)
    made.clock = FakeClock(float(int(time.time())))
    informers = SharedInformers(plane.client, made.clock)
    budgets = DisruptionController(plane.client, informers=informers, pods=informers.of(PODS), clock=made.clock)
    async with (
        made.controllers(),
        running(*(informer.run() for informer in informers), budgets.controller.run(), budgets.recorder.run()),
    ):
        yield made


async def budget(shop, **spec):
    body = {"metadata": {"name": "b"}, "spec": {"selector": {"matchLabels": {"app": "w"}}, **spec}}
    return await shop.client.create(BUDGETS, body, "default")


@pytest.mark.parametrize(
    ("spec", "allowed", "desired"),
    [
        ({"minAvailable": 3}, 1, 3),
        ({"minAvailable": "50%"}, 1, 3),
        ({"maxUnavailable": 1}, 0, 4),
        ({"maxUnavailable": "30%"}, 1, 3),
        ({"minAvailable": 9}, 0, 9),
    ],
)
async def test_what_may_go_is_what_is_healthy_above_what_is_needed(shop, spec, allowed, desired):
    await shop.create(DEPLOYMENTS, replicas=5)
    for pod in (await shop.has(5))[:4]:
        await shop.ready(pod)
    await budget(shop, **spec)
    status = await shop.says(
        BUDGETS, "b", disruptionsAllowed=allowed, currentHealthy=4, desiredHealthy=desired, expectedPods=5,
        observedGeneration=1,
    )  # fmt: skip
    found = condition(status, "DisruptionAllowed")
    expected = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    assert (found["status"], found["reason"]) == expected


async def test_it_follows_pods_and_the_sizes_of_their_owners(shop):
    await shop.create(REPLICA_SETS, replicas=2)
    await budget(shop, maxUnavailable="50%")
    pods = await shop.has(2)
    await shop.says(BUDGETS, "b", expectedPods=2, currentHealthy=0, disruptionsAllowed=0)
    for pod in pods:
        await shop.ready(pod)
    await shop.says(BUDGETS, "b", expectedPods=2, currentHealthy=2, disruptionsAllowed=1)
    await shop.change(REPLICA_SETS, replicas=4)
    await shop.says(BUDGETS, "b", expectedPods=4, desiredHealthy=2, currentHealthy=2, disruptionsAllowed=0)


async def test_nothing_may_go_while_the_count_cannot_be_told(shop):
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "u", "controller": True}
    await shop.plane.pod("p", metadata={"labels": {"app": "w"}, "ownerReferences": [owner]})
    await budget(shop, maxUnavailable=1)
    status = await shop.says(BUDGETS, "b", disruptionsAllowed=0, observedGeneration=1)
    found = condition(status, "DisruptionAllowed")
    text = "daemonsets.apps does not implement the scale subresource"
    assert (found["status"], found["reason"], found["message"]) == ("False", "SyncFailed", text)
    assert await shop.messages("CalculateExpectedPodCountFailed", "b") == [
        f"Failed to calculate the number of expected pods: {text}"
    ]


async def test_an_eviction_counts_until_its_pod_goes_or_two_minutes_have_passed(shop):
    await shop.create(REPLICA_SETS, replicas=2)
    pods = await shop.has(2)
    for pod in pods:
        await shop.ready(pod)
    await budget(shop, minAvailable=1)
    await shop.says(BUDGETS, "b", disruptionsAllowed=1, currentHealthy=2)
    stored = await shop.get(BUDGETS, "b")
    noted = {pods[0]["metadata"]["name"]: timefmt.format_time(shop.clock.now())}
    status = {**stored["status"], "disruptedPods": noted, "disruptionsAllowed": 0}
    await shop.client.update(BUDGETS, {**stored, "status": status}, "status")
    await shop.says(BUDGETS, "b", disruptionsAllowed=0, currentHealthy=1, disruptedPods=noted)
    await shop.clock.advance(121)
    await shop.says(BUDGETS, "b", disruptionsAllowed=1, currentHealthy=2, disruptedPods=None)


async def test_no_pods_are_told(shop):
    await budget(shop, minAvailable=1)
    assert await shop.messages("NoPods", "b") == ["No matching pods found"]
    await shop.says(BUDGETS, "b", disruptionsAllowed=0, expectedPods=0)
