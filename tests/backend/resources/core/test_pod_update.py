"""What may change in a pod once it exists."""

import copy

import pytest

from backend.resources.core.pod_defaults import default_pod
from backend.resources.core.pod_update import validate_pod_status_update, validate_pod_update

ONLY = (
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
    "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod(**spec):
    made = {
        "metadata": {"name": "p"},
        "spec": {
            "containers": [{"name": "c", "image": "busybox:1"}],
            "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 3}],
            **copy.deepcopy(spec),
        },
    }
    default_pod(made)
    return made


def faults(new, old):
    return [str(cause) for cause in validate_pod_update(new, old)]


ALLOWED = [
    ({}, {"containers": [{"name": "c", "image": "busybox:2", "imagePullPolicy": "IfNotPresent"}]}),
    ({}, {"activeDeadlineSeconds": 5}),
    ({"activeDeadlineSeconds": 5}, {"activeDeadlineSeconds": 4}),
    (
        {},
        {
            "tolerations": [
                {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 9},
                {"key": "b", "operator": "Exists"},
            ]
        },
    ),
    ({"terminationGracePeriodSeconds": -1}, {"terminationGracePeriodSeconds": 1}),
    ({"schedulingGates": [{"name": "a"}, {"name": "b"}]}, {"schedulingGates": [{"name": "b"}]}),
    ({"schedulingGates": [{"name": "a"}]}, {"schedulingGates": [{"name": "a"}], "nodeSelector": {"x": "y"}}),
]


@pytest.mark.parametrize(("old", "new"), ALLOWED)
def test_allowed_changes(old, new):
    assert faults(pod(**new), pod(**old)) == []


@pytest.mark.parametrize(
    ("new", "lines"),
    [
        ({"nodeName": "n"}, ['+  "nodeName": "n",']),
        ({"terminationGracePeriodSeconds": 1}, ['-  "terminationGracePeriodSeconds": 30,']),
        ({"nodeSelector": {"a": "b"}}, ['+    "a": "b"']),
        ({"volumes": [{"name": "v"}]}, ['+      "name": "v"']),
        (
            {"containers": [{"name": "c", "image": "busybox:1", "command": ["a"]}]},
            ['+      "command": ['],
        ),
    ],
)
def test_other_changes_are_refused_with_the_difference(new, lines):
    (fault,) = faults(pod(**new), pod())
    text, _, difference = fault.partition("\n")
    assert text == ONLY
    for line in lines:
        assert line in difference.splitlines()


REFUSED = [
    (
        {}, {"containers": [{"name": "c", "image": "x"}, {"name": "d", "image": "x"}]},
        ["spec.containers: Forbidden: pod updates may not add or remove containers"],
    ),
    (
        {"activeDeadlineSeconds": 5}, {"activeDeadlineSeconds": 6},
        ["spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value"],
    ),
    (
        {"activeDeadlineSeconds": 5}, {},
        ["spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value"],
    ),
    (
        {}, {"tolerations": []},
        ["spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"],
    ),
    (
        {}, {"schedulingGates": [{"name": "g"}]},
        ["spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'g'"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), REFUSED)
def test_refused_changes(old, new, expected):
    assert faults(pod(**new), pod(**old)) == expected


def test_nothing_of_the_old_pod_is_changed_by_the_comparison():
    old, new = pod(), pod(nodeName="n")
    before = copy.deepcopy((old, new))
    validate_pod_update(new, old)
    assert (old, new) == before


def with_status(**status):
    return {"spec": {"restartPolicy": "Never"}, "status": status}


def test_a_container_that_ended_for_good_stays_so():
    ended = {"name": "c", "state": {"terminated": {"exitCode": 1}}}
    old = with_status(containerStatuses=[ended])
    new = with_status(containerStatuses=[{"name": "c", "state": {"running": {}}}])
    (cause,) = validate_pod_status_update(new, old)
    assert str(cause) == (
        "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"
    )
    assert validate_pod_status_update(with_status(containerStatuses=[ended]), old) == []
    again = {"spec": {"restartPolicy": "OnFailure"}, "status": new["status"]}
    assert validate_pod_status_update(again, old) == []


def test_the_quality_of_service_class_stays():
    (cause,) = validate_pod_status_update(with_status(qosClass="Burstable"), with_status(qosClass="BestEffort"))
    assert str(cause) == 'status.qosClass: Invalid value: "Burstable": field is immutable'
