"""StatefulSets: names that last, in order, rolled from the top, with claims that are kept or not."""

from __future__ import annotations

import asyncio
import random

import pytest

from backend.controllers.workloads.history import CONTROLLER_REVISIONS
from backend.controllers.workloads.statefulset.controller import STATEFUL_SETS
from backend.controllers.workloads.statefulset.storage import CLAIMS
from backend.machinery.client import PODS
from tests.support.workshop import Workshop, image

CLAIM = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


def images(pods):
    return {pod["metadata"]["name"]: image(pod) for pod in pods}


def names(objects):
    return [obj["metadata"]["name"] for obj in objects]


async def complete(shop, replicas, **more):
    return await shop.says(
        STATEFUL_SETS, replicas=replicas, availableReplicas=replicas, updatedReplicas=replicas or None, **more
    )


async def test_pods_come_one_after_the_other_each_with_its_identity(shop):
    await shop.create(STATEFUL_SETS, replicas=3, serviceName="svc")
    for number in range(3):
        await shop.has(number + 1)
        await shop.settle()
        assert names(await shop.pods()) == [f"w-{n}" for n in range(number + 1)]
        await shop.ready((await shop.pods())[number])
    status = await complete(shop, 3, readyReplicas=3, currentReplicas=3)
    assert status["currentRevision"] == status["updateRevision"]
    pod = (await shop.pods())[1]
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("w-1", "svc")
    assert pod["metadata"]["labels"] == {
        "app": "w", "statefulset.kubernetes.io/pod-name": "w-1", "apps.kubernetes.io/pod-index": "1",
        "controller-revision-hash": status["updateRevision"],
    }  # fmt: skip
    (revision,) = await shop.list(CONTROLLER_REVISIONS)
    mark = revision["metadata"]["labels"]["controller.kubernetes.io/hash"]
    assert revision["metadata"]["name"] == status["updateRevision"] == f"w-{mark}"
    assert "create Pod w-0 in StatefulSet w successful" in await shop.messages("SuccessfulCreate")


async def test_ordinals_may_start_elsewhere(shop):
    await shop.create(STATEFUL_SETS, replicas=2, serviceName="s", ordinals={"start": 5})
    async with shop.node():
        await complete(shop, 2)
    assert names(await shop.pods()) == ["w-5", "w-6"]


async def test_parallel_pods_come_at_once(shop):
    await shop.create(STATEFUL_SETS, replicas=4, serviceName="s", podManagementPolicy="Parallel")
    await shop.has(4)


async def test_pods_go_from_the_highest_and_wait_for_those_that_are_not_available(shop):
    await shop.plane.node()
    await shop.create(STATEFUL_SETS, replicas=3, serviceName="s")
    for number in range(3):
        pod = (await shop.has(number + 1))[number]
        await shop.bind(pod)
        await shop.ready(pod)
    await complete(shop, 3)
    pods = await shop.pods()
    await shop.ready(pods[0], ready=False)
    await shop.says(STATEFUL_SETS, readyReplicas=2)
    await shop.change(STATEFUL_SETS, replicas=1)
    await shop.settle()
    assert len(await shop.has(3)) == 3
    await shop.ready(pods[0])
    assert names(await shop.has(2)) == ["w-0", "w-1"]
    await shop.settle()
    assert names(await shop.has(2)) == ["w-0", "w-1"]
    await shop.finish(pods[2])
    await shop.has(1)
    await shop.finish(pods[1])
    await complete(shop, 1)


async def test_a_pod_that_is_over_is_made_anew_under_its_name(shop):
    await shop.create(STATEFUL_SETS, replicas=2, serviceName="s")
    async with shop.node():
        await complete(shop, 2)
        before = (await shop.pods())[0]
        await shop.report(before, {"phase": "Failed"})

        async def replaced():
            now = (await shop.pods())[0]
            return now["metadata"]["name"] == "w-0" and now["metadata"]["uid"] != before["metadata"]["uid"]

        await shop.until(replaced)
        await complete(shop, 2)
    assert await shop.messages("RecreatingFailedPod") == ["StatefulSet default/w is recreating failed Pod w-0"]


