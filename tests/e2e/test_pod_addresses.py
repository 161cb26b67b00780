"""Where pods are reached, and what they reach: each other, this machine, its ports; and load balancers' addresses."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.support import host_python
from tests.support.cli import Cluster
from tests.support.waiting import until

pytestmark = pytest.mark.docker

IMAGE = "busybox:1.36"
SAY = "echo {text} > /tmp/index.html; exec httpd -f -p {port} -h /tmp"
ECHO = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 5353))
while True:
    server.sendto(*server.recvfrom(100))
"""
SECONDS = 30


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port


def pod(name: str, command: str, ports: list[dict[str, Any]] | None = None, **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": IMAGE, "command": ["sh", "-c", command], "ports": ports or []}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container], **spec},
    }  # fmt: skip


def fetch(host: str, port: int) -> str:
    """What an HTTP server answers: its last line."""
    with socket.create_connection((host, port), SECONDS) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    return answer.decode().strip().splitlines()[-1]


def ask_udp(host: str, port: int) -> bytes:
    """Sent again until something answers: UDP has no other way to know that it got there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.5)
        for _ in range(2 * SECONDS):
            asking.sendto(b"?\n", (host, port))
            try:
                return asking.recv(100)
            except TimeoutError:
                continue
    raise AssertionError(f"nothing answers at UDP {host}:{port}")


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {
        "all": free_port(), "local": free_port(), "udp": free_port(socket.SOCK_DGRAM), "host": free_port(),
    }  # fmt: skip


@pytest.fixture(scope="module")
def started(cluster: Cluster, ports: dict[str, int]) -> Iterator[Callable[[str], dict[str, Any]]]:
    """The status of a pod of the namespace `addresses`, by name."""
    published = [
        {"containerPort": 8080, "hostPort": ports["all"]},
        {"containerPort": 8080, "hostPort": ports["local"], "hostIP": "127.0.0.1"},
        {"containerPort": 5353, "hostPort": ports["udp"], "protocol": "UDP"},
    ]
    items = [
        host_python.add_to(
            pod("published", f"{sys.executable} -c '{ECHO}' & {SAY.format(text='published', port=8080)}", published)
        ),
        pod("on-host", SAY.format(text="on-host", port=ports["host"]), hostNetwork=True),
        pod("client", "sleep 3600"),
        {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "balanced"},
            "spec": {"type": "LoadBalancer", "selector": {"app": "published"},
                     "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ]  # fmt: skip
    cluster.run("create", "namespace", "addresses")
    listed = {"apiVersion": "v1", "kind": "List", "items": items}
    cluster.run("apply", "-n", "addresses", "-f", "-", stdin=json.dumps(listed))
    cluster.run("wait", "--for=condition=Ready", "pod", "--all", "-n", "addresses", "--timeout=80s")
    yield lambda name: cluster.run("get", "pod", name, "-n", "addresses", "-o", "json").json["status"]
    cluster.run("delete", "namespace", "addresses", "--wait=false")


def from_pod(cluster: Cluster, host: str, port: int) -> str:
    """As `fetch`, from the pod `client`."""
    command = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w {SECONDS} {host} {port} | tail -n 1"
    return cluster.run("exec", "-n", "addresses", "client", "--", "sh", "-c", command).strip()


Started = Callable[[str], dict[str, Any]]


def test_pods_the_host_and_each_other(cluster: Cluster, started: Started, ports: dict[str, int]) -> None:
    status = started("published")
    assert status["podIPs"][0] == {"ip": status["podIP"]}
    assert status["hostIPs"] == [{"ip": status["hostIP"]}]
    assert fetch(status["podIP"], 8080) == "published"
    assert from_pod(cluster, status["podIP"], 8080) == "published"
    assert from_pod(cluster, status["hostIP"], ports["host"]) == "on-host"


def test_ports_of_the_host_lead_to_pods(cluster: Cluster, started: Started, ports: dict[str, int]) -> None:
    host = started("published")["hostIP"]
    assert [fetch(address, ports["all"]) for address in ("127.0.0.1", host)] == ["published"] * 2
    assert fetch("127.0.0.1", ports["local"]) == "published"
    with pytest.raises(ConnectionRefusedError):
        fetch(host, ports["local"])
    assert ask_udp("127.0.0.1", ports["udp"]) == b"?\n"


def test_a_pod_on_the_host_s_network_is_the_host(
    cluster: Cluster, started: Started, ports: dict[str, int]
) -> None:
    status = started("on-host")
    assert (status["podIP"], status["podIPs"]) == (status["hostIP"], status["hostIPs"])
    assert fetch("127.0.0.1", ports["host"]) == "on-host"
    with open("/etc/resolv.conf") as own:
        resolved = cluster.run("exec", "-n", "addresses", "on-host", "--", "cat", "/etc/resolv.conf")
        assert resolved.split() == own.read().split()


def test_a_port_that_is_taken_is_said_to_be(cluster: Cluster, started: Started, ports: dict[str, int]) -> None:
    """By a pod, and the pod has no node; by somebody else, and its sandbox does not start."""
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        number = taken.getsockname()[1]
        for name, port in (("late", ports["all"]), ("unlucky", number)):
            body = pod(name, "sleep 3600", [{"containerPort": 8080, "hostPort": port}])
            cluster.run("apply", "-n", "addresses", "-f", "-", stdin=json.dumps(body))
        for name, reason, message in (
            ("late", "FailedScheduling", "1 node(s) didn't have free ports for the requested pod ports"),
            ("unlucky", "FailedCreatePodSandBox", f"0.0.0.0:{number}: bind: address already in use"),
        ):
            selector = f"--field-selector=involvedObject.name={name},reason={reason}"
            events = ("get", "events", "-n", "addresses", selector, "-o", "jsonpath={.items[*].message}")
            until(partial(cluster.run, *events))
            assert message in cluster.run(*events)


def test_a_load_balancer_has_an_address_at_once(cluster: Cluster, started: Started) -> None:
    cluster.run(
        "wait", "--for=jsonpath={.status.loadBalancer.ingress}", "svc/balanced", "-n", "addresses", "--timeout=60s"
    )
    [point] = cluster.run("get", "svc", "balanced", "-n", "addresses", "-o", "json").json["status"][
        "loadBalancer"
    ]["ingress"]
    assert point["ipMode"] == "VIP"
    assert point["ip"] in cluster.run("get", "svc", "balanced", "-n", "addresses")
    assert fetch(point["ip"], 80) == "published"
    assert from_pod(cluster, point["ip"], 80) == "published"
