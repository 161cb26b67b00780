"""Jobs whose pods fail: how often, how soon again, and how the Job ends."""

from __future__ import annotations

from datetime import datetime

import pytest

from backend.controllers.workloads.job import per_index
from backend.machinery.client import PODS
from tests.support.batch import condition, index, why

LIMIT = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")


async def test_a_failed_pod_is_replaced_after_ten_seconds_then_twenty(batch):
    await batch.create(backoffLimit=2)
    for wait in (10, 20):
        (pod,) = await batch.active(1)
        await batch.fail(pod)
        await batch.settle()
        await batch.clock.advance(wait - 4)
        await batch.settle()
        assert await batch.pods(active=True) == []
        await batch.clock.advance(4)
    (pod,) = await batch.active(1)
    await batch.says(failed=2, active=1)
    await batch.fail(pod)
    ended = await batch.has_condition("Failed")
    status = await batch.status()
    assert why(ended) == why(condition(status, "FailureTarget")) == LIMIT
    assert (status["failed"], status.get("succeeded")) == (3, None)
    assert "completionTime" not in status
    assert await batch.told("BackoffLimitExceeded") == LIMIT[1]
    await batch.no_pod_is_held()


async def test_a_success_ends_the_backoff(batch):
    await batch.create(completions=3, parallelism=2)
    pods = await batch.active(2)
    await batch.fail(pods[0])
    await batch.says(failed=1)
    await batch.clock.advance(1)
    before = batch.clock.now()
    await batch.end(pods[1])
    await batch.active(2)
    assert batch.clock.now() - before < 5


async def test_running_pods_are_deleted_when_the_job_has_failed(batch):
    await batch.create(completions=3, parallelism=3, backoffLimit=0)
    pods = await batch.active(3)
    await batch.fail(pods[0])
    await batch.has_condition("Failed")
    status = await batch.status()
    assert (status["failed"], status["terminating"]) == (3, 0)
    assert [pod["metadata"]["name"] for pod in await batch.pods()] == [pods[0]["metadata"]["name"]]


async def test_the_end_waits_for_pods_that_still_terminate(batch):
    await batch.plane.node("n")
    await batch.create(parallelism=2, backoffLimit=0)
    pods = await batch.active(2)
    for pod in pods:
        target = {"target": {"apiVersion": "v1", "kind": "Node", "name": "n"}}
        await batch.client.create(PODS, target, "default", pod["metadata"]["name"], "binding")
    await batch.fail(pods[0])
    await batch.says(terminating=1, active=None, failed=2)
    status = await batch.status()
    assert condition(status, "FailureTarget")
    assert condition(status, "Failed") is None
    await batch.client.delete(PODS, pods[1]["metadata"]["name"], "default", {"gracePeriodSeconds": 0})
    await batch.has_condition("Failed")


async def test_a_deleted_pod_counts_as_failed_and_its_place_is_taken(batch):
    await batch.create()
    (pod,) = await batch.active(1)
    await batch.client.delete(PODS, pod["metadata"]["name"], "default")
    await batch.says(failed=1, active=None)
    assert await batch.pods() == []
    await batch.clock.advance(10)
    await batch.active(1)


async def test_a_job_that_is_active_for_too_long_fails(batch):
    await batch.create(activeDeadlineSeconds=30)
    await batch.active(1)
    await batch.clock.advance(25)
    await batch.settle()
    assert condition(await batch.status(), "Failed") is None
    await batch.clock.advance(5)
    ended = await batch.has_condition("Failed")
    assert why(ended) == ("DeadlineExceeded", "Job was active longer than specified deadline")


async def test_restarts_in_place_count_too(batch):
    await batch.create(restartPolicy="OnFailure", backoffLimit=2)
    (pod,) = await batch.active(1)
    restarted = {"name": "c", "image": "i", "imageID": "", "ready": False, "restartCount": 2}
    status = {"status": {"phase": "Running", "containerStatuses": [restarted]}}
    await batch.client.patch(PODS, pod["metadata"]["name"], status, "default", "status")
    assert why(await batch.has_condition("Failed")) == LIMIT


async def test_an_index_is_tried_as_often_as_it_may_and_the_others_go_on(batch):
    await batch.create(completions=3, parallelism=3, completionMode="Indexed", backoffLimitPerIndex=1)
    pods = await batch.active(3)
    assert pods[0]["metadata"]["annotations"][per_index.FAILURES] == "0"
    await batch.fail(pods[1])
    await batch.end(pods[0])
    await batch.says(completedIndexes="0", failedIndexes="")
    held = [pod for pod in await batch.pods() if pod["metadata"]["uid"] == pods[1]["metadata"]["uid"]]
    assert held[0]["metadata"]["finalizers"]
    await batch.clock.advance(10)
    pods = await batch.active(2)
    assert [index(pod) for pod in pods] == [1, 2]
    assert pods[0]["metadata"]["annotations"][per_index.FAILURES] == "1"
    await batch.fail(pods[0])
    await batch.says(failedIndexes="1", failed=2, active=1)
    await batch.end(pods[1])
    ended = await batch.has_condition("Failed")
    status = await batch.status()
    assert why(ended) == ("FailedIndexes", "Job has failed indexes")
    assert (status["completedIndexes"], status["failedIndexes"], status["succeeded"]) == ("0,2", "1", 2)
    await batch.no_pod_is_held()