async def test_a_rolling_update_goes_from_the_top_one_at_a_time(shop):
    await shop.create(STATEFUL_SETS, replicas=3, serviceName="s")
    order = []
    shop.starts = lambda pod: (image(pod) == "web:2" and order.append(pod["metadata"]["name"])) or True
    async with shop.node():
        await complete(shop, 3)
        await shop.set_image(STATEFUL_SETS, "web:2")
        status = await complete(shop, 3, observedGeneration=2, currentReplicas=3)
    assert order == ["w-2", "w-1", "w-0"]
    assert status["currentRevision"] == status["updateRevision"]
    assert set(images(await shop.pods()).values()) == {"web:2"}


async def test_pods_below_the_partition_stay_and_come_back_as_they_were(shop):
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    await shop.create(STATEFUL_SETS, replicas=4, serviceName="s", updateStrategy=rolling)
    async with shop.node():
        await complete(shop, 4)
        await shop.set_image(STATEFUL_SETS, "web:2")
        status = await shop.says(STATEFUL_SETS, updatedReplicas=2, readyReplicas=4, currentReplicas=2)
        assert status["currentRevision"] != status["updateRevision"]
        await shop.finish((await shop.pods())[0])
        await shop.says(STATEFUL_SETS, updatedReplicas=2, readyReplicas=4, currentReplicas=2)
        await shop.settle()
    assert images(await shop.pods()) == {"w-0": "web:1", "w-1": "web:1", "w-2": "web:2", "w-3": "web:2"}


async def test_on_delete_leaves_it_to_people(shop):
    await shop.create(STATEFUL_SETS, replicas=2, serviceName="s", updateStrategy={"type": "OnDelete"})
    async with shop.node():
        await complete(shop, 2)
        await shop.set_image(STATEFUL_SETS, "web:2")
        await shop.says(STATEFUL_SETS, observedGeneration=2, updatedReplicas=None)
        await shop.finish((await shop.pods())[1])
        await shop.says(STATEFUL_SETS, updatedReplicas=1, readyReplicas=2)
    assert images(await shop.pods()) == {"w-0": "web:1", "w-1": "web:2"}


@pytest.mark.parametrize(
    ("unavailable", "ill", "left"),
    [(1, [0], [1, 2, 3, 4]), (2, [3, 4], [0, 1, 2]), (3, [0, 1], [2, 3]), (1, [], [0, 1, 2, 3])],
)
async def test_a_parallel_update_replaces_ill_pods_first_and_takes_no_more_than_it_may(
    shop, unavailable, ill, left
):
    """Cases of Kubernetes' own test of maxUnavailable with pods that are not available already."""
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": unavailable, "partition": 0}}
    await shop.plane.node()
    await shop.create(
        STATEFUL_SETS, replicas=5, serviceName="s", podManagementPolicy="Parallel", updateStrategy=rolling
    )
    for number, pod in enumerate(await shop.has(5)):
        await shop.bind(pod)
        await shop.ready(pod, ready=number not in ill)
    await shop.says(STATEFUL_SETS, readyReplicas=5 - len(ill))
    await shop.set_image(STATEFUL_SETS, "web:2")
    expected = [f"w-{number}" for number in left]
    assert names(await shop.has(len(left))) == expected
    await shop.settle()
    assert names(await shop.has(len(left))) == expected


async def test_a_pod_is_available_only_after_min_ready_seconds(shop):
    await shop.create(STATEFUL_SETS, replicas=2, serviceName="s", minReadySeconds=30)
    async with shop.node():
        await shop.says(STATEFUL_SETS, readyReplicas=1, availableReplicas=0)
        await shop.settle()
        assert names(await shop.pods()) == ["w-0"]
        await shop.clock.advance(31)
        await shop.has(2)


