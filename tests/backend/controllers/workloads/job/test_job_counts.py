"""What a Job's pods make of its counts, without a server."""

from __future__ import annotations

import pytest

from backend.controllers.workloads.job import counting
from backend.controllers.workloads.job.backoff import Failures, finish_time
from backend.controllers.workloads.job.ending import end_of
from backend.controllers.workloads.job.pod_control import surplus
from backend.controllers.workloads.job.view import View
from backend.meta import timefmt
from tests.support.batch import INDEX, TRACKING

START = timefmt.parse("2024-05-01T10:00:00Z")


def a_job(status=None, **spec):
    given = {"parallelism": 1, "completionMode": "NonIndexed", "backoffLimit": 6, "template": {"spec": {}}, **spec}
    return {"metadata": {"name": "j", "namespace": "n", "uid": "u"}, "spec": given, "status": status or {}}


def a_pod(number, phase="Running", *, ended=0.0, tracked=True, index=None, **meta):
    container = {"name": "c", "state": {"terminated": {"finishedAt": timefmt.format_time(START + ended)}}}
    return {
        "metadata": {
            "name": f"p{number}", "namespace": "n", "uid": f"u{number}",
            "creationTimestamp": timefmt.format_time(START), "finalizers": [TRACKING] if tracked else [],
            "annotations": {INDEX: str(index)} if index is not None else {}, **meta,
        },
        "spec": {"nodeName": "n"},
        "status": {"phase": phase, **({} if phase == "Running" else {"containerStatuses": [container]})},
    }  # fmt: skip


def names(pods):
    return [pod["metadata"]["name"] for pod in pods]


def test_a_status_holds_no_more_than_five_hundred_uids_at_a_time():
    pods = [a_pod(number, "Succeeded") for number in range(600)]
    view = View(a_job(completions=700), pods, None, START)
    released, everything = counting.note_ended(view, None)
    assert (len(released), everything) == (500, False)
    assert len(view.status["uncountedTerminatedPods"]["succeeded"]) == 500
    counting.count_released(view, {pod["metadata"]["uid"] for pod in pods[500:]})
    assert (view.status["succeeded"], view.status["uncountedTerminatedPods"]) == (500, {})
    again = View(a_job(view.status, completions=700), pods[500:], None, START)
    assert again.succeeded == 600
    released, everything = counting.note_ended(again, None)
    assert (len(released), everything) == (100, True)


def test_a_pod_that_is_noted_is_not_noted_again_and_is_counted_when_it_is_free():
    status = {"uncountedTerminatedPods": {"succeeded": ["u1"], "failed": ["u2"]}, "failed": 3}
    pods = [a_pod(1, "Succeeded"), a_pod(2, "Failed", tracked=False)]
    view = View(a_job(status, completions=5), pods, None, START)
    assert (view.succeeded, view.failed) == (1, 4)
    released, _ = counting.note_ended(view, None)
    assert names(released) == ["p1"]
    assert view.status["uncountedTerminatedPods"] == {"succeeded": ["u1"]}
    assert view.status["failed"] == 4


def test_the_view_changes_nothing_of_what_came_from_a_cache():
    status = {"uncountedTerminatedPods": {"failed": ["u2"]}, "failed": 1}
    job = a_job(status, completions=5)
    view = View(job, [a_pod(1, "Failed")], None, START)
    counting.note_ended(view, end_of(view))
    counting.count_released(view, set())
    assert job["status"] == {"uncountedTerminatedPods": {"failed": ["u2"]}, "failed": 1}


def test_after_a_restart_the_failures_are_found_again_by_the_pods():
    pods = [
        a_pod(1, "Failed", ended=1, tracked=False),
        a_pod(2, "Succeeded", ended=5, tracked=False),
        a_pod(3, "Failed", ended=7, tracked=False),
        a_pod(4, "Failed", ended=9),
    ]
    view = View(a_job(completions=5), pods, None, START + 10)
    assert view.failures == Failures(2, START + 9)
    assert view.failures.wait(START + 10) == 19


def test_failures_are_counted_on_until_a_success():
    failures = Failures(2, START).and_then([], [a_pod(1, "Failed", ended=4)])
    assert failures == Failures(3, START + 4)
    assert failures.and_then([], []) == failures
    assert failures.and_then([a_pod(2, "Succeeded", ended=6)], [a_pod(3, "Failed", ended=5)]) == Failures()
    assert Failures(30, START).wait(START) == 600


def test_when_a_pod_ended_is_told_by_what_it_has():
    assert finish_time(a_pod(1, "Failed", ended=3)) == START + 3
    ready = {"type": "Ready", "status": "False", "lastTransitionTime": timefmt.format_time(START + 8)}
    pod = a_pod(1)
    assert finish_time({**pod, "status": {"conditions": [ready]}}) == START + 8
    going = a_pod(1, deletionTimestamp=timefmt.format_time(START + 40), deletionGracePeriodSeconds=30)
    assert finish_time(going) == START + 10
    assert finish_time(pod) == START


def test_pods_of_one_index_and_of_none_are_too_many():
    job = a_job(parallelism=3, completions=3, completionMode="Indexed")
    pods = [a_pod(1, index=0), a_pod(2, index=0), a_pod(3, index=1), a_pod(4, index=7), a_pod(5)]
    assert len(surplus(View(job, pods, None, START))) == 3
    left = set(names(pods)) - set(names(surplus(View(job, pods, None, START))))
    assert "p3" in left
    assert len(left & {"p1", "p2"}) == 1


@pytest.mark.parametrize(
    ("spec", "pods", "reason"),
    [
        ({"backoffLimit": 0}, [a_pod(1, "Failed")], "BackoffLimitExceeded"),
        ({"backoffLimit": 1}, [a_pod(1, "Failed")], None),
        ({"activeDeadlineSeconds": 5}, [a_pod(1)], None),
    ],
)
def test_how_a_job_ends(spec, pods, reason):
    end = end_of(View(a_job(**spec), pods, None, START))
    assert (end and end.reason) == reason
