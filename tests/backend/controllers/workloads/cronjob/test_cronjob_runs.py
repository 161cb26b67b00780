"""CronJobs make Jobs when these are due, and clean up after them."""

from __future__ import annotations

import pytest

from backend.controllers.workloads.cronjob.controller import CRON_JOBS
from backend.controllers.workloads.job.controller import JOBS
from backend.machinery.client import PODS
from backend.machinery.controller import Controller
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
    await batch.pass_to(due - 0.2)
    assert await batch.runs() == []
    await batch.pass_to(due)
    assert await batch.runs() == [name_at(due)]
    job = await batch.job(name_at(due))
    assert job["metadata"]["labels"] == {"a": "b"}
    moment = job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"]
    assert moment.endswith("+05:30")
    assert timefmt.parse(moment) == due
    (owner,) = job["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"]) == (made["metadata"]["uid"], True)
    status = (await batch.cron_job())["status"]
    assert status["lastScheduleTime"] == timefmt.format_time(due)
    assert [run["name"] for run in status["active"]] == [name_at(due)]
    assert await batch.told("SuccessfulCreate", "c") == f"Created job {name_at(due)}"


async def test_runs_may_overlap_unless_that_is_forbidden(batch):
    made = await batch.create_cron_job("* * * * *")
    for number in (1, 2):
        await batch.pass_to(minute_after(made, number))
    assert len(await batch.runs()) == 2
    assert len((await batch.cron_job())["status"]["active"]) == 2


async def test_a_forbidden_run_waits_for_the_one_before(batch):
    made = await batch.create_cron_job("* * * * *", concurrencyPolicy="Forbid")
    first, second = minute_after(made), minute_after(made, 2)
    await batch.pass_to(first)
    await batch.pass_to(second)
    assert await batch.runs() == [name_at(first)]
    text = "Not starting job because prior execution is running and concurrency policy is Forbid"
    assert await batch.told("JobAlreadyActive", "c") == text
    await batch.finish_run(name_at(first))
    await batch.settle()
    assert await batch.runs() == [name_at(first), name_at(second)]


async def test_a_run_replaces_the_one_before(batch):
    made = await batch.create_cron_job("* * * * *", concurrencyPolicy="Replace")
    await batch.pass_to(minute_after(made))
    (pod,) = await batch.pods(active=True)
    assert pod["metadata"]["finalizers"] == [TRACKING]
    await batch.pass_to(minute_after(made, 2))
    assert await batch.runs() == [name_at(minute_after(made, 2))]
    status = (await batch.cron_job())["status"]
    assert [run["name"] for run in status["active"]] == await batch.runs()
    assert await batch.told("SuccessfulDelete", "c") == f"Deleted job {name_at(minute_after(made))}"

    async def replaced():
        return await batch.plane.find(PODS, pod["metadata"]["name"], "default") is None

    await batch.until(replaced)


async def test_a_run_that_succeeds_is_remembered_and_one_that_fails_is_not(batch):
    made = await batch.create_cron_job("* * * * *")
    first, second = minute_after(made), minute_after(made, 2)
    await batch.pass_to(first)
    await batch.finish_run(name_at(first))
    await batch.settle()
    status = (await batch.cron_job())["status"]
    assert "active" not in status
    ended = (await batch.job(name_at(first)))["status"]["completionTime"]
    assert status["lastSuccessfulTime"] == ended
    assert await batch.told("SawCompletedJob", "c") == f"Saw completed job: {name_at(first)}, condition: Complete"
    await batch.pass_to(second)
    await batch.finish_run(name_at(second), "Failed")
    await batch.settle()
    status = (await batch.cron_job())["status"]
    assert status["lastSuccessfulTime"] == ended
    assert status["lastScheduleTime"] == timefmt.format_time(second)


async def test_only_the_newest_runs_that_have_ended_are_kept(batch):
    made = await batch.create_cron_job("* * * * *", successfulJobsHistoryLimit=1, failedJobsHistoryLimit=0)
    for number, result in ((1, "Complete"), (2, "Failed"), (3, "Complete")):
        await batch.pass_to(minute_after(made, number))
        await batch.finish_run(name_at(minute_after(made, number)), result)
    await batch.settle()
    assert await batch.runs() == [name_at(minute_after(made, 3))]


