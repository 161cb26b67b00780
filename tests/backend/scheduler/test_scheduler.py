"""The scheduler against a real API server."""

import asyncio
import statistics
import time

import pytest

from backend.machinery.client import EVENTS, NODES, PODS
from backend.scheduler.scheduler import Scheduler
from tests.support.control_plane import eventually, running


@pytest.fixture
async def scheduled(plane):
    async with running(Scheduler(plane.client).run()):
        yield plane


async def node_of(plane, name):
    return (await plane.client.get(PODS, name, "default"))["spec"].get("nodeName")


async def condition(plane, name):
    status = (await plane.client.get(PODS, name, "default"))["status"]
    return next((c for c in status.get("conditions") or () if c["type"] == "PodScheduled"), None)


async def events(plane, reason):
    listed = await plane.client.list(EVENTS, "default")
    return [event for event in listed["items"] if event["reason"] == reason]


async def test_a_pod_gets_a_node_and_an_event_says_so(scheduled):
    await scheduled.node("n1")
    await scheduled.pod("web")
    assert await eventually(lambda: node_of(scheduled, "web")) == "n1"
    assert (await condition(scheduled, "web"))["status"] == "True"
    (event,) = await eventually(lambda: events(scheduled, "Scheduled"))
    assert event["message"] == "Successfully assigned default/web to n1"
    assert (event["type"], event["source"]) == ("Normal", {"component": "default-scheduler"})


async def test_a_pod_waits_with_the_reason_and_starts_when_a_node_comes(scheduled):
    await scheduled.pod("web")
    waiting = await eventually(lambda: condition(scheduled, "web"))
    assert (waiting["status"], waiting["reason"]) == ("False", "Unschedulable")
    assert waiting["message"] == "no nodes available to schedule pods"
    (event,) = await eventually(lambda: events(scheduled, "FailedScheduling"))
    assert (event["type"], event["message"]) == ("Warning", waiting["message"])
    await scheduled.node("n1")
    assert await eventually(lambda: node_of(scheduled, "web")) == "n1"
    assert (await condition(scheduled, "web"))["status"] == "True"


async def test_a_pod_starts_when_another_one_makes_room(scheduled):
    big = [{"name": "c", "image": "x", "resources": {"requests": {"cpu": "3"}}}]
    await scheduled.node("n1")
    await scheduled.pod("first", containers=big)
    await eventually(lambda: node_of(scheduled, "first"))
    await scheduled.pod("second", containers=big)
    waiting = await eventually(lambda: condition(scheduled, "second"))
    assert waiting["message"].startswith("0/1 nodes are available: 1 Insufficient cpu. ")
    await scheduled.client.patch(PODS, "first", {"status": {"phase": "Succeeded"}}, "default", "status")
    assert await eventually(lambda: node_of(scheduled, "second")) == "n1"


async def test_a_pod_starts_when_a_node_is_uncordoned(scheduled):
    await scheduled.node("n1", spec={"unschedulable": True})
    await scheduled.pod("web")
    await eventually(lambda: condition(scheduled, "web"))
    await scheduled.client.patch(NODES, "n1", {"spec": {"unschedulable": None}})
    assert await eventually(lambda: node_of(scheduled, "web")) == "n1"


async def test_a_gated_pod_and_one_of_another_scheduler_are_left_alone(scheduled):
    await scheduled.node("n1")
    await scheduled.pod("gated", schedulingGates=[{"name": "example.com/wait"}])
    await scheduled.pod("other", schedulerName="mine")
    await scheduled.pod("ours")
    await eventually(lambda: node_of(scheduled, "ours"))
    assert await node_of(scheduled, "gated") is None
    assert await node_of(scheduled, "other") is None
    await scheduled.client.patch(PODS, "gated", {"spec": {"schedulingGates": None}}, "default")
    assert await eventually(lambda: node_of(scheduled, "gated")) == "n1"


async def test_a_node_is_never_given_more_than_it_has(scheduled):
    await scheduled.node("n1", pods="3")
    await scheduled.node("n2", pods="2")
    await asyncio.gather(*(scheduled.pod(f"p{number}") for number in range(8)))

    async def settled():
        nodes = [await node_of(scheduled, f"p{number}") for number in range(8)]
        waiting = [await condition(scheduled, f"p{number}") for number, node in enumerate(nodes) if not node]
        return nodes if len(waiting) == 3 and all(waiting) else None

    nodes = await eventually(settled)
    assert (nodes.count("n1"), nodes.count("n2")) == (3, 2)


async def test_what_waited_before_the_start_is_scheduled(plane):
    await plane.node("n1")
    await plane.pod("web")
    async with running(Scheduler(plane.client).run()):
        assert await eventually(lambda: node_of(plane, "web")) == "n1"


async def test_a_pod_is_bound_within_milliseconds(scheduled):
    await scheduled.node("n1")
    await scheduled.pod("warm")
    await eventually(lambda: node_of(scheduled, "warm"))
    took = []
    for number in range(20):
        name = f"p{number}"
        created = await scheduled.pod(name)
        version = created["metadata"]["resourceVersion"]
        start = time.perf_counter()
        async with scheduled.client.watch(
            PODS, version, "default", fieldSelector=f"metadata.name={name}"
        ) as watch:
            async for event in watch:
                if event.object["spec"].get("nodeName"):
                    break
        took.append(time.perf_counter() - start)
    assert statistics.median(took) < 0.1, took
