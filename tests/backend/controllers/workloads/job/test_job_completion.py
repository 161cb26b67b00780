"""Jobs that succeed: as many pods at once as they may have, until enough have succeeded."""

from __future__ import annotations

import pytest

from tests.support.batch import INDEX, TRACKING, condition, index, why

REACHED = ("CompletionsReached", "Reached expected number of succeeded pods")


async def test_a_job_is_complete_when_its_pod_has_succeeded(batch):
    await batch.create()
    (pod,) = await batch.active(1)
    assert pod["metadata"]["finalizers"] == [TRACKING]
    assert pod["metadata"]["generateName"] == "j-"
    await batch.end(pod)
    done = await batch.has_condition("Complete")
    status = await batch.status()
    assert why(done) == REACHED
    assert why(condition(status, "SuccessCriteriaMet")) == REACHED
    assert status["completionTime"] == done["lastTransitionTime"]
    assert (status["succeeded"], status["ready"], status["terminating"]) == (1, 0, 0)
    assert status["uncountedTerminatedPods"] == {}
    assert "active" not in status
    await batch.no_pod_is_held()
    assert await batch.told("SuccessfulCreate") == f"Created pod: {pod['metadata']['name']}"
    assert await batch.told("Completed") == "Job completed"


async def test_pods_run_in_parallel_and_never_more_than_are_still_needed(batch):
    await batch.create(completions=3, parallelism=2)
    first = await batch.active(2)
    await batch.end(first[0])
    second = await batch.active(2)
    assert first[1]["metadata"]["name"] in [pod["metadata"]["name"] for pod in second]
    await batch.end(first[1])
    (last,) = await batch.active(1)
    await batch.end(last)
    await batch.has_condition("Complete")
    assert (await batch.status())["succeeded"] == 3
    assert len(await batch.pods()) == 3


async def test_a_job_without_completions_is_done_once_one_succeeds_and_the_others_have_ended(batch):
    await batch.create(parallelism=3)
    pods = await batch.active(3)
    await batch.end(pods[0])
    await batch.active(2)
    await batch.fail(pods[1])
    await batch.active(1)
    await batch.end(pods[2])
    await batch.has_condition("Complete")
    status = await batch.status()
    assert (status["succeeded"], status["failed"]) == (2, 1)
    assert len(await batch.pods()) == 3


async def test_a_job_that_asks_for_nothing_is_complete_at_once(batch):
    await batch.create(completions=0)
    await batch.has_condition("Complete")
    assert await batch.pods() == []


async def test_each_index_gets_a_pod_that_knows_it(batch):
    await batch.create(completions=4, parallelism=2, completionMode="Indexed")
    first = await batch.active(2)
    assert [index(pod) for pod in first] == [0, 1]
    pod = first[1]
    assert pod["metadata"]["labels"][INDEX] == "1"
    assert pod["metadata"]["generateName"] == "j-1-"
    assert pod["spec"]["hostname"] == "j-1"
    (variable,) = pod["spec"]["containers"][0]["env"]
    assert variable["name"] == "JOB_COMPLETION_INDEX"
    assert variable["valueFrom"]["fieldRef"]["fieldPath"] == f"metadata.labels['{INDEX}']"
    await batch.end(first[1])
    assert [index(pod) for pod in await batch.active(2)] == [0, 2]
    await batch.says(completedIndexes="1", succeeded=1)


async def test_the_indexes_that_are_done_are_told_as_intervals(batch):
    await batch.create(completions=6, parallelism=6, completionMode="Indexed")
    pods = await batch.active(6)
    for done in (0, 2, 3, 4):
        await batch.end(pods[done])
    await batch.active(2)
    await batch.says(completedIndexes="0,2-4")
    await batch.end(pods[1])
    await batch.end(pods[5])
    await batch.has_condition("Complete")
    status = await batch.status()
    assert (status["completedIndexes"], status["succeeded"]) == ("0-5", 6)


@pytest.mark.parametrize(
    ("rule", "ended", "number"),
    [
        ({"succeededIndexes": "0"}, (0,), 0),
        ({"succeededIndexes": "1-3", "succeededCount": 2}, (1, 3), 0),
        ({"succeededCount": 2}, (0, 2), 0),
    ],
)
async def test_a_success_policy_ends_a_job_early(batch, rule, ended, number):
    await batch.create(completions=4, parallelism=4, completionMode="Indexed", successPolicy={"rules": [rule]})
    pods = await batch.active(4)
    for done in ended:
        await batch.end(pods[done])
    done = await batch.has_condition("Complete")
    status = await batch.status()
    assert why(done) == ("SuccessPolicy", f"Matched rules at index {number}")
    assert why(condition(status, "SuccessCriteriaMet")) == why(done)
    assert (status["succeeded"], status.get("failed", 0)) == (len(ended), 0)
    assert await batch.pods(active=True) == []
    await batch.no_pod_is_held()


async def test_an_indexed_job_grows_and_shrinks(batch):
    await batch.create(completions=3, parallelism=3, completionMode="Indexed")
    pods = await batch.active(3)
    await batch.end(pods[2])
    await batch.active(2)
    await batch.change(completions=5, parallelism=5)
    assert [index(pod) for pod in await batch.active(4)] == [0, 1, 3, 4]
    await batch.change(completions=2, parallelism=2)
    assert [index(pod) for pod in await batch.active(2)] == [0, 1]
    await batch.says(completedIndexes=None, succeeded=None)
    for pod in pods[:2]:
        await batch.end(pod)
    await batch.has_condition("Complete")
    status = await batch.status()
    assert (status["completedIndexes"], status["succeeded"], status.get("failed", 0)) == ("0,1", 2, 0)


async def test_less_parallelism_deletes_pods_that_do_not_count_as_failed(batch):
    await batch.create(completions=5, parallelism=3)
    await batch.active(3)
    await batch.change(parallelism=1)
    await batch.active(1)
    await batch.says(active=1, failed=None)
