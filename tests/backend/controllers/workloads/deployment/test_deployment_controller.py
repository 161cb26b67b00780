"""Deployments: ReplicaSets for each template, rolled out, scaled, paused, stopped at a deadline, kept as history."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager

import pytest

from backend.controllers.workloads.deployment import replica_sets as rules
from backend.controllers.workloads.deployment.controller import DEPLOYMENTS
from backend.controllers.workloads.replicas import REPLICA_SETS
from backend.machinery.client import PODS
from tests.support.control_plane import running
from tests.support.workshop import Workshop, condition, image, is_active

REVISION = "deployment.kubernetes.io/revision"


def sizes(replica_sets):
    return {
        entry["spec"]["template"]["spec"]["containers"][0]["image"]: rules.size(entry) for entry in replica_sets
    }


async def revision(shop, name="w"):
    return (await shop.get(DEPLOYMENTS, name))["metadata"]["annotations"][REVISION]


async def complete(shop, replicas, **more):
    return await shop.says(
        DEPLOYMENTS, replicas=replicas, updatedReplicas=replicas, availableReplicas=replicas, **more
    )


@asynccontextmanager
async def watched(shop, *, least, most):
    """That many pods are ready and that many there, in every revision of any pod meanwhile."""
    listed = await shop.client.list(PODS, "default")
    pods = {pod["metadata"]["name"]: pod for pod in listed["items"]}
    seen = []

    async def watch():
        async with shop.client.watch(PODS, listed["metadata"]["resourceVersion"], "default") as events:
            async for event in events:
                if event.type == "BOOKMARK":
                    continue
                name = event.object["metadata"]["name"]
                if event.type == "DELETED":
                    pods.pop(name, None)
                else:
                    pods[name] = event.object
                ready = sum(
                    condition(pod["status"], "Ready").get("status") == "True" and is_active(pod)
                    for pod in pods.values()
                )
                seen.append((ready, sum(map(is_active, pods.values()))))

    async with running(watch()):
        yield seen
        await asyncio.sleep(0.05)
    assert seen
    assert min(ready for ready, _ in seen) >= least
    assert max(present for _, present in seen) <= most


async def test_a_deployment_makes_a_replica_set_and_is_available(shop):
    made = await shop.create(DEPLOYMENTS, replicas=3)
    await shop.has(3)
    async with shop.node():
        status = await complete(shop, 3, readyReplicas=3, observedGeneration=1, terminatingReplicas=0)
    (replica_set,) = await shop.list(REPLICA_SETS)
    mark = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"w-{mark}"
    assert replica_set["spec"]["selector"]["matchLabels"] == {"app": "w", "pod-template-hash": mark}
    assert replica_set["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]
    annotations = replica_set["metadata"]["annotations"]
    assert annotations == {
        REVISION: "1", "deployment.kubernetes.io/desired-replicas": "3", "deployment.kubernetes.io/max-replicas": "4",
    }  # fmt: skip
    assert "unavailableReplicas" not in status
    available, progressing = condition(status, "Available"), condition(status, "Progressing")
    assert (available["status"], available["reason"]) == ("True", "MinimumReplicasAvailable")
    assert available["message"] == "Deployment has minimum availability."
    assert (progressing["status"], progressing["reason"]) == ("True", "NewReplicaSetAvailable")
    assert progressing["message"] == f'ReplicaSet "w-{mark}" has successfully progressed.'
    assert await revision(shop) == "1"
    assert await shop.messages("ScalingReplicaSet") == [f"Scaled up replica set w-{mark} from 0 to 3"]


@pytest.mark.parametrize(
    ("surge", "unavailable", "most", "least"), [(1, 0, 7, 6), (0, 2, 6, 4), ("50%", "25%", 9, 5), (3, 3, 9, 3)]
)
async def test_a_rollout_keeps_to_what_it_promised_at_every_moment(shop, surge, unavailable, most, least):
    strategy = {
        "type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}
    }  # fmt: skip
    await shop.create(DEPLOYMENTS, replicas=6, strategy=strategy)
    async with shop.node():
        await complete(shop, 6)
        async with watched(shop, least=least, most=most):
            await shop.set_image(DEPLOYMENTS, "web:2")
            await complete(shop, 6, observedGeneration=2)
    assert {image(pod) for pod in await shop.has(6)} == {"web:2"}
    assert sizes(await shop.list(REPLICA_SETS)) == {"web:1": 0, "web:2": 6}


async def test_recreate_stops_every_old_pod_before_it_makes_a_new_one(shop):
    await shop.plane.node()
    await shop.create(DEPLOYMENTS, replicas=2, strategy={"type": "Recreate"})
    for pod in await shop.has(2):
        await shop.bind(pod)
        await shop.ready(pod)
    await complete(shop, 2)
    await shop.set_image(DEPLOYMENTS, "web:2")
    await shop.has(0)
    await shop.settle()
    going = await shop.pods()
    assert {image(pod) for pod in going} == {"web:1"}
    await shop.finish(going[0])
    await shop.settle()
    assert len(await shop.pods()) == 1
    await shop.finish(going[1])
    assert {image(pod) for pod in await shop.has(2)} == {"web:2"}


async def test_a_template_that_comes_back_gets_its_replica_set_back_with_a_new_revision(shop):
    await shop.create(DEPLOYMENTS, replicas=1)
    async with shop.node():
        for number in (2, 1):
            await complete(shop, 1)
            await shop.set_image(DEPLOYMENTS, f"web:{number}")
            await shop.says(DEPLOYMENTS, observedGeneration=4 - number)
        await complete(shop, 1)
    first, second = await shop.list(REPLICA_SETS)
    by_image = {entry["spec"]["template"]["spec"]["containers"][0]["image"]: entry for entry in (first, second)}
    annotations = by_image["web:1"]["metadata"]["annotations"]
    assert annotations[REVISION] == "3"
    assert annotations["deployment.kubernetes.io/revision-history"] == "1"
    assert by_image["web:2"]["metadata"]["annotations"][REVISION] == "2"
    assert await revision(shop) == "3"


async def test_old_replica_sets_above_the_limit_are_deleted_oldest_first(shop):
    await shop.create(DEPLOYMENTS, replicas=1, revisionHistoryLimit=1)
    async with shop.node():
        for number in (2, 3, 4):
            await complete(shop, 1)
            await shop.set_image(DEPLOYMENTS, f"web:{number}")
            await shop.says(DEPLOYMENTS, observedGeneration=number)
        await complete(shop, 1)

        async def tidied():
            return sizes(await shop.list(REPLICA_SETS)) == {"web:3": 0, "web:4": 1}

        await shop.until(tidied)


async def test_a_rollout_that_does_not_progress_is_told_at_its_deadline_and_keeps_old_pods(shop):
    await shop.create(DEPLOYMENTS, replicas=4, progressDeadlineSeconds=60)
    shop.starts = lambda pod: image(pod) != "web:broken"
    async with shop.node():
        await complete(shop, 4)
        await shop.set_image(DEPLOYMENTS, "web:broken")
        await shop.says(DEPLOYMENTS, updatedReplicas=2, replicas=5)
        await shop.settle()
        progressing = condition((await shop.get(DEPLOYMENTS))["status"], "Progressing")
        assert (progressing["status"], progressing["reason"]) == ("True", "ReplicaSetUpdated")
        await shop.clock.advance(62)

        async def told():
            found = condition((await shop.get(DEPLOYMENTS))["status"], "Progressing")
            return found["reason"] == "ProgressDeadlineExceeded" and found

        found = await shop.until(told)
        name = next(e["metadata"]["name"] for e in await shop.list(REPLICA_SETS) if rules.revision(e) == 2)
        assert found["status"] == "False"
        assert found["message"] == f'ReplicaSet "{name}" has timed out progressing.'
        assert sizes(await shop.list(REPLICA_SETS)) == {"web:1": 3, "web:broken": 2}
        await shop.set_image(DEPLOYMENTS, "web:1")
        await complete(shop, 4)
    assert sizes(await shop.list(REPLICA_SETS)) == {"web:1": 4, "web:broken": 0}


async def test_a_complete_rollout_has_no_deadline_when_pods_fail_later(shop):
    await shop.create(DEPLOYMENTS, replicas=2, progressDeadlineSeconds=10)
    async with shop.node():
        await complete(shop, 2)
    pod = (await shop.has(2))[0]
    await shop.ready(pod, ready=False)
    await shop.says(DEPLOYMENTS, availableReplicas=1, unavailableReplicas=1)
    await shop.clock.advance(60)
    await shop.settle()
    status = (await shop.get(DEPLOYMENTS))["status"]
    assert condition(status, "Progressing")["reason"] == "NewReplicaSetAvailable"
    assert condition(status, "Available")["reason"] == "MinimumReplicasUnavailable"


async def test_a_paused_deployment_scales_but_does_not_roll_out(shop):
    await shop.create(DEPLOYMENTS, replicas=2)
    async with shop.node():
        await complete(shop, 2)
        await shop.change(DEPLOYMENTS, paused=True)
        await shop.set_image(DEPLOYMENTS, "web:2")
        await shop.change(DEPLOYMENTS, replicas=3)
        await shop.says(DEPLOYMENTS, replicas=3, updatedReplicas=None)
        paused = condition((await shop.get(DEPLOYMENTS))["status"], "Progressing")
        assert (paused["status"], paused["reason"]) == ("Unknown", "DeploymentPaused")
        assert sizes(await shop.list(REPLICA_SETS)) == {"web:1": 3}
        await shop.change(DEPLOYMENTS, paused=False)
        await complete(shop, 3)
    assert sizes(await shop.list(REPLICA_SETS)) == {"web:1": 0, "web:2": 3}


async def test_scaling_during_a_rollout_keeps_the_proportions(shop):
    """The numbers of Kubernetes' documentation: 10 of which 5 new ones do not start, scaled to 15."""
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}
    await shop.create(DEPLOYMENTS, replicas=10, strategy=strategy)
    shop.starts = lambda pod: image(pod) == "web:1"
    async with shop.node():
        await complete(shop, 10)
        await shop.set_image(DEPLOYMENTS, "web:broken")
        await shop.says(DEPLOYMENTS, replicas=13, updatedReplicas=5)
        await shop.settle()
        assert sizes(await shop.list(REPLICA_SETS)) == {"web:1": 8, "web:broken": 5}
        await shop.change(DEPLOYMENTS, replicas=15)
        await shop.says(DEPLOYMENTS, replicas=18)
        await shop.settle()
    assert sizes(await shop.list(REPLICA_SETS)) == {"web:1": 11, "web:broken": 7}


