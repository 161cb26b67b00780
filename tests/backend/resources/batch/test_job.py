"""Jobs: what they get, what they are refused for, and what their status may say."""

import copy

import pytest

from backend.resources.batch.job import JOB
from tests.support.workloads import faults, status_faults, template, update_faults, workload

NOW = 1_700_000_000.0
DONE = {"type": "Complete", "status": "True"}
CRITERIA = {"type": "SuccessCriteriaMet", "status": "True"}
START, END = "2023-11-14T22:00:00Z", "2023-11-14T22:01:00Z"


def job(**spec):
    return workload(JOB, **{"selector": None, "template": template(restartPolicy="Never"), **spec})


def test_a_minimal_job_is_what_kube_apiserver_stores():
    made = job()
    assert faults(JOB, made) == []
    assert {name: value for name, value in made["spec"].items() if name != "template"} == {
        "completions": 1, "parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": False,
        "manualSelector": False, "podReplacementPolicy": "TerminatingOrFailed",
        "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "u1"}},
    }  # fmt: skip
    assert made["metadata"]["labels"] == {"app": "a"}
    assert made["spec"]["template"]["metadata"]["labels"] == {
        "app": "a", "job-name": "w", "controller-uid": "u1", "batch.kubernetes.io/job-name": "w",
        "batch.kubernetes.io/controller-uid": "u1",
    }  # fmt: skip


def test_completions_are_only_assumed_where_nothing_is_said():
    assert "completions" not in job(parallelism=3)["spec"]
    assert job(completions=5)["spec"]["parallelism"] == 1
    assert job(backoffLimitPerIndex=1)["spec"]["backoffLimit"] == 2**31 - 1


def test_a_job_may_select_its_pods_itself():
    made = job(manualSelector=True, selector={"matchLabels": {"app": "a"}})
    assert faults(JOB, made) == []
    assert made["spec"]["template"]["metadata"]["labels"] == {"app": "a"}


def test_a_label_that_contradicts_the_generated_one_is_refused():
    made = job(template=template({"job-name": "other"}, restartPolicy="Never"))
    found = faults(JOB, made)
    assert [fault.partition(": ")[0] for fault in found] == ["spec.template.metadata.labels[job-name]"]
    assert found[0].endswith("must be 'w'")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {"template": template()},
            'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
        ),
        ({"parallelism": -1}, "spec.parallelism: Invalid value: -1: must be greater than or equal to 0"),
        (
            {"completionMode": "Indexed", "parallelism": 2},
            "spec.completions: Required value: when completion mode is Indexed",
        ),
        (
            {"completionMode": "Indexed", "parallelism": 200_000, "completions": 1},
            "spec.parallelism: Invalid value: 200000: must be less than or equal to 100000 when completion mode is"
            " Indexed",
        ),
        ({"maxFailedIndexes": 1, "backoffLimitPerIndex": 1, "completionMode": "Indexed", "completions": 0},
         "spec.maxFailedIndexes: Invalid value: 1: must be less than or equal to completions"),
        ({"backoffLimitPerIndex": 1},
         "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"),
        ({"podReplacementPolicy": "Never"},
         'spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", "TerminatingOrFailed"'),
        ({"managedBy": "me"},
         'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'),
        ({"completionMode": "Some"},
         'spec.completionMode: Unsupported value: "Some": supported values: "NonIndexed", "Indexed"'),
        ({"successPolicy": {"rules": [{"succeededCount": 1}]}},
         'spec.successPolicy: Invalid value: {"Rules":[{"SucceededIndexes":null,"SucceededCount":1}]}: requires indexed'
         " completion mode"),
        ({"successPolicy": {"rules": [{"succeededIndexes": "0-5"}]}, "completionMode": "Indexed", "completions": 3},
         'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-5": error parsing succeededIndexes: too large'
         ' index: "5"'),
        ({"successPolicy": {"rules": [{"succeededIndexes": "0,2", "succeededCount": 3}]}, "completionMode": "Indexed",
          "completions": 3},
         "spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of"
         " indexes in the specified succeededIndexes field)"),
    ],
)  # fmt: skip
def test_what_a_job_is_refused_for(spec, expected):
    assert faults(JOB, job(**spec)) == [expected]