async def test_too_many_failed_indexes_end_the_job(batch):
    await batch.create(
        completions=4, parallelism=3, completionMode="Indexed", backoffLimitPerIndex=0, maxFailedIndexes=1
    )
    pods = await batch.active(3)
    await batch.fail(pods[0])
    await batch.says(failedIndexes="0", active=3)
    await batch.fail(pods[2])
    ended = await batch.has_condition("Failed")
    text = "Job has exceeded the specified maximal number of failed indexes"
    assert why(ended) == ("MaxFailedIndexesExceeded", text)
    assert (await batch.status())["failedIndexes"] == "0,2"


def on_exit(action, *values, operator="In", container=None):
    codes = {"operator": operator, "values": list(values), **({"containerName": container} if container else {})}
    return {"action": action, "onExitCodes": codes}


async def test_an_exit_code_may_fail_the_job_at_once(batch):
    rules = [on_exit("Count", 1), on_exit("FailJob", 1, operator="NotIn", container="c")]
    await batch.create(podFailurePolicy={"rules": rules})
    (pod,) = await batch.active(1)
    await batch.fail(pod, 42)
    ended = await batch.has_condition("Failed")
    name = pod["metadata"]["name"]
    text = f"Container c for pod default/{name} failed with exit code 42 matching FailJob rule at index 1"
    assert why(ended) == ("PodFailurePolicy", text)
    assert (await batch.status())["failed"] == 1


async def test_a_disruption_may_be_ignored(batch):
    rule = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
    await batch.create(podFailurePolicy={"rules": [rule]}, backoffLimit=0)
    (pod,) = await batch.active(1)
    await batch.fail(pod, 137, conditions=[{"type": "DisruptionTarget", "status": "True"}])
    await batch.says(active=None)
    await batch.clock.advance(10)
    await batch.active(1)
    status = await batch.status()
    assert "failed" not in status
    assert condition(status, "Failed") is None


async def test_an_exit_code_may_fail_its_index(batch):
    await batch.create(
        completions=2, parallelism=2, completionMode="Indexed", backoffLimitPerIndex=5,
        podFailurePolicy={"rules": [on_exit("FailIndex", 3)]},
    )  # fmt: skip
    pods = await batch.active(2)
    await batch.fail(pods[0], 3)
    await batch.says(failedIndexes="0", failed=1)
    await batch.end(pods[1])
    assert (await batch.has_condition("Failed"))["reason"] == "FailedIndexes"


@pytest.mark.parametrize(("policy", "replaced"), [("TerminatingOrFailed", True), ("Failed", False)])
async def test_a_pod_on_its_way_out_is_replaced_at_once_or_when_it_has_gone(batch, policy, replaced):
    await batch.plane.node("n")
    await batch.create(completions=1, podReplacementPolicy=policy)
    (pod,) = await batch.active(1)
    target = {"target": {"apiVersion": "v1", "kind": "Node", "name": "n"}}
    await batch.client.create(PODS, target, "default", pod["metadata"]["name"], "binding")
    await batch.client.delete(PODS, pod["metadata"]["name"], "default", {"gracePeriodSeconds": 30})
    await batch.says(terminating=1)
    await batch.clock.advance(15)
    if replaced:
        await batch.active(1)
        await batch.says(failed=1)
        return
    await batch.settle()
    assert await batch.pods(active=True) == []
    assert "failed" not in await batch.status()
    await batch.fail(pod, 143)
    await batch.says(failed=1, terminating=0)


async def test_a_suspended_job_has_no_pods_and_starts_anew_when_it_goes_on(batch):
    await batch.create(parallelism=2, completions=2, activeDeadlineSeconds=60)
    await batch.active(2)
    before = (await batch.status())["startTime"]
    await batch.clock.advance(40)
    await batch.change(suspend=True)
    await batch.has_condition("Suspended")
    assert why(condition(await batch.status(), "Suspended")) == ("JobSuspended", "Job suspended")
    await batch.says(active=None, failed=None, ready=0)
    assert await batch.told("Suspended") == "Job suspended"
    await batch.clock.advance(100)
    await batch.settle()
    assert await batch.pods() == []
    await batch.change(suspend=False)
    await batch.active(2)
    assert await batch.told("Resumed") == "Job resumed"
    status = await batch.status()
    assert condition(status, "Suspended") is None
    assert seconds(status["startTime"]) - seconds(before) >= 140
    assert condition(status, "Failed") is None


def seconds(text):
    return datetime.fromisoformat(text).timestamp()


async def test_a_job_that_is_made_suspended_has_not_started(batch):
    await batch.create(suspend=True)
    await batch.has_condition("Suspended")
    assert "startTime" not in await batch.status()
