"""ReplicaSets and ReplicationControllers: so many pods, which they are, and which go first."""

from __future__ import annotations

import pytest

from backend.controllers.workloads.replicas import FEW_PODS, REPLICA_SETS, REPLICATION_CONTROLLERS
from backend.machinery.client import PODS, SERVICE_ACCOUNTS
from tests.support.control_plane import eventually
from tests.support.workshop import Workshop, condition


def owner_of(pod):
    references = pod["metadata"].get("ownerReferences") or [{}]
    return references[0].get("name")


async def test_pods_are_made_from_the_template(shop):
    made = await shop.create(REPLICA_SETS, replicas=3, labels={"tier": "a"})
    pods = await shop.has(3)
    assert all(pod["metadata"]["generateName"] == "w-" for pod in pods)
    assert pods[0]["metadata"]["labels"] == {"app": "w", "tier": "a"}
    assert pods[0]["metadata"]["ownerReferences"] == [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "w", "uid": made["metadata"]["uid"],
         "controller": True, "blockOwnerDeletion": True}
    ]  # fmt: skip
    told = await shop.messages("SuccessfulCreate")
    assert set(told) <= {f"Created pod: {pod['metadata']['name']}" for pod in pods}


async def test_the_status_counts_pods_that_are_ready_and_for_how_long(shop):
    await shop.create(REPLICA_SETS, replicas=3, minReadySeconds=10)
    pods = await shop.has(3)
    await shop.says(REPLICA_SETS, replicas=3, fullyLabeledReplicas=3, readyReplicas=None, observedGeneration=1)
    for pod in pods[:2]:
        await shop.ready(pod)
    await shop.says(REPLICA_SETS, readyReplicas=2, availableReplicas=None)
    await shop.clock.advance(11)
    await shop.says(REPLICA_SETS, readyReplicas=2, availableReplicas=2, terminatingReplicas=0)


async def test_a_replication_controller_does_the_same(shop):
    body = {
        "metadata": {"name": "w"},
        "spec": {
            "replicas": 2,
            "template": {
                "metadata": {"labels": {"app": "w"}},
                "spec": {"containers": [{"name": "c", "image": "web:1"}]},
            },
        },
    }
    await shop.client.create(REPLICATION_CONTROLLERS, body, "default")
    pods = await shop.has(2)
    assert pods[0]["metadata"]["ownerReferences"][0]["kind"] == "ReplicationController"
    status = await shop.says(REPLICATION_CONTROLLERS, replicas=2, fullyLabeledReplicas=2)
    assert "terminatingReplicas" not in status


async def test_what_is_deleted_or_over_is_replaced(shop):
    await shop.create(REPLICA_SETS, replicas=2)
    first, second = await shop.has(2)
    await shop.finish(first)
    await shop.report(second, {"phase": "Failed"})

    async def replaced():
        return not {first["metadata"]["uid"], second["metadata"]["uid"]} & {
            pod["metadata"]["uid"] for pod in await shop.has(2)
        }

    await shop.until(replaced)


async def test_an_orphan_that_matches_is_adopted_and_one_that_is_over_is_not(shop):
    await shop.plane.pod("orphan", metadata={"labels": {"app": "w"}})
    over = await shop.plane.pod("over", metadata={"labels": {"app": "w"}})
    await shop.report(over, {"phase": "Succeeded"})
    await shop.plane.pod("other", metadata={"labels": {"app": "x"}})
    await shop.create(REPLICA_SETS, replicas=2)
    await shop.says(REPLICA_SETS, replicas=2)
    owners = {pod["metadata"]["name"]: owner_of(pod) for pod in await shop.pods()}
    assert (owners.pop("orphan"), owners.pop("over"), owners.pop("other")) == ("w", None, None)
    assert list(owners.values()) == ["w"]


async def test_a_pod_that_matches_no_more_is_released_and_replaced(shop):
    await shop.create(REPLICA_SETS, replicas=2)
    released, _ = await shop.has(2)
    patch = {"metadata": {"labels": {"app": "debug"}}}
    await shop.client.patch(PODS, released["metadata"]["name"], patch, "default")
    pods = await shop.has(3)
    assert [owner_of(pod) for pod in pods].count("w") == 2
    assert next(pod for pod in pods if owner_of(pod) is None)["metadata"]["uid"] == released["metadata"]["uid"]