def test_an_indexed_jobs_name_must_leave_room_for_the_index():
    made = workload(JOB, "w" * 62, selector=None, completionMode="Indexed", completions=10,
                    template=template(restartPolicy="Never"))  # fmt: skip
    assert faults(JOB, made)[0].endswith(f"will not able to create pod with invalid DNS label: {'w' * 62}-9")


def policy(**rule):
    return {"podFailurePolicy": {"rules": [{"action": "FailJob", **rule}]}}


PATH = "spec.podFailurePolicy.rules[0]"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (policy(onPodConditions=[{"type": "DisruptionTarget"}]), []),
        (policy(), [f"{PATH}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required"]),
        (policy(action="", onPodConditions=[{"type": "a"}]),
         [f'{PATH}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]']),
        (policy(action="FailIndex", onPodConditions=[{"type": "a"}]),
         [f'{PATH}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set']),
        (policy(onExitCodes={"operator": "In", "values": [0, 3, 2, 2]}),
         [f"{PATH}.onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator",
          f"{PATH}.onExitCodes.values[3]: Duplicate value: 2",
          f"{PATH}.onExitCodes.values: Invalid value: [0,3,2,2]: must be ordered"]),
        (policy(onExitCodes={"operator": "Is", "values": [1], "containerName": "d"}),
         [f'{PATH}.onExitCodes.operator: Unsupported value: "Is": supported values: "In", "NotIn"',
          f'{PATH}.onExitCodes.containerName: Invalid value: "d": must be one of the container or initContainer names'
          " in the pod template"]),
    ],
)  # fmt: skip
def test_what_a_pod_failure_policy_is_refused_for(spec, expected):
    assert faults(JOB, job(**spec)) == expected


@pytest.mark.parametrize(
    ("old", "change", "expected"),
    [
        ({}, {"parallelism": 4}, []),
        ({}, {"suspend": True}, []),
        ({}, {"completions": 2}, ["spec.completions: Invalid value: 2: field is immutable"]),
        ({"completionMode": "Indexed", "completions": 2}, {"completions": 3, "parallelism": 3}, []),
        (
            {"completionMode": "Indexed", "completions": 2},
            {"completions": 3},
            ["spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism"],
        ),
        (
            {},
            {"managedBy": "a.b/c"},
            ['spec.managedBy: Invalid value: "a.b/c": field is immutable'],
        ),
    ],
)
def test_what_may_change_in_a_job(old, change, expected):
    assert update_faults(JOB, job(**old), lambda spec: spec.update(change)) == expected


def test_where_a_job_runs_may_change_until_it_has_started():
    def change(spec):
        spec["template"]["spec"]["nodeSelector"] = {"a": "b"}
        spec["template"]["spec"]["affinity"] = {"nodeAffinity": {}}
        spec["template"]["metadata"]["labels"]["new"] = "x"

    assert update_faults(JOB, job(suspend=True), change) == []
    running = update_faults(JOB, job(), change)
    assert [fault.partition(": ")[0] for fault in running] == ["spec.template"]
    started = job(suspend=True)
    started["status"] = {"startTime": START}
    assert update_faults(JOB, started, change) == running


def test_nothing_else_of_the_template_may_change_even_then():
    def change(spec):
        spec["template"]["spec"]["containers"][0]["image"] = "other"

    assert len(update_faults(JOB, job(suspend=True), change)) == 1