async def test_claims_are_made_before_pods_and_stay(shop):
    await shop.create(STATEFUL_SETS, replicas=2, serviceName="s", volumeClaimTemplates=[CLAIM])
    async with shop.node():
        await complete(shop, 2)
        assert names(await shop.list(CLAIMS)) == ["data-w-0", "data-w-1"]
        assert (await shop.list(CLAIMS))[0]["metadata"]["labels"] == {"app": "w"}
        assert (await shop.pods())[1]["spec"]["volumes"][0]["persistentVolumeClaim"] == {"claimName": "data-w-1"}
        await shop.change(STATEFUL_SETS, replicas=0)
        await shop.has(0)
    claims = await shop.list(CLAIMS)
    assert [claim["metadata"].get("ownerReferences") for claim in claims] == [None, None]
    told = await shop.messages("SuccessfulCreate")
    assert "create Claim data-w-0 Pod w-0 in StatefulSet w success" in told


async def test_the_retention_policy_gives_claims_their_owners(shop):
    policy = {"whenDeleted": "Delete", "whenScaled": "Delete"}
    made = await shop.create(
        STATEFUL_SETS, replicas=2, serviceName="s", volumeClaimTemplates=[CLAIM],
        persistentVolumeClaimRetentionPolicy=policy,
    )  # fmt: skip
    await shop.plane.node()
    for number in range(2):
        pod = (await shop.has(number + 1))[number]
        await shop.bind(pod)
        await shop.ready(pod)

    async def owners():
        claims = await shop.list(CLAIMS)
        found = [claim["metadata"].get("ownerReferences") or [{}] for claim in claims]
        return [entry[0].get("kind") for entry in found]

    async def by_set():
        return await owners() == ["StatefulSet", "StatefulSet"]

    await shop.until(by_set)
    (reference,) = (await shop.list(CLAIMS))[0]["metadata"]["ownerReferences"]
    assert (reference["uid"], reference["controller"]) == (made["metadata"]["uid"], True)
    await shop.change(STATEFUL_SETS, replicas=1)

    async def by_pod():
        return await owners() == ["StatefulSet", "Pod"]

    await shop.until(by_pod)


async def test_history_above_the_limit_is_forgotten_and_a_template_that_comes_back_is_the_newest(shop):
    await shop.create(STATEFUL_SETS, replicas=1, serviceName="s", revisionHistoryLimit=1)
    async with shop.node():
        for number in (2, 3, 4, 3):
            await complete(shop, 1)
            done = await shop.set_image(STATEFUL_SETS, f"web:{number}")
            await complete(shop, 1, observedGeneration=done["metadata"]["generation"])

        async def tidied():
            return sorted(entry["revision"] for entry in await shop.list(CONTROLLER_REVISIONS)) == [4, 5]

        await shop.until(tidied)


async def test_controllers_cut_at_random_points_end_as_ones_that_were_not(plane):
    choose = random.Random(9)
    shop = Workshop(plane)
    async with shop.node():
        async with shop.controllers():
            await shop.create(STATEFUL_SETS, replicas=3, serviceName="s", volumeClaimTemplates=[CLAIM])
            await complete(shop, 3)
        for number in range(2, 6):
            await shop.set_image(STATEFUL_SETS, f"web:{number}")
            for _ in range(6):
                async with shop.controllers():
                    for _ in range(choose.randrange(6)):
                        await shop.clock.advance(0.02)
                        await asyncio.sleep(choose.uniform(0, 0.02))
            async with shop.controllers():
                await complete(shop, 3, observedGeneration=number)
                await shop.settle()
            assert images(await shop.pods()) == {f"w-{n}": f"web:{number}" for n in range(3)}
            assert len(await shop.list(CONTROLLER_REVISIONS)) == number
            assert len(await shop.list(CLAIMS)) == 3


async def test_a_name_that_somebody_else_has_is_waited_for(shop):
    await shop.plane.pod("w-0")
    await shop.create(STATEFUL_SETS, replicas=1, serviceName="s")
    await shop.settle()
    assert not (await shop.client.get(PODS, "w-0", "default"))["metadata"].get("ownerReferences")
    await shop.finish((await shop.pods())[0])
    await shop.clock.advance(60)

    async def ours():
        found = await shop.plane.find(PODS, "w-0", "default")
        return found and found["metadata"].get("ownerReferences")

    await shop.until(ours)