async def test_cascade_orphan_leaves_pods_that_a_new_one_adopts(plane):
    shop = Workshop(plane)
    async with shop.controllers(collect=True):
        await shop.create(REPLICA_SETS, replicas=2)
        before = {pod["metadata"]["uid"] for pod in await shop.has(2)}
        await shop.client.delete(REPLICA_SETS, "w", "default", {"propagationPolicy": "Orphan"})

        async def gone():
            return await plane.find(REPLICA_SETS, "w", "default") is None

        await eventually(gone)
        assert [owner_of(pod) for pod in await shop.pods()] == [None, None]
        await shop.create(REPLICA_SETS, replicas=2)
        await shop.says(REPLICA_SETS, replicas=2)
        assert {pod["metadata"]["uid"] for pod in await shop.pods()} == before


async def test_an_owner_on_its_way_out_makes_and_adopts_nothing(shop):
    await shop.create(REPLICA_SETS, replicas=1)
    (pod,) = await shop.has(1)
    await shop.client.delete(REPLICA_SETS, "w", "default", {"propagationPolicy": "Foreground"})
    await shop.finish(pod)
    await shop.plane.pod("orphan", metadata={"labels": {"app": "w"}})
    await shop.settle()
    assert [owner_of(found) for found in await shop.pods()] == [None]


async def test_pods_that_serve_least_are_deleted_first(shop):
    await shop.create(REPLICA_SETS, replicas=5)
    waiting, cheap, dear, restarted, plain = await shop.has(5)
    now = shop.clock.now()
    costs = {cheap["metadata"]["name"]: "-5", dear["metadata"]["name"]: "5"}
    for name, cost in costs.items():
        patch = {"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": cost}}}
        await shop.client.patch(PODS, name, patch, "default")
    restarts = [
        {"name": "c", "image": "i", "imageID": "", "ready": True, "restartCount": 3, "state": {"running": {}}}
    ]
    for pod in (cheap, dear, plain):
        await shop.ready(pod, since=now - 100)
    await shop.ready(restarted, since=now - 100, containerStatuses=restarts)
    await shop.says(REPLICA_SETS, readyReplicas=4)
    for expected in (waiting, cheap, restarted, plain):
        left = {pod["metadata"]["name"] for pod in await shop.pods()} - {expected["metadata"]["name"]}
        await shop.change(REPLICA_SETS, replicas=len(left))
        assert {pod["metadata"]["name"] for pod in await shop.has(len(left))} == left
    assert (await shop.messages("SuccessfulDelete"))[0].startswith("Deleted pod: w-")


async def test_a_template_that_is_refused_is_tried_once_each_time_and_the_status_says_why(shop):
    missing = {"serviceAccountName": "nobody"}
    await shop.create(REPLICA_SETS, replicas=50, pod=missing)

    async def failed():
        return condition((await shop.get(REPLICA_SETS)).get("status") or {}, "ReplicaFailure")

    found = await shop.until(failed)
    assert (found["status"], found["reason"]) == ("True", "FailedCreate")
    assert 'serviceaccount "nobody" not found' in found["message"]
    (text, *_) = await shop.messages("FailedCreate")
    assert text.startswith("Error creating: pods ")
    await shop.client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "nobody"}}, "default")
    await shop.clock.advance(60)
    await shop.has(50)
    status = await shop.says(REPLICA_SETS, replicas=50)
    assert not condition(status, "ReplicaFailure")


async def test_a_pod_on_its_way_out_is_counted_and_replaced_at_once(shop):
    await shop.plane.node()
    await shop.create(REPLICA_SETS, replicas=1)
    (pod,) = await shop.has(1)
    await shop.bind(pod)
    await shop.client.delete(PODS, pod["metadata"]["name"], "default")
    await shop.says(REPLICA_SETS, replicas=1, terminatingReplicas=1)
    assert len(await shop.pods()) == 2
    await shop.finish(pod)
    await shop.says(REPLICA_SETS, replicas=1, terminatingReplicas=0)


@pytest.mark.parametrize("replicas", [0, 37])
async def test_scaling_makes_and_deletes_exactly_so_many(shop, replicas):
    await shop.create(REPLICA_SETS, replicas=20)
    await shop.has(20)
    await shop.change(REPLICA_SETS, replicas=replicas)
    await shop.says(REPLICA_SETS, replicas=replicas)
    await shop.settle()
    assert len(await shop.pods()) == replicas


async def test_of_many_pods_those_that_become_ready_soon_after_each_other_are_counted_together(shop):
    await shop.create(REPLICA_SETS, replicas=FEW_PODS + 1)
    await shop.says(REPLICA_SETS, replicas=FEW_PODS + 1)
    await shop.settle()
    for pod in await shop.pods():
        await shop.ready(pod)
    after = await shop.get(REPLICA_SETS, "w")
    assert after["status"].get("readyReplicas", 0) <= 1, "looked at more than once while no time passed"
    await shop.says(REPLICA_SETS, readyReplicas=FEW_PODS + 1)
