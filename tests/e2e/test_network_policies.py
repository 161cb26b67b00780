"""NetworkPolicies between pods of a real cluster: what the kernel lets through."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from subprocess import PIPE

import pytest

from tests.support.cli import Cluster

SERVER = "for port in 80 81 82; do httpd -p $port -h /etc; done; while true; do nc -l -p 9000 -e cat; done"
SECONDS = 30.0

pytestmark = pytest.mark.docker


def pod(name: str, namespace: str, command: str, **labels: str) -> dict[str, object]:
    container = {
        "name": "c", "image": "busybox:1.36", "command": ["sh", "-c", command],
        "ports": [{"name": "web", "containerPort": 80}],
    }  # fmt: skip
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0, "restartPolicy": "Never"},
    }  # fmt: skip


class Pods:
    """A server, a client and a stranger in one namespace, and a visitor in another."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.namespace, self.abroad = "policed", "abroad"
        self.places = {
            "server": self.namespace, "client": self.namespace, "stranger": self.namespace, "visitor": self.abroad,
        }  # fmt: skip
        self.service = ""
        self.addresses: dict[str, str] = {}

    def start(self) -> None:
        space = {"apiVersion": "v1", "kind": "Namespace"}
        service = {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "server", "namespace": self.namespace},
            "spec": {"selector": {"app": "server"}, "ports": [{"port": 8000, "targetPort": 80}]},
        }  # fmt: skip
        self.apply(
            {**space, "metadata": {"name": self.namespace}},
            {**space, "metadata": {"name": self.abroad, "labels": {"place": "abroad"}}},
        )
        commands = dict.fromkeys(self.places, "exec sleep 100000") | {"server": SERVER}
        self.apply(
            service, *(pod(name, self.places[name], command, app=name) for name, command in commands.items())
        )
        for namespace in (self.namespace, self.abroad):
            self.cluster.run("wait", "--for=condition=Ready", "pod", "--all", "-n", namespace, "--timeout=60s")
        found = self.cluster.run("get", "pods,services", "-n", self.namespace, "-o", "json").json["items"]
        by_name = {(each["kind"], each["metadata"]["name"]): each for each in found}
        self.service = by_name["Service", "server"]["spec"]["clusterIP"]
        self.addresses = {name: each["status"]["podIP"] for (kind, name), each in by_name.items() if kind == "Pod"}

    def apply(self, *objects: dict[str, object]) -> None:
        self.cluster.run("apply", "-f", "-", stdin="\n---\n".join(map(json.dumps, objects)))

    def policy(self, name: str, **spec: object) -> None:
        self.apply(
            {
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": {"name": name, "namespace": self.namespace}, "spec": spec,
            }
        )  # fmt: skip

    def run_in(self, name: str, command: str) -> str:
        return self.cluster.run("exec", name, "-n", self.places[name], "--", "sh", "-c", command, check=False)

    def reached(self, *tries: str) -> list[str]:
        """Those that get a connection, of tries such as client:81 and client:service, made at once. A packet that is
        dropped is not answered: a second is enough."""

        def connects(one: str) -> bool:
            name, _, port = one.partition(":")
            target = f"{self.service} 8000" if port == "service" else f"{self.addresses['server']} {port}"
            return self.run_in(name, f"nc -w 1 {target} </dev/null && echo yes") == "yes\n"

        with ThreadPoolExecutor() as threads:
            return [one for one, yes in zip(tries, threads.map(connects, tries), strict=True) if yes]


def until(look: Callable[[], object], expected: object) -> None:
    """A policy holds a moment after it is stored."""
    deadline = time.monotonic() + SECONDS
    while (found := look()) != expected:
        assert time.monotonic() < deadline, f"{found} instead of {expected}"


@pytest.fixture(scope="module")
def started(cluster: Cluster) -> Iterator[Pods]:
    made = Pods(cluster)
    made.start()
    yield made
    cluster.run("delete", "namespace", made.namespace, made.abroad, "--wait=false")