async def test_a_suspended_cron_job_makes_nothing_until_it_goes_on(batch):
    made = await batch.create_cron_job("* * * * *", suspend=True)
    await batch.pass_to(minute_after(made, 2))
    assert await batch.runs() == []
    await batch.client.patch(CRON_JOBS, "c", {"spec": {"suspend": False}}, "default")
    await batch.settle()
    assert await batch.runs() == [name_at(minute_after(made, 2))]


async def test_of_missed_times_only_the_last_is_made_up_for(batch):
    made = await batch.create_cron_job("* * * * *", suspend=True)
    late = minute_after(made, 150)
    await batch.pass_to(late + 7)
    await batch.client.patch(CRON_JOBS, "c", {"spec": {"suspend": False}}, "default")
    await batch.settle()
    assert await batch.runs() == [name_at(late)]
    text = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
    assert await batch.told("TooManyMissedTimes", "c") == text


async def test_times_before_the_starting_deadline_are_not_made_up_for(batch):
    made = await batch.create_cron_job("* * * * *", suspend=True, startingDeadlineSeconds=20)
    await batch.pass_to(minute_after(made, 2) + 30)
    await batch.client.patch(CRON_JOBS, "c", {"spec": {"suspend": False}}, "default")
    await batch.settle()
    assert await batch.runs() == []
    await batch.pass_to(minute_after(made, 3))
    assert await batch.runs() == [name_at(minute_after(made, 3))]


async def test_a_new_schedule_starts_with_its_next_time(batch):
    made = await batch.create_cron_job("0 0 1 1 *")
    await batch.pass_to(minute_after(made, 2) + 30)
    await batch.client.patch(CRON_JOBS, "c", {"spec": {"schedule": "* * * * *"}}, "default")
    await batch.settle()
    assert await batch.runs() == []
    await batch.pass_to(minute_after(made, 3))
    assert await batch.runs() == [name_at(minute_after(made, 3))]


async def test_a_run_that_somebody_deleted_is_not_waited_for(batch):
    made = await batch.create_cron_job("* * * * *", concurrencyPolicy="Forbid")
    await batch.pass_to(minute_after(made))
    run = name_at(minute_after(made))
    await batch.client.delete(JOBS, run, "default", {"propagationPolicy": "Background"})
    await batch.settle()
    assert await batch.told("MissingJob", "c") == f"Active job went missing: {run}"
    await batch.pass_to(minute_after(made, 2))
    assert await batch.runs() == [name_at(minute_after(made, 2))]


async def test_a_run_that_was_made_before_we_were_ended_is_not_made_again(batch, monkeypatch):
    made = await batch.create_cron_job("* * * * *")
    update = batch.client.update

    async def dead(gvr, obj, subresource=""):
        if gvr == CRON_JOBS:
            raise ApiError(500, "InternalError", "gone")
        return await update(gvr, obj, subresource)

    monkeypatch.setattr(batch.client, "update", dead)
    await batch.pass_to(minute_after(made))
    assert await batch.runs() == [name_at(minute_after(made))]
    monkeypatch.undo()
    await batch.pass_to(minute_after(made) + 30)
    status = (await batch.cron_job())["status"]
    assert [run["name"] for run in status["active"]] == await batch.runs() == [name_at(minute_after(made))]


@pytest.mark.parametrize("suspend", [True, False])
async def test_nothing_happens_between_the_times(batch, suspend):
    made = await batch.create_cron_job("0 * * * *", suspend=suspend)
    await batch.settle()
    figures = [figure for figure in Controller.all_figures() if figure.name == "cronjob-controller"]
    before = figures[-1].reconciles
    start = timefmt.parse(made["metadata"]["creationTimestamp"])
    await batch.pass_to(min(start + 3000, start // 3600 * 3600 + 3599))
    figures = [figure for figure in Controller.all_figures() if figure.name == "cronjob-controller"]
    assert figures[-1].reconciles == before
