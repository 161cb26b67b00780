"""What a pod takes of a node."""

from fractions import Fraction

import pytest

from backend.scheduler.podrequests import host_ports, pod_requests


def takes(cpu, **more):
    return {"resources": {"requests": {"cpu": cpu}}, **more}


SIDECAR = {"restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        ({"containers": [takes("1"), takes("500m")]}, "1.5"),
        ({"containers": [takes("1")], "initContainers": [takes("2"), takes("3")]}, "3"),
        ({"containers": [takes("4")], "initContainers": [takes("2")]}, "4"),
        ({"containers": [takes("1")], "initContainers": [takes("2", **SIDECAR)]}, "3"),
        ({"containers": [takes("1")], "initContainers": [takes("1", **SIDECAR), takes("3")]}, "4"),
        ({"containers": [takes("1")], "initContainers": [takes("3"), takes("1", **SIDECAR)]}, "3"),
        ({"containers": [takes("1")], "overhead": {"cpu": "250m"}}, "1.25"),
        ({"containers": [takes("1")], "resources": {"requests": {"cpu": "2"}}}, "2"),
    ],
)
def test_the_most_that_is_taken_at_one_time(spec, cpu):
    assert pod_requests(spec) == {"cpu": Fraction(cpu)}


def test_a_pod_without_requests_takes_nothing():
    assert pod_requests({"containers": [{}]}) == {}


def test_host_ports_are_those_of_running_containers():
    spec = {
        "containers": [{"ports": [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}]}],
        "initContainers": [
            {"ports": [{"hostPort": 1}]},
            {"ports": [{"hostPort": 2, "hostIP": "127.0.0.1", "protocol": "UDP"}], **SIDECAR},
        ],
    }
    assert list(host_ports(spec)) == [("0.0.0.0", "TCP", 8080), ("127.0.0.1", "UDP", 2)]