@pytest.mark.parametrize(
    ("status", "old", "expected"),
    [
        ({"active": 1, "ready": 1, "startTime": START}, {}, []),
        ({"conditions": [CRITERIA, DONE], "startTime": START, "completionTime": END, "succeeded": 1}, {}, []),
        ({"active": 1, "ready": 2}, {}, ["status.ready: Invalid value: 2: cannot set more ready pods than active"]),
        ({"conditions": [CRITERIA, DONE], "completionTime": END},
         {}, ["status.startTime: Required value: startTime is required for finished job"]),
        ({"conditions": [DONE], "startTime": START, "completionTime": END},
         {}, ["status.conditions: Invalid value: cannot set Complete=True condition without the"
              " SuccessCriteriaMet=true condition"]),
        ({"conditions": [CRITERIA, DONE], "startTime": START},
         {}, ["status.completionTime: Required value: completionTime is required for Complete jobs"]),
        ({"completionTime": END}, {},
         [f'status.completionTime: Invalid value: "{END}": cannot set completionTime when there is no Complete=True'
          " condition"]),
        ({}, {"failed": 2}, ["status.failed: Invalid value: 0: cannot decrease the failed counter"]),
        ({}, {"startTime": START},
         ["status.startTime: Required value: startTime cannot be removed for unsuspended job"]),
        ({}, {"conditions": [{"type": "Failed", "status": "True"}]},
         ["status.conditions: Invalid value: cannot disable the terminal Failed=True condition"]),
        ({"uncountedTerminatedPods": {"succeeded": ["a"], "failed": ["a", ""]}}, {},
         ['status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
          'status.uncountedTerminatedPods.failed[1]: Invalid value: "": must not be empty']),
        ({"completedIndexes": "0"}, {},
         ['status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed'
          " completion mode"]),
    ],
)  # fmt: skip
def test_what_a_jobs_status_may_say(status, old, expected):
    spec = {"selector": None, "template": template(restartPolicy="Never")}
    assert status_faults(JOB, status, old, **spec) == expected


def test_failed_and_completed_indexes_are_different_ones():
    spec = {
        "selector": None, "template": template(restartPolicy="Never"), "completionMode": "Indexed",
        "completions": 9, "backoffLimitPerIndex": 1,
    }  # fmt: skip
    assert status_faults(JOB, {"completedIndexes": "0-3", "failedIndexes": "5,7"}, **spec) == []
    assert status_faults(JOB, {"completedIndexes": "0-3", "failedIndexes": "2,7"}, **spec) == [
        'status.failedIndexes: Invalid value: "2,7": failedIndexes and completedIndexes overlap at index: 2'
    ]
    assert status_faults(JOB, {"completedIndexes": "3,1", "failedIndexes": "x"}, **spec) == [
        'status.completedIndexes: Invalid value: "3,1": error parsing completedIndexes: non-increasing order,'
        " previous: 3, current: 1",
        'status.failedIndexes: Invalid value: "x": error parsing failedIndexes: cannot convert string to integer for'
        ' index: "x"',
    ]


@pytest.mark.parametrize(
    ("status", "cells"),
    [
        ({}, ["Running", "0/1", ""]),
        ({"startTime": "2023-11-14T22:13:00Z", "succeeded": 1}, ["Running", "1/1", "20s"]),
        ({"startTime": START, "completionTime": END, "conditions": [DONE]}, ["Complete", "0/1", "60s"]),
        ({"conditions": [{"type": "Suspended", "status": "True"}]}, ["Suspended", "0/1", ""]),
    ],
)
def test_a_job_in_a_table(status, cells):
    made = {**job(), "status": status}
    assert JOB.row(made, NOW)[1:4] == cells


def test_a_job_without_a_goal_shows_how_many_work_at_once():
    assert JOB.row(job(parallelism=3), NOW)[2] == "0/1 of 3"
    ending = copy.deepcopy(job())
    ending["metadata"]["deletionTimestamp"] = START
    assert JOB.row(ending, NOW)[1] == "Terminating"


def test_an_indexed_job_that_shrinks_has_fewer_successes():
    spec = {
        "selector": None, "template": template(restartPolicy="Never"), "completionMode": "Indexed",
        "completions": 2, "parallelism": 2,
    }  # fmt: skip
    assert status_faults(JOB, {"succeeded": 1}, {"succeeded": 3}, **spec) == []
    assert status_faults(JOB, {"succeeded": 1}, {"succeeded": 3}, **{**spec, "parallelism": 1}) == [
        "status.succeeded: Invalid value: 1: cannot decrease the succeeded counter"
    ]


def test_a_job_that_is_resumed_starts_anew():
    spec = {"selector": None, "template": template(restartPolicy="Never")}
    before = {"startTime": START, "conditions": [{"type": "Suspended", "status": "True"}]}
    resumed = [{"type": "Suspended", "status": "False"}]
    assert status_faults(JOB, {"startTime": END, "conditions": resumed}, before, **spec) == []
    assert status_faults(JOB, {"startTime": END, "conditions": before["conditions"]}, before, **spec) == [
        "status.startTime: Required value: startTime cannot be removed for unsuspended job"
    ]