@pytest.fixture
def pods(started: Pods) -> Iterator[Pods]:
    """Without policies before the test, and after it."""
    yield started
    started.cluster.run("delete", "networkpolicy", "--all", "-n", started.namespace)
    until(lambda: started.reached("client:80", "stranger:80"), ["client:80", "stranger:80"])


SERVERS = {"matchLabels": {"app": "server"}}
CLIENTS = {"podSelector": {"matchLabels": {"app": "client"}}}


def test_isolated_pods_are_reached_by_whom_policies_name(pods):
    pods.policy("nobody", podSelector={})
    tries = ("client:80", "client:81", "client:service", "stranger:service", "visitor:82")
    until(lambda: pods.reached(*tries), [])
    socket.create_connection((pods.addresses["server"], 80), 5).close()  # The node always may.

    pods.policy("clients", podSelector=SERVERS, ingress=[{"from": [CLIENTS], "ports": [{"port": "web"}]}])
    until(lambda: pods.reached(*tries), ["client:80", "client:service"])

    abroad = {"namespaceSelector": {"matchLabels": {"place": "abroad"}}}
    pods.policy(
        "clients", podSelector=SERVERS, ingress=[{"from": [abroad], "ports": [{"port": 81, "endPort": 82}]}]
    )
    until(lambda: pods.reached(*tries), ["visitor:82"])


def test_a_block_of_addresses_has_exceptions(pods):
    block = {"cidr": "0.0.0.0/0", "except": [f"{pods.addresses['client']}/32"]}
    pods.policy("block", podSelector=SERVERS, ingress=[{"from": [{"ipBlock": block}]}])
    until(lambda: pods.reached("client:80", "stranger:80"), ["stranger:80"])


def test_egress_needs_names_too(pods):
    servers = {"to": [{"podSelector": SERVERS}], "ports": [{"port": 80}]}
    pods.policy("out", podSelector=CLIENTS["podSelector"], policyTypes=["Egress"], egress=[servers])
    until(lambda: pods.reached("client:80", "client:81"), ["client:80"])
    look_up = "timeout 1 nslookup -type=a server.policed.svc.cluster.local"
    assert pods.service not in pods.run_in("client", look_up)
    names = {"to": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}]}
    pods.policy("names", podSelector={}, policyTypes=["Egress"], egress=[names])
    until(lambda: pods.service in pods.run_in("client", look_up), True)
    assert pods.reached("client:service", "stranger:service", "visitor:80") == ["client:service", "visitor:80"]


def test_a_connection_outlives_a_policy_against_it(pods):
    said = "(echo one; until [ -e /tmp/go ]; do sleep 0.1; done; echo two; sleep 1)"
    talk = f"{said} | nc {pods.addresses['server']} 9000"
    talking = pods.cluster.spawn("exec", "client", "-n", pods.namespace, "--", "sh", "-c", talk, stdout=PIPE)
    try:
        assert talking.stdout.readline() == "one\n"
        pods.policy("nobody", podSelector={}, policyTypes=["Ingress", "Egress"])
        until(lambda: pods.reached("client:80"), [])
        pods.run_in("client", "touch /tmp/go")
        assert talking.stdout.readline() == "two\n"
    finally:
        talking.kill()
        talking.communicate()


def test_a_new_pod_is_isolated_before_its_first_packet(pods):
    pods.policy("nobody", podSelector={}, policyTypes=["Egress"])
    until(lambda: pods.reached("client:80"), [])
    command = f"nc -w 1 {pods.addresses['server']} 80 </dev/null 2>/dev/null && echo reached || echo cut"
    pods.apply(pod("late", pods.namespace, command))
    pods.cluster.wait_for_pod("late", ".status.phase", "Succeeded", namespace=pods.namespace)
    assert pods.cluster.run("logs", "late", "-n", pods.namespace) == "cut\n"
