"""Deployments and replica sets."""

import pytest

from backend.resources.apps.deployment import DEPLOYMENT
from backend.resources.apps.replicaset import REPLICA_SET
from tests.support.workloads import faults, status_faults, template, update_faults, workload

NOW = 1_700_000_000.0
NOT_SELECTED = "spec.template.metadata.labels: Invalid value: {}: `selector` does not match template `labels`"


def deployment(**spec):
    return workload(DEPLOYMENT, **spec)


def test_a_minimal_deployment_is_what_kube_apiserver_stores():
    made = deployment()
    assert faults(DEPLOYMENT, made) == []
    assert made["status"] == {}
    assert {name: value for name, value in made["spec"].items() if name not in ("template", "selector")} == {
        "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
    }  # fmt: skip
    assert made["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 30
    assert "enableServiceLinks" not in made["spec"]["template"]["spec"]


def test_a_strategy_that_is_given_stays():
    assert deployment(strategy={"type": "Recreate"})["spec"]["strategy"] == {"type": "Recreate"}
    rolling = {"maxUnavailable": 0}
    assert deployment(strategy={"rollingUpdate": rolling})["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"},
    }


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"replicas": -1}, ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]),
        ({"template": template(labels={})}, [NOT_SELECTED]),
        (
            {"selector": {}},
            ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
        ),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}},
            ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
        ),
        (
            {"strategy": {"type": "Foo"}},
            [
                'spec.strategy: Unsupported value: {"Type":"Foo","RollingUpdate":null}: supported values: "Recreate",'
                ' "RollingUpdate"'
            ],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
            [
                'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
            ],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": "x", "maxUnavailable": "101%"}}},
            [
                "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"x\": a valid percent string must be a numeric"
                " string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
                'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
            ],
        ),
        (
            {"minReadySeconds": 600},
            ["spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"],
        ),
        (
            {"template": template(restartPolicy="Never", activeDeadlineSeconds=5)},
            [
                'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
                "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not"
                " Supported",
            ],
        ),
        ({"template": template(containers=[])}, ["spec.template.spec.containers: Required value"]),
        (
            {"selector": {"matchExpressions": [{"key": "app", "operator": "Is"}]}},
            [
                'spec.selector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator',
                'spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Is"}]}: invalid label'
                " selector",
            ],
        ),
    ],
)  # fmt: skip
def test_what_is_refused(spec, expected):
    assert faults(DEPLOYMENT, deployment(**spec)) == expected


def test_without_a_selector_nothing_is_selected():
    assert faults(DEPLOYMENT, deployment(selector=None)) == [
        "spec.selector: Required value",
        NOT_SELECTED.replace("{}", '{"app":"a"}'),
    ]


def test_the_labels_of_a_template_are_checked_at_the_path_that_kube_apiserver_gives():
    made = deployment(template=template({"app": "a", "b": "?"}))
    assert [fault.partition(":")[0] for fault in faults(DEPLOYMENT, made)] == ["spec.template.labels"]


@pytest.mark.parametrize("kind", [DEPLOYMENT, REPLICA_SET], ids=lambda kind: kind.kind)
def test_the_selector_never_changes(kind):
    def change(spec):
        spec["selector"] = {"matchLabels": {"app": "b"}}
        spec["template"]["metadata"]["labels"] = {"app": "b"}

    assert update_faults(kind, workload(kind), change) == [
        'spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable'
    ]
    assert update_faults(kind, workload(kind), lambda spec: spec.update(replicas=7)) == []


def test_annotations_count_as_a_change_of_a_deployment():
    old, new = deployment(), deployment()
    new["metadata"]["annotations"] = {"a": "b"}
    assert DEPLOYMENT.counted(old) != DEPLOYMENT.counted(new)
    assert REPLICA_SET.counted(old) == REPLICA_SET.counted(new)


@pytest.mark.parametrize(
    ("status", "old", "expected"),
    [
        ({"replicas": 2, "readyReplicas": 2, "availableReplicas": 1}, {}, []),
        (
            {"unavailableReplicas": -1},
            {},
            ["status.unavailableReplicas: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            {"replicas": 1, "readyReplicas": 2},
            {},
            ["status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"],
        ),
        (
            {"replicas": 2, "availableReplicas": 1},
            {},
            ["status.availableReplicas: Invalid value: 1: cannot be greater than readyReplicas"],
        ),
        (
            {},
            {"collisionCount": 2},
            ["status.collisionCount: Invalid value: 0: cannot be decremented"],
        ),
    ],
)
def test_what_a_deployments_status_may_say(status, old, expected):
    assert status_faults(DEPLOYMENT, status, old) == expected


def test_a_replica_set_is_called_a_deployment_where_kube_apiserver_calls_it_so():
    assert faults(REPLICA_SET, workload(REPLICA_SET, selector={})) == [
        "spec.selector: Invalid value: {}: empty selector is invalid for deployment"
    ]


def test_tables():
    made = deployment(replicas=3)
    made["metadata"]["creationTimestamp"] = "2023-11-14T22:13:00Z"
    made["status"] = {"readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2}
    assert DEPLOYMENT.row(made, NOW) == ["w", "2/3", 1, 2, "20s", "c", "busybox:1", "app=a"]
    made = workload(
        REPLICA_SET, selector={"matchExpressions": [{"key": "app", "operator": "In", "values": ["b", "a"]}]}
    )
    assert REPLICA_SET.row(made, NOW) == ["w", 1, 0, 0, "<unknown>", "c", "busybox:1", "app in (a,b)"]
    assert REPLICA_SET.selectable({**made, "status": {"replicas": 4}}) == {"status.replicas": "4"}


def test_a_name_that_hosts_cannot_have_is_warned_of():
    made = workload(DEPLOYMENT, "a.b")
    assert DEPLOYMENT.warnings(made, None) == [
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label"
        " is recommended: [must not contain dots]"
    ]
    assert DEPLOYMENT.warnings(made, made) == []
