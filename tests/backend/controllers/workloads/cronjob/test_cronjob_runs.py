"""CronJobs make Jobs when these are due, and clean up after them."""

from __future__ import annotations

import pytest

from backend.controllers.workloads.cronjob.controller import CRON_JOBS
from backend.controllers.workloads.job.controller import JOBS
from backend.machinery.client import PODS
from backend.meta import timefmt
from backend.meta.errors import ApiError
from tests.support.batch import TRACKING


def minute_after(made, number=1):
    """The whole minute, `number` minutes on from a CronJob's creation."""
    return (timefmt.parse(made["metadata"]["creationTimestamp"]) // 60 + number) * 60


def name_at(moment):
    return f"c-{int(moment) // 60}"


async def test_a_run_is_made_when_it_is_due_and_not_before(batch):
    template = {"metadata": {"labels": {"a": "b"}, "annotations": {"x": "y"}}}
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}
    template["spec"] = {"template": {"spec": pod}}
    made = await batch.create_cron_job("* * * * *", template=template, timeZone="Asia/Kolkata")
    due = minute_after(made)
    await batch.pass_to(due - 1)
    assert await batch.runs() == []
    await batch.pass_to(due)
    await batch.has_runs(name_at(due))
    job = await batch.job(name_at(due))
    assert job["metadata"]["labels"] == {"a": "b"}
    moment = job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"]
    assert moment.endswith("+05:30")
    assert timefmt.parse(moment) == due
    (owner,) = job["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"]) == (made["metadata"]["uid"], True)
    await batch.cron_says(lastScheduleTime=timefmt.format_time(due), active=[name_at(due)])
    assert await batch.told("SuccessfulCreate", "c") == f"Created job {name_at(due)}"


async def test_runs_may_overlap_unless_that_is_forbidden(batch):
    made = await batch.create_cron_job("* * * * *")
    names = [name_at(minute_after(made, number)) for number in (1, 2)]
    for number in (1, 2):
        await batch.pass_to(minute_after(made, number))
        await batch.has_runs(*names[:number])
    await batch.cron_says(active=names)


async def test_a_forbidden_run_waits_for_the_one_before(batch):
    made = await batch.create_cron_job("* * * * *", concurrencyPolicy="Forbid")
    first, second = minute_after(made), minute_after(made, 2)
    await batch.pass_to(first)
    await batch.has_runs(name_at(first))
    await batch.pass_to(second)
    await batch.has_runs(name_at(first))
    text = "Not starting job because prior execution is running and concurrency policy is Forbid"
    assert await batch.told("JobAlreadyActive", "c") == text
    await batch.finish_run(name_at(first))
    await batch.has_runs(name_at(first), name_at(second))


async def test_a_run_replaces_the_one_before(batch):
    made = await batch.create_cron_job("* * * * *", concurrencyPolicy="Replace")
    await batch.pass_to(minute_after(made))

    async def running():
        return await batch.pods(active=True)

    (pod,) = await batch.until(running)
    assert pod["metadata"]["finalizers"] == [TRACKING]
    await batch.pass_to(minute_after(made, 2))
    await batch.has_runs(name_at(minute_after(made, 2)))
    await batch.cron_says(active=[name_at(minute_after(made, 2))])
    assert await batch.told("SuccessfulDelete", "c") == f"Deleted job {name_at(minute_after(made))}"

    async def replaced():
        return await batch.plane.find(PODS, pod["metadata"]["name"], "default") is None

    await batch.until(replaced)


async def test_a_run_that_succeeds_is_remembered_and_one_that_fails_is_not(batch):
    made = await batch.create_cron_job("* * * * *")
    first, second = minute_after(made), minute_after(made, 2)
    await batch.pass_to(first)
    await batch.cron_says(active=[name_at(first)])
    await batch.finish_run(name_at(first))
    ended = (await batch.job(name_at(first)))["status"]["completionTime"]
    await batch.cron_says(active=[], lastSuccessfulTime=ended)
    assert await batch.told("SawCompletedJob", "c") == f"Saw completed job: {name_at(first)}, condition: Complete"
    await batch.pass_to(second)
    moment = timefmt.format_time(second)
    await batch.cron_says(active=[name_at(second)], lastScheduleTime=moment)
    await batch.finish_run(name_at(second), "Failed")
    await batch.cron_says(active=[], lastSuccessfulTime=ended, lastScheduleTime=moment)


