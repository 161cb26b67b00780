"""Pods of nodes that are gone, and too many that have ended."""

import asyncio

import pytest

from backend.controllers import pod_gc
from backend.machinery.client import NODES, PODS
from backend.machinery.clock import FakeClock
from backend.machinery.informer import Informer
from tests.support.control_plane import eventually, running


class Collector:
    def __init__(self, plane, threshold):
        self.clock = FakeClock()
        self.pods = pod_gc.indexed(Informer(plane.client, PODS))
        self.nodes = Informer(plane.client, NODES)
        self.made = pod_gc.PodGarbageCollector(
            plane.client, pods=self.pods, nodes=self.nodes, threshold=threshold, clock=self.clock
        )

    def running(self):
        return running(self.pods.run(), self.nodes.run(), self.made.controller.run())

    async def sees(self, name, present=True):
        async def seen():
            return (self.pods.get("default", name) is not None) == present

        await eventually(seen)


@pytest.fixture
async def collector(plane):
    made = Collector(plane, threshold=2)
    async with made.running():
        yield made


async def pods(plane):
    return {pod["metadata"]["name"] for pod in (await plane.client.list(PODS, "default"))["items"]}


async def test_pods_of_a_node_that_is_gone_are_removed_after_a_while(plane, collector):
    await plane.node("n")
    await plane.pod("bound", nodeName="n")
    await plane.pod("free")
    await collector.sees("bound")
    await plane.client.delete(NODES, "n")
    await collector.clock.advance(pod_gc.QUARANTINE_SECONDS - 1)
    assert await pods(plane) == {"bound", "free"}

    async def removed():
        await collector.clock.advance(1)
        return await pods(plane) == {"free"}

    await eventually(removed)


async def test_a_node_that_comes_back_keeps_its_pods(plane, collector):
    await plane.pod("bound", nodeName="n")
    await collector.sees("bound")
    await plane.node("n")

    async def node_seen():
        return collector.nodes.get("", "n")

    await eventually(node_seen)
    await collector.clock.advance(pod_gc.QUARANTINE_SECONDS * 3)
    await asyncio.sleep(0.05)
    assert await pods(plane) == {"bound"}


async def test_the_oldest_ended_pods_go_when_there_are_too_many(plane, collector):
    await plane.node("n")
    for name in ("a", "b", "c", "d"):
        await plane.pod(name, nodeName="n")
        await plane.client.patch(PODS, name, {"status": {"phase": "Succeeded"}}, "default", "status")
    await plane.pod("running", nodeName="n")

    async def trimmed():
        return await pods(plane) == {"c", "d", "running"}

    await eventually(trimmed)


async def test_a_pod_that_is_held_and_will_never_have_a_node_has_failed(plane, collector):
    await plane.node("n")
    await plane.pod("held", metadata={"finalizers": ["a/b"]})
    await plane.pod("bound", metadata={"finalizers": ["a/b"]}, nodeName="n")
    for name in ("held", "bound"):
        await plane.client.delete(PODS, name, "default")

    async def failed():
        return (await plane.client.get(PODS, "held", "default"))["status"].get("phase") == "Failed"

    await eventually(failed)
    assert (await plane.client.get(PODS, "bound", "default"))["status"].get("phase") == "Pending"
