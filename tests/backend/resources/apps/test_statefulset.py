"""Stateful sets, daemon sets and their revisions."""

import pytest

from backend.resources.apps.controllerrevision import CONTROLLER_REVISION
from backend.resources.apps.daemonset import DAEMON_SET
from backend.resources.apps.statefulset import STATEFUL_SET
from tests.support.workloads import faults, status_faults, template, update_faults, workload

NOW = 1_700_000_000.0
GENERATION = "deprecated.daemonset.template.generation"
MUTABLE = {
    "replicas": 3, "ordinals": {"start": 2}, "template": template({"app": "a", "b": "c"}),
    "updateStrategy": {"type": "OnDelete"}, "revisionHistoryLimit": 3, "minReadySeconds": 9,
    "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Delete"},
}  # fmt: skip


def test_a_minimal_stateful_set_is_what_kube_apiserver_stores():
    made = workload(STATEFUL_SET, volumeClaimTemplates=[{"metadata": {"name": "d"}}])
    assert faults(STATEFUL_SET, made) == []
    assert made["status"] == {"replicas": 0, "availableReplicas": 0}
    assert {name: value for name, value in made["spec"].items() if name not in ("template", "selector")} == {
        "replicas": 1, "revisionHistoryLimit": 10, "podManagementPolicy": "OrderedReady",
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 1}},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "volumeClaimTemplates": [
            {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "d"},
                "spec": {"volumeMode": "Filesystem", "resources": {}}, "status": {"phase": "Pending"},
            }
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {"podManagementPolicy": "Any"},
            ["spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or 'Parallel'"],
        ),
        (
            {"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}},
            [
                'spec.updateStrategy.rollingUpdate: Invalid value: {"Partition":1,"MaxUnavailable":null}: only allowed'
                " for updateStrategy 'RollingUpdate'"
            ],
        ),
        (
            {"updateStrategy": {"type": "Foo"}},
            [
                'spec.updateStrategy: Invalid value: {"Type":"Foo","RollingUpdate":null}: must be \'RollingUpdate\' or'
                " 'OnDelete'"
            ],
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"partition": -1, "maxUnavailable": 0}}},
            [
                "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0",
                "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0",
            ],
        ),
        (
            {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Keep"}},
            [
                'spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Keep": supported values:'
                ' "Retain", "Delete"'
            ],
        ),
        (
            {"ordinals": {"start": -1}},
            ["spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            {"serviceName": "a.b"},
            ['spec.serviceName: Invalid value: "a.b": must not contain dots'],
        ),
        ({"template": template(containers=[])}, ["spec.template.spec.containers: Required value"]),
        (
            {"template": template(restartPolicy="Never")},
            ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
        ),
    ],
)
def test_what_a_stateful_set_is_refused_for(spec, expected):
    assert faults(STATEFUL_SET, workload(STATEFUL_SET, **spec)) == expected


def test_a_claim_is_a_volume_that_containers_may_mount():
    mounting = {"name": "c", "image": "i", "volumeMounts": [{"name": "d", "mountPath": "/d"}]}
    claims = [{"metadata": {"name": "d"}}]
    spec = {"template": template(containers=[mounting]), "volumeClaimTemplates": claims}
    assert faults(STATEFUL_SET, workload(STATEFUL_SET, **spec)) == []
    assert faults(STATEFUL_SET, workload(STATEFUL_SET, template=spec["template"])) == [
        'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "d"'
    ]


def test_a_template_that_is_not_touched_is_not_checked_again():
    old = workload(STATEFUL_SET)
    old["spec"]["template"]["spec"]["containers"] = []
    assert update_faults(STATEFUL_SET, old, lambda spec: spec.update(replicas=3)) == []
    labels = {"app": "a", "b": "c"}
    assert update_faults(STATEFUL_SET, old, lambda spec: spec["template"]["metadata"].update(labels=labels)) == [
        "spec.template.spec.containers: Required value"
    ]


@pytest.mark.parametrize("field", MUTABLE)
def test_what_may_change_in_a_stateful_set(field):
    old = workload(STATEFUL_SET)
    changed = workload(STATEFUL_SET, **{field: MUTABLE[field]})["spec"][field]
    assert update_faults(STATEFUL_SET, old, lambda spec: spec.update({field: changed})) == []


