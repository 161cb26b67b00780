"""Whose pods are whose, and that nothing holds a pod for ever."""

from __future__ import annotations

import pytest

from backend.controllers.workloads.job.controller import JOBS
from backend.machinery.client import PODS
from backend.meta.errors import ApiError
from tests.support.batch import TRACKING, Batch, condition


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
async def test_the_pods_go_with_their_job(batch, policy):
    await batch.create(parallelism=3)
    await batch.active(3)
    await batch.client.delete(JOBS, "j", "default", {"propagationPolicy": policy})

    async def gone():
        return not await batch.pods() and await batch.plane.find(JOBS, "j", "default") is None

    await batch.until(gone)


async def test_orphaned_pods_are_let_go_of(batch):
    await batch.create(parallelism=2)
    await batch.active(2)
    await batch.client.delete(JOBS, "j", "default", {"propagationPolicy": "Orphan"})
    await batch.no_pod_is_held()

    async def free():
        pods = await batch.pods()
        return len(pods) == 2 and not any(pod["metadata"].get("ownerReferences") for pod in pods)

    await batch.until(free)


async def test_a_pod_whose_job_went_while_nobody_looked_is_let_go_of(plane):
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "gone", "uid": "u", "controller": True}
    await plane.pod("lost", metadata={"finalizers": [TRACKING], "ownerReferences": [owner]})
    other = {**owner, "apiVersion": "apps/v1", "kind": "ReplicaSet"}
    await plane.pod("others", metadata={"finalizers": [TRACKING, "a/b"], "ownerReferences": [other]})
    world = Batch(plane)
    async with world.controllers():

        async def free():
            return await plane.find(PODS, "lost", "default") is None

        await world.until(free)
        assert TRACKING in (await plane.client.get(PODS, "others", "default"))["metadata"]["finalizers"]


async def test_a_job_that_selects_its_pods_adopts_and_releases_them(batch):
    labels = {"app": "mine"}
    await batch.plane.pod("orphan", metadata={"labels": labels})
    await batch.create(
        manualSelector=True, selector={"matchLabels": labels}, pod_metadata={"labels": labels}, parallelism=2
    )
    pods = await batch.active(2)
    adopted = next(pod for pod in pods if pod["metadata"]["name"] == "orphan")
    assert adopted["metadata"]["finalizers"] == [TRACKING]
    await batch.client.patch(PODS, "orphan", {"metadata": {"labels": {"app": "other"}}}, "default")

    async def released():
        meta = (await batch.client.get(PODS, "orphan", "default"))["metadata"]
        return not meta.get("ownerReferences") and not meta.get("finalizers")

    await batch.until(released)

    async def replaced():
        return len(await batch.pods(active=True)) == 3

    await batch.until(replaced)
    await batch.says(active=2, failed=None)


async def test_a_job_of_another_controller_is_left_alone(batch):
    made = await batch.create(managedBy="example.com/mine")
    owner = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": "j",
        "uid": made["metadata"]["uid"],
        "controller": True,
    }
    await batch.plane.pod("theirs", metadata={"finalizers": [TRACKING], "ownerReferences": [owner]})
    await batch.settle()
    assert await batch.status() == {}
    (pod,) = await batch.pods()
    assert pod["metadata"]["finalizers"] == [TRACKING]


async def test_a_job_goes_some_time_after_its_end(batch):
    await batch.create(ttlSecondsAfterFinished=60)
    (pod,) = await batch.active(1)
    await batch.end(pod)
    await batch.has_condition("Complete")
    await batch.clock.advance(50)
    await batch.settle()
    assert condition(await batch.status(), "Complete")
    await batch.clock.advance(10)

    async def gone():
        return await batch.plane.find(JOBS, "j", "default") is None and not await batch.pods()

    await batch.until(gone)


async def test_a_template_that_is_refused_is_told_and_tried_again(batch, monkeypatch):
    create, refusing = batch.client.create, True

    async def refuse(gvr, obj, *rest, **more):
        if refusing and gvr == PODS:
            raise ApiError(403, "Forbidden", "exceeded quota")
        return await create(gvr, obj, *rest, **more)

    monkeypatch.setattr(batch.client, "create", refuse)
    await batch.create()
    assert await batch.told("FailedCreate") == "Error creating: exceeded quota"
    refusing = False
    await batch.active(1)
