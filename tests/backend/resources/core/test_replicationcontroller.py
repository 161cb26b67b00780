"""Replication controllers, pod templates, and what templates are warned of."""

import pytest

from backend.resources.core.pod_warnings import pod_warnings
from backend.resources.core.podtemplate import POD_TEMPLATE
from backend.resources.core.replicationcontroller import REPLICATION_CONTROLLER as CONTROLLER
from tests.support.workloads import faults, status_faults, template, update_faults, workload

MEMORY = "resources.limits[memory]: fractional byte value"


def controller(**spec):
    return workload(CONTROLLER, **{"selector": None, **spec})


def test_a_controller_selects_and_is_labelled_as_its_pods_are():
    made = controller()
    assert faults(CONTROLLER, made) == []
    assert made["spec"]["selector"] == made["metadata"]["labels"] == {"app": "a"}
    assert made["spec"]["replicas"] == 1
    assert made["status"] == {"replicas": 0}
    assert CONTROLLER.row(made, 0.0) == ["w", 1, 0, 0, "<unknown>", "c", "busybox:1", "app=a"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"template": None}, ["spec.selector: Required value", "spec.template: Required value"]),
        ({"selector": {"app": "b"}}, [
            'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`']),
        ({"replicas": -1}, ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]),
        ({"template": template(restartPolicy="OnFailure", activeDeadlineSeconds=1)}, [
            'spec.template.spec.restartPolicy: Unsupported value: "OnFailure": supported values: "Always"',
            "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not"
            " Supported"]),
    ],
)  # fmt: skip
def test_what_a_controller_is_refused_for(spec, expected):
    assert faults(CONTROLLER, controller(**spec)) == expected


def test_a_controllers_selector_may_change_with_its_template():
    def change(spec):
        spec["selector"] = spec["template"]["metadata"]["labels"] = {"b": "c"}

    assert update_faults(CONTROLLER, controller(), change) == []


def test_a_controllers_status():
    assert status_faults(CONTROLLER, {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1}) == []
    assert status_faults(CONTROLLER, {"replicas": 0, "fullyLabeledReplicas": 1}) == [
        "status.fullyLabeledReplicas: Invalid value: 1: cannot be greater than status.replicas"
    ]


def test_a_pod_template():
    made = {"metadata": {"name": "t"}, "template": template(ephemeralContainers=[])}
    POD_TEMPLATE.default(made)
    assert POD_TEMPLATE.validate(made) == []
    assert POD_TEMPLATE.row(made, 0.0) == ["t", "c", "busybox:1", "app=a"]
    assert POD_TEMPLATE.counted(made) is made["template"]
    made["template"]["spec"]["containers"] = []
    assert [str(cause) for cause in POD_TEMPLATE.validate(made)] == ["template.spec.containers: Required value"]


def container(**fields):
    return {"containers": [{"name": "c", "image": "i", **fields}]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (container(), []),
        (container(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]),
         ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply']),
        (container(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "$(A)2"}]), []),
        (container(ports=[{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 80, "protocol": "TCP"}]),
         ["spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]"]),
        (container(ports=[{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 80, "protocol": "UDP"}]), []),
        (container(ports=[{"containerPort": 80, "hostPort": 1}, {"containerPort": 80}]),
         ["spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]"]),
        (container(ports=[{"containerPort": 80, "hostPort": 1, "hostIP": "::1"}, {"containerPort": 80, "hostPort": 1}]),
         ["spec.containers[0].ports[1]: dangerously ambiguous port definition with spec.containers[0].ports[0]"]),
        (container(resources={"limits": {"memory": "100m"}}),
         [f'spec.containers[0].{MEMORY} "100m" is invalid, must be an integer']),
        ({"terminationGracePeriodSeconds": -1},
         ["spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"]),
        ({"imagePullSecrets": [{"name": "a"}, {"name": "a"}, {}]},
         ['spec.imagePullSecrets[1].name: duplicate name "a"', 'spec.imagePullSecrets[2].name: invalid empty name ""']),
        ({"hostAliases": [{"ip": "1.1.1.1"}, {"ip": "1.1.1.1"}]}, ['spec.hostAliases[1].ip: duplicate ip "1.1.1.1"']),
        ({"volumes": [{"name": "a", "gitRepo": {}}]}, ["spec.volumes[0].gitRepo: deprecated in v1.11"]),
        ({"topologySpreadConstraints": [{"topologyKey": "failure-domain.beta.kubernetes.io/zone"}]},
         ["spec.topologySpreadConstraints[0].topologyKey: failure-domain.beta.kubernetes.io/zone is deprecated since"
          ' v1.17; use "topology.kubernetes.io/zone" instead',
          "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod"]),
    ],
)  # fmt: skip
def test_what_a_pod_is_warned_of(spec, expected):
    assert pod_warnings({"metadata": {"name": "p"}, "spec": spec}, None) == expected


def test_annotations_that_do_nothing_any_more_are_warned_of():
    meta = {"name": "p", "annotations": {"scheduler.alpha.kubernetes.io/critical-pod": ""}}
    assert pod_warnings({"metadata": meta, "spec": {}}, None) == [
        "metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the"
        ' "priorityClassName" field instead'
    ]
