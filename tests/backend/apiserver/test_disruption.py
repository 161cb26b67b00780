"""Evictions that disruption budgets allow, count or refuse."""

import pytest

from backend.machinery.client import GVR, PODS
from backend.meta.errors import ApiError

BUDGETS = GVR("policy", "v1", "poddisruptionbudgets")
READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
UNREADY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}


@pytest.fixture
async def pod(cluster):
    """Makes a pod `p` with the label app=a and the status that it is given."""

    async def make(status, name="p"):
        spec = {"containers": [{"name": "c", "image": "i"}], "serviceAccountName": "default"}
        body = {"metadata": {"name": name, "labels": {"app": "a"}}, "spec": spec}
        await cluster.client.create(PODS, body, "default")
        await cluster.client.patch(PODS, name, {"status": status}, "default", "status")

    return make


async def budget(cluster, name="b", selector=None, policy=None, **status):
    spec = {"minAvailable": 1, "selector": {"matchLabels": selector or {"app": "a"}}}
    if policy:
        spec["unhealthyPodEvictionPolicy"] = policy
    await cluster.client.create(BUDGETS, {"metadata": {"name": name}, "spec": spec}, "default")
    given = {"observedGeneration": 1, "desiredHealthy": 2, "currentHealthy": 1, **status}
    await cluster.client.patch(BUDGETS, name, {"status": given}, "default", "status")


async def evict(cluster, name="p", **options):
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}, "deleteOptions": options}
    return await cluster.client.create(PODS, body, "default", name, "eviction")


async def refused(cluster, code):
    with pytest.raises(ApiError) as caught:
        await evict(cluster)
    assert caught.value.code == code
    assert await cluster.client.get(PODS, "p", "default")
    return caught.value.status


async def gone(cluster):
    with pytest.raises(ApiError) as caught:
        await cluster.client.get(PODS, "p", "default")
    return caught.value.code == 404


async def test_a_budget_with_nothing_left_refuses(cluster, pod):
    await pod(READY)
    await budget(cluster)
    status = await refused(cluster, 429)
    assert (status["reason"], status["message"]) == (
        "TooManyRequests",
        "Cannot evict pod as it would violate the pod's disruption budget.",
    )
    assert status["details"]["causes"] == [
        {
            "reason": "DisruptionBudget",
            "message": "The disruption budget b needs 2 healthy pods and has 1 currently",
        }
    ]


async def test_a_budget_that_nobody_has_looked_at_refuses_for_now(cluster, pod):
    await pod(READY)
    await budget(cluster, observedGeneration=0, disruptionsAllowed=5)
    assert (await refused(cluster, 429))["details"]["retryAfterSeconds"] == 10


async def test_an_eviction_is_counted(cluster, pod):
    await pod(READY)
    await budget(cluster, disruptionsAllowed=2)
    await evict(cluster, dryRun=["All"])
    assert (await cluster.client.get(BUDGETS, "b", "default"))["status"]["disruptionsAllowed"] == 2
    await evict(cluster)
    status = (await cluster.client.get(BUDGETS, "b", "default"))["status"]
    assert (status["disruptionsAllowed"], list(status["disruptedPods"])) == (1, ["p"])
    assert await gone(cluster)


async def test_two_budgets_for_a_pod_are_one_too_many(cluster, pod):
    await pod(READY)
    await budget(cluster, disruptionsAllowed=1)
    await budget(cluster, "c", disruptionsAllowed=1)
    assert "more than one PodDisruptionBudget" in (await refused(cluster, 500))["message"]


@pytest.mark.parametrize(
    ("status", "given"),
    [
        ({"phase": "Pending"}, {}),
        ({"phase": "Succeeded"}, {}),
        (READY, {"selector": {"app": "other"}}),
        (UNREADY, {"policy": "AlwaysAllow"}),
        (UNREADY, {"currentHealthy": 2}),
    ],
)
async def test_what_no_budget_guards(cluster, pod, status, given):
    await pod(status)
    await budget(cluster, **given)
    await evict(cluster)
    assert await gone(cluster)


async def test_a_pod_that_is_not_ready_counts_while_too_few_are(cluster, pod):
    await pod(UNREADY)
    await budget(cluster)
    await refused(cluster, 429)