async def test_a_name_that_is_taken_raises_the_count_of_collisions(shop):
    """While it is paused it makes no ReplicaSet, so that somebody else can take the name of the one to come."""
    made = await shop.create(DEPLOYMENTS, replicas=1, paused=True)
    name = f"w-{rules.template_hash(made['spec']['template'], 0)}"
    template = {"metadata": {"labels": {"app": "x"}}, "spec": made["spec"]["template"]["spec"]}
    squatter = {"selector": {"matchLabels": {"app": "x"}}, "replicas": 0, "template": template}
    await shop.client.create(REPLICA_SETS, {"metadata": {"name": name}, "spec": squatter}, "default")
    await shop.change(DEPLOYMENTS, paused=False)
    await shop.says(DEPLOYMENTS, replicas=1, collisionCount=1)
    (own,) = [entry for entry in await shop.list(REPLICA_SETS) if entry["metadata"]["name"] != name]
    assert own["metadata"]["name"] == f"w-{rules.template_hash(made['spec']['template'], 1)}"


async def test_two_updates_that_race_end_with_the_one_that_was_stored_last(shop):
    await shop.create(DEPLOYMENTS, replicas=4)
    async with shop.node():
        await complete(shop, 4)
        await asyncio.gather(*(shop.set_image(DEPLOYMENTS, f"web:{number}") for number in range(2, 8)))
        last = (await shop.get(DEPLOYMENTS))["spec"]["template"]["spec"]["containers"][0]["image"]
        await complete(shop, 4, observedGeneration=7)
        await shop.settle()
    assert [image(pod) for pod in await shop.has(4)] == [last] * 4
    assert {size for name, size in sizes(await shop.list(REPLICA_SETS)).items() if name != last} <= {0}


async def test_controllers_cut_at_random_points_end_as_ones_that_were_not(plane):
    """What they remembered is lost each time; nothing is lost, doubled or left over."""
    choose = random.Random(4)
    shop = Workshop(plane)
    async with shop.node():
        async with shop.controllers():
            await shop.create(DEPLOYMENTS, replicas=5)
            await complete(shop, 5)
        for number in range(2, 10):
            await shop.set_image(DEPLOYMENTS, f"web:{number}")
            for _ in range(6):
                async with shop.controllers():
                    for _ in range(choose.randrange(6)):
                        await shop.clock.advance(0.02)
                        await asyncio.sleep(choose.uniform(0, 0.02))
            async with shop.controllers():
                await complete(shop, 5, observedGeneration=number)
                await shop.settle()
            pods = await shop.pods()
            assert [image(pod) for pod in pods] == [f"web:{number}"] * 5
            found = {entry["metadata"]["uid"]: entry for entry in await shop.list(REPLICA_SETS)}
            assert len(found) == number
            assert {pod["metadata"]["ownerReferences"][0]["uid"] for pod in pods} <= set(found)
