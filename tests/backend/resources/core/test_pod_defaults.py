"""What a pod gets when its author left it out."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.resources.core.pod_defaults import default_pod, pull_policy


def made(**spec):
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "busybox"}], **spec}}
    default_pod(pod)
    return pod


def container(**fields):
    return made(containers=[{"name": "c", "image": "busybox", **fields}])["spec"]["containers"][0]


def volume(**source):
    return made(volumes=[{"name": "v", **source}])["spec"]["volumes"][0]


def test_a_minimal_pod_is_what_kube_apiserver_stores():
    assert made()["spec"] == {
        "containers": [
            {
                "name": "c", "image": "busybox", "imagePullPolicy": "Always", "resources": {},
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            }
        ],
        "dnsPolicy": "ClusterFirst", "enableServiceLinks": True, "restartPolicy": "Always",
        "schedulerName": "default-scheduler", "securityContext": {}, "terminationGracePeriodSeconds": 30,
    }  # fmt: skip


def test_what_is_given_stays():
    given_spec = {
        "restartPolicy": "Never", "dnsPolicy": "Default", "terminationGracePeriodSeconds": 0,
        "schedulerName": "mine", "enableServiceLinks": False, "securityContext": {"runAsUser": 0},
    }  # fmt: skip
    spec = made(**given_spec)["spec"]
    assert {name: spec[name] for name in given_spec} == given_spec


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("busybox", "Always"),
        ("busybox:latest", "Always"),
        ("busybox:1.36", "IfNotPresent"),
        ("localhost:5000/busybox", "Always"),
        ("localhost:5000/busybox:1", "IfNotPresent"),
        ("busybox@sha256:" + "a" * 64, "IfNotPresent"),
        ("busybox:latest@sha256:" + "a" * 64, "Always"),
        ("", "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(image, policy):
    assert pull_policy(image) == policy


def test_requests_come_from_limits():
    resources = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}
    assert container(resources=resources)["resources"]["requests"] == {"cpu": "500m", "memory": "1Gi"}


def test_ports_and_probes():
    probe = {"httpGet": {"port": 80}}
    shown = container(ports=[{"containerPort": 80}], livenessProbe=probe, readinessProbe={"grpc": {"port": 1}})
    assert shown["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert shown["livenessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
    }  # fmt: skip
    assert shown["readinessProbe"]["grpc"] == {"port": 1, "service": ""}


def test_lifecycle_hooks_and_env_sources():
    shown = container(
        lifecycle={"preStop": {"httpGet": {"port": 80}}},
        env=[
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "B", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        ],
    )
    assert shown["lifecycle"]["preStop"]["httpGet"] == {"port": 80, "path": "/", "scheme": "HTTP"}
    assert shown["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] == "v1"
    assert shown["env"][1]["valueFrom"]["resourceFieldRef"]["divisor"] == "0"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({}, {"emptyDir": {}}),
        ({"emptyDir": {}}, {"emptyDir": {}}),
        ({"secret": {"secretName": "s"}}, {"secret": {"secretName": "s", "defaultMode": 420}}),
        ({"configMap": {"name": "s"}}, {"configMap": {"name": "s", "defaultMode": 420}}),
        ({"secret": {}}, {"secret": {"defaultMode": 420}}),
        ({"secret": {"defaultMode": 0}}, {"secret": {"defaultMode": 0}}),
        ({"hostPath": {"path": "/a"}}, {"hostPath": {"path": "/a", "type": ""}}),
        (
            {"downwardAPI": {"items": [{"path": "p", "fieldRef": {"fieldPath": "metadata.name"}}]}},
            {
                "downwardAPI": {
                    "defaultMode": 420,
                    "items": [{"path": "p", "fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}}],
                }
            },
        ),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
            {
                "projected": {
                    "defaultMode": 420,
                    "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}],
                }
            },
        ),
    ],
)
def test_volumes(source, expected):
    assert volume(**source) == {"name": "v", **expected}


def test_host_network_takes_the_ports_of_the_host():
    spec = made(hostNetwork=True, containers=[{"name": "c", "ports": [{"containerPort": 80}]}])["spec"]
    assert spec["containers"][0]["ports"] == [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]


def test_the_account_is_served_under_both_its_names():
    for name in ("serviceAccount", "serviceAccountName"):
        spec = made(**{name: "robot"})["spec"]
        assert (spec["serviceAccount"], spec["serviceAccountName"]) == ("robot", "robot")


def test_requests_of_the_pod_come_from_its_limits_unless_its_containers_request():
    resources = {"limits": {"cpu": "2", "memory": "1Gi"}}
    requested = [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]
    assert made(resources=copy.deepcopy(resources), containers=requested)["spec"]["resources"] == {
        "limits": resources["limits"], "requests": {"memory": "1Gi"},
    }  # fmt: skip


def test_a_status_has_what_its_go_type_always_writes():
    status = {"conditions": [{"type": "Ready"}], "containerStatuses": [{"name": "c"}]}
    pod = {"metadata": {"name": "p"}, "status": status}
    default_pod(pod)
    assert pod["status"] == {
        "conditions": [{"type": "Ready", "lastProbeTime": None, "lastTransitionTime": None}],
        "containerStatuses": [
            {
                "name": "c", "image": "", "imageID": "", "lastState": {}, "ready": False, "restartCount": 0,
                "state": {},
            }
        ],
    }  # fmt: skip


names = st.sampled_from(["a", "b", "c"])
amounts = st.dictionaries(st.sampled_from(["cpu", "memory"]), st.sampled_from(["1", "500m", "1Gi"]), max_size=2)
sources = st.one_of(
    st.just({}),
    st.builds(lambda n: {"secret": {"secretName": n}}, names),
    st.builds(lambda n: {"configMap": {"name": n, "items": [{"key": n, "path": n}]}}, names),
    st.builds(lambda n: {"hostPath": {"path": "/" + n}}, names),
    st.just({"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}, {"secret": {"name": "s"}}]}}),
    st.just({"downwardAPI": {"items": [{"path": "x", "resourceFieldRef": {"resource": "limits.cpu"}}]}}),
    st.just({"ephemeral": {"volumeClaimTemplate": {}}}),
)
probes = st.fixed_dictionaries({}, optional={"httpGet": st.just({"port": 1}), "periodSeconds": st.integers(0, 9)})
containers = st.fixed_dictionaries(
    {"name": names},
    optional={
        "image": st.sampled_from(["busybox", "busybox:1", "x@sha256:1"]),
        "imagePullPolicy": st.sampled_from(["", "Never"]),
        "resources": st.fixed_dictionaries({}, optional={"limits": amounts, "requests": amounts}),
        "ports": st.lists(st.builds(lambda p: {"containerPort": p}, st.integers(1, 9)), max_size=2),
        "livenessProbe": probes,
        "env": st.just([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}]),
    },
)
specs = st.fixed_dictionaries(
    {"containers": st.lists(containers, max_size=3)},
    optional={
        "initContainers": st.lists(containers, max_size=2),
        "ephemeralContainers": st.lists(containers, max_size=1),
        "volumes": st.lists(st.builds(lambda n, s: {"name": n, **s}, names, sources), max_size=3),
        "hostNetwork": st.booleans(),
        "serviceAccount": names,
        "serviceAccountName": names,
        "resources": st.fixed_dictionaries({}, optional={"limits": amounts, "requests": amounts}),
        "restartPolicy": st.sampled_from(["", "Never"]),
    },
)


@given(specs)
def test_defaulting_twice_changes_nothing_more(spec):
    pod = {"metadata": {"name": "p"}, "spec": spec}
    default_pod(pod)
    once = copy.deepcopy(pod)
    default_pod(pod)
    assert pod == once