async def test_only_the_newest_runs_that_have_ended_are_kept(batch):
    made = await batch.create_cron_job("* * * * *", successfulJobsHistoryLimit=1, failedJobsHistoryLimit=0)
    for number, result in ((1, "Complete"), (2, "Failed"), (3, "Complete")):
        name = name_at(minute_after(made, number))
        await batch.pass_to(minute_after(made, number))
        await batch.cron_says(active=[name])
        await batch.finish_run(name, result)
    await batch.has_runs(name_at(minute_after(made, 3)))


async def test_a_suspended_cron_job_makes_nothing_until_it_goes_on(batch):
    made = await batch.create_cron_job("* * * * *", suspend=True)
    await batch.pass_to(minute_after(made, 2))
    assert await batch.runs() == []
    await batch.client.patch(CRON_JOBS, "c", {"spec": {"suspend": False}}, "default")
    await batch.has_runs(name_at(minute_after(made, 2)))


async def test_of_missed_times_only_the_last_is_made_up_for(batch):
    made = await batch.create_cron_job("* * * * *", suspend=True)
    late = minute_after(made, 150)
    await batch.pass_to(late + 7)
    await batch.client.patch(CRON_JOBS, "c", {"spec": {"suspend": False}}, "default")
    await batch.has_runs(name_at(late))
    text = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
    assert await batch.told("TooManyMissedTimes", "c") == text


async def test_times_before_the_starting_deadline_are_not_made_up_for(batch):
    made = await batch.create_cron_job("* * * * *", suspend=True, startingDeadlineSeconds=20)
    await batch.pass_to(minute_after(made, 2) + 30)
    await batch.client.patch(CRON_JOBS, "c", {"spec": {"suspend": False}}, "default")
    await batch.settle()
    assert await batch.runs() == []
    await batch.pass_to(minute_after(made, 3))
    await batch.has_runs(name_at(minute_after(made, 3)))


async def test_a_new_schedule_starts_with_its_next_time(batch):
    made = await batch.create_cron_job("0 0 1 1 *")
    await batch.pass_to(minute_after(made, 2) + 30)
    await batch.client.patch(CRON_JOBS, "c", {"spec": {"schedule": "* * * * *"}}, "default")
    await batch.settle()
    assert await batch.runs() == []
    await batch.pass_to(minute_after(made, 3))
    await batch.has_runs(name_at(minute_after(made, 3)))


async def test_a_run_that_somebody_deleted_is_not_waited_for(batch):
    made = await batch.create_cron_job("* * * * *", concurrencyPolicy="Forbid")
    await batch.pass_to(minute_after(made))
    run = name_at(minute_after(made))
    await batch.cron_says(active=[run])
    await batch.client.delete(JOBS, run, "default", {"propagationPolicy": "Background"})
    assert await batch.told("MissingJob", "c") == f"Active job went missing: {run}"
    await batch.pass_to(minute_after(made, 2))
    await batch.has_runs(name_at(minute_after(made, 2)))


async def test_a_run_that_was_made_before_we_were_ended_is_not_made_again(batch, monkeypatch):
    made = await batch.create_cron_job("* * * * *")
    update = batch.client.update

    async def dead(gvr, obj, subresource=""):
        if gvr == CRON_JOBS:
            raise ApiError(500, "InternalError", "gone")
        return await update(gvr, obj, subresource)

    monkeypatch.setattr(batch.client, "update", dead)
    await batch.pass_to(minute_after(made))
    await batch.has_runs(name_at(minute_after(made)))
    monkeypatch.undo()
    await batch.pass_to(minute_after(made) + 30)
    await batch.cron_says(active=[name_at(minute_after(made))])
    assert await batch.runs() == [name_at(minute_after(made))]


@pytest.mark.parametrize("suspend", [True, False])
async def test_nothing_happens_between_the_times(batch, suspend):
    made = await batch.create_cron_job("0 * * * *", suspend=suspend)
    await batch.settle()
    before = batch.cron.controller.stats.reconciles
    start = timefmt.parse(made["metadata"]["creationTimestamp"])
    await batch.pass_to(start // 3600 * 3600 + 3599)
    assert batch.cron.controller.stats.reconciles == before
