"""Events go an hour after they were last written; and the cluster has its namespaces from the start."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from backend.apiserver import expiry
from backend.apiserver.bootstrap import SYSTEM_NAMESPACES, create_system_namespaces
from backend.machinery.client import EVENTS, NAMESPACES


def event(name: str) -> dict[str, object]:
    involved = {"kind": "Pod", "name": "p", "namespace": "default"}
    return {"metadata": {"name": name}, "involvedObject": involved, "reason": "Started", "message": "m"}


@asynccontextmanager
async def expiring(cluster):
    task = asyncio.ensure_future(expiry.expire_events(cluster.store, clock=lambda: cluster.now))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def gone(cluster, count: int) -> list[str]:
    """The names of the events that are left once `count` are gone."""
    async with asyncio.timeout(5), cluster.client.watch(EVENTS, "1") as changes:
        async for change in changes:
            count -= change.type == "DELETED"
            if not count:
                break
    return [item["metadata"]["name"] for item in (await cluster.client.list(EVENTS))["items"]]


async def test_events_go_an_hour_after_their_last_change(cluster, monkeypatch) -> None:
    monkeypatch.setattr(expiry, "_SWEEP_SECONDS", 0.01)
    for number in range(100):
        await cluster.client.create(EVENTS, event(f"old{number}"), "default")
    cluster.now += 1800
    await cluster.client.create(EVENTS, event("young"), "default")
    await cluster.client.patch(EVENTS, "old7", {"count": 2}, "default")
    cluster.now += 1801
    async with expiring(cluster):
        assert await gone(cluster, 99) == ["old7", "young"]


async def test_expiry_waits_for_the_first_event(cluster, monkeypatch) -> None:
    monkeypatch.setattr(expiry, "_SWEEP_SECONDS", 0.01)
    async with expiring(cluster) as task:
        await asyncio.sleep(0.02)
        await cluster.client.create(EVENTS, event("a"), "default")
        await asyncio.sleep(0.02)
        assert not task.done()
        assert (await cluster.client.list(EVENTS))["items"]


async def test_the_system_namespaces_are_made_once(cluster) -> None:
    before = cluster.store.revision
    await create_system_namespaces(cluster.client)
    assert cluster.store.revision == before
    listed = (await cluster.client.list(NAMESPACES))["items"]
    assert {item["metadata"]["name"] for item in listed} == set(SYSTEM_NAMESPACES)
    assert {item["status"]["phase"] for item in listed} == {"Active"}