@pytest.mark.parametrize("change", [{"serviceName": "s"}, {"podManagementPolicy": "Parallel"}])
def test_what_may_not_change_in_a_stateful_set(change):
    assert update_faults(STATEFUL_SET, workload(STATEFUL_SET), lambda spec: spec.update(change)) == [
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template',"
        " 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are"
        " forbidden"
    ]


def test_a_stateful_sets_status():
    assert status_faults(STATEFUL_SET, {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1}) == []
    assert status_faults(STATEFUL_SET, {"replicas": 1, "availableReplicas": 1}) == [
        "status.availableReplicas: Invalid value: 1: cannot be greater than status.readyReplicas"
    ]


def test_a_daemon_set_starts_with_the_counts_that_are_always_written():
    made = workload(DAEMON_SET)
    assert faults(DAEMON_SET, made) == []
    assert made["status"] == {
        "currentNumberScheduled": 0, "desiredNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0,
    }  # fmt: skip
    assert made["spec"]["updateStrategy"] == {
        "type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
    }  # fmt: skip


def test_changes_of_a_daemon_sets_template_are_counted_whatever_its_author_writes():
    old = workload(DAEMON_SET)
    assert old["metadata"]["annotations"] == {GENERATION: "1"}
    same = {**workload(DAEMON_SET), "metadata": {"name": "w", "annotations": {GENERATION: "7", "a": "b"}}}
    DAEMON_SET.prepare_update(same, old)
    assert same["metadata"]["annotations"] == {GENERATION: "1", "a": "b"}
    other = workload(DAEMON_SET, template=template({"app": "a", "b": "c"}))
    DAEMON_SET.prepare_update(other, old)
    assert other["metadata"]["annotations"] == {GENERATION: "2"}


@pytest.mark.parametrize(
    ("rolling", "expected"),
    [
        ({"maxSurge": 1}, "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when"
         " maxUnavailable is non-zero"),
        ({"maxUnavailable": 0}, "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when"
         " maxSurge is 0"),
        ({"maxUnavailable": "150%"}, 'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "150%": must not'
         " be greater than 100%"),
    ],
)  # fmt: skip
def test_how_a_daemon_set_may_roll(rolling, expected):
    made = workload(DAEMON_SET, updateStrategy={"type": "RollingUpdate", "rollingUpdate": rolling})
    assert faults(DAEMON_SET, made) == [expected]


def test_a_daemon_set_in_a_table_and_what_it_warns_of():
    made = workload(DAEMON_SET, template=template(nodeSelector={"beta.kubernetes.io/os": "linux"}))
    made["status"] |= {"desiredNumberScheduled": 3, "numberAvailable": 2}
    cells = ["w", 3, 0, 0, 0, 2, "beta.kubernetes.io/os=linux", "<unknown>", "c", "busybox:1", "app=a"]
    assert DAEMON_SET.row(made, NOW) == cells
    assert DAEMON_SET.warnings(made, None) == [
        "spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use"
        ' "kubernetes.io/os" instead'
    ]
    assert DAEMON_SET.warnings(made, made) == []


def revision(**fields):
    made = {"metadata": {"name": "r"}, "data": {"a": 1}, **fields}
    CONTROLLER_REVISION.default(made)
    return made


def test_a_revision_never_changes():
    assert faults(CONTROLLER_REVISION, revision()) == []
    assert faults(CONTROLLER_REVISION, revision(data=None, revision=-1)) == [
        "data: Required value: data is mandatory",
        "revision: Invalid value: -1: must be greater than or equal to 0",
    ]
    changed = CONTROLLER_REVISION.validate_update(revision(data={"a": 2}), revision())
    assert [str(cause) for cause in changed] == ['data: Invalid value: {"a":2}: field is immutable']


def test_a_revision_in_a_table_names_its_controller():
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "controller": True}
    made = revision(metadata={"name": "r", "ownerReferences": [owner]}, revision=2)
    assert CONTROLLER_REVISION.row(made, NOW) == ["r", "daemonset.apps/d", 2, "<unknown>"]
    assert CONTROLLER_REVISION.row(revision(), NOW)[1] == "<none>"
