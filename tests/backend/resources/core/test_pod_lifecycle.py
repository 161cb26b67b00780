"""How a pod starts, how long it may take to end, and what a field selector sees of it."""

import pytest

from backend.resources.core.pod import POD, grace_period
from backend.resources.core.pod_qos import qos_class


def bound(**spec):
    return {"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30, **spec}, "status": {"phase": "Running"}}


@pytest.mark.parametrize(
    ("pod", "options", "seconds"),
    [
        (bound(), {}, 30),
        (bound(), {"gracePeriodSeconds": 5}, 5),
        (bound(), {"gracePeriodSeconds": 0}, 0),
        (bound(), {"gracePeriodSeconds": -3}, 1),
        (bound(terminationGracePeriodSeconds=-3), {}, 1),
        (bound(nodeName=""), {"gracePeriodSeconds": 5}, 0),
        (bound() | {"status": {"phase": "Succeeded"}}, {"gracePeriodSeconds": 5}, 0),
        (bound() | {"status": {"phase": "Failed"}}, {}, 0),
    ],
)
def test_grace_period(pod, options, seconds):
    assert grace_period(pod, options) == seconds


def created(**spec):
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c"}], **spec},
        "status": {"phase": "Running"},
    }
    POD.default(pod)
    POD.prepare_create(pod)
    return pod


def test_every_pod_starts_pending():
    assert created()["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert POD.generation


def test_a_gated_pod_says_so():
    (condition,) = created(schedulingGates=[{"name": "g"}])["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == (
        "PodScheduled",
        "False",
        "SchedulingGated",
    )


def needs(requests=None, limits=None):
    return {"resources": {"requests": requests or {}, "limits": limits or {}}}


BOTH = {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": [needs()]}, "BestEffort"),
        ({"containers": [needs(BOTH, BOTH)]}, "Guaranteed"),
        ({"containers": [needs(BOTH, {"cpu": "1000m", "memory": "1024Mi"})]}, "Guaranteed"),
        ({"containers": [needs({"cpu": "1"}, BOTH)]}, "Guaranteed"),
        ({"containers": [needs({"cpu": "500m"}, BOTH)]}, "Burstable"),
        ({"containers": [needs({"cpu": "1"}, {"cpu": "1"})]}, "Burstable"),
        ({"containers": [needs(BOTH, BOTH), needs()]}, "Burstable"),
        ({"containers": [needs(BOTH, BOTH)], "initContainers": [needs({"cpu": "1"})]}, "Burstable"),
        ({"containers": [needs({"cpu": "0"})]}, "BestEffort"),
        ({"containers": [needs({"ephemeral-storage": "1Gi"})]}, "BestEffort"),
        ({"containers": [needs({"cpu": "1"})], "resources": {"requests": BOTH, "limits": BOTH}}, "Guaranteed"),
    ],
)
def test_quality_of_service_class(spec, expected):
    assert qos_class(spec) == expected


def test_selectable_fields():
    pod = {
        "spec": {"nodeName": "n", "restartPolicy": "Never", "schedulerName": "s", "hostNetwork": True},
        "status": {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]},
    }
    assert POD.selectable(pod) == {
        "spec.nodeName": "n", "spec.restartPolicy": "Never", "spec.schedulerName": "s",
        "spec.serviceAccountName": "", "spec.hostNetwork": "true", "status.phase": "Running",
        "status.podIP": "10.0.0.1", "status.nominatedNodeName": "",
    }  # fmt: skip
