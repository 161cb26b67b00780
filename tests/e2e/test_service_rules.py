"""The rules of services beside a real engine's: for pods, for this machine, and over the death of the backend."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable

import pytest

from tests.support.cli import Cluster
from tests.support.waiting import until

pytestmark = pytest.mark.docker

POD = {
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
        "name": "c", "image": "busybox:1.36", "command": ["httpd", "-f", "-p", "8080"],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    }]},
}  # fmt: skip
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
}


def answered(address: str, port: int) -> bool:
    """False while it is refused; an address that is silent raises TimeoutError."""
    try:
        with socket.create_connection((address, port), 10) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return connection.recv(100).startswith(b"HTTP/1.1 404")
    except ConnectionError:
        return False


def others_rules() -> list[str]:
    """What Docker, and whoever uses iptables here, has, but for the ports that other tests may be publishing."""
    lines: list[str] = []
    for name in ("nat", "filter"):
        command = ["nft", "--stateless", "list", "table", "ip", name]
        lines += subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    return [line for line in lines if "dport" not in line]


def rules() -> str:
    return subprocess.run(["nft", "list", "ruleset", "inet"], capture_output=True, text=True, check=True).stdout


class Caller(threading.Thread):
    """Asks one address again and again, and counts."""

    def __init__(self, address: str, port: int) -> None:
        super().__init__()
        self._where = (address, port)
        self.asked = self.failed = 0
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(0.005):
            self.asked += 1
            self.failed += not answered(*self._where)

    def stop(self) -> None:
        self._stopping.set()
        self.join()


def test_services_work_over_the_death_of_the_backend(new_cluster: Callable[..., Cluster]) -> None:
    docker = others_rules()
    cluster = new_cluster("rules")
    cluster.run(
        "create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": [POD, SERVICE]})
    )
    cluster.run("wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    spec = cluster.run("get", "service", "web", "-o", "json").json["spec"]
    address, node_port = spec["clusterIP"], spec["ports"][0]["nodePort"]
    until(lambda: answered(address, 80))
    assert answered("127.0.0.1", node_port)
    ask = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 10 {address} 80"
    assert "404" in cluster.run("exec", "web", "--", "sh", "-c", ask), "a pod reaches itself through its service"

    callers = [Caller(address, 80), Caller("127.0.0.1", node_port)]
    for caller in callers:
        caller.start()
    try:
        os.kill(cluster.pid, signal.SIGKILL)
        cluster.run("cluster", "start")
        cluster.run("create", "service", "clusterip", "another", "--tcp=80")
        other = cluster.run("get", "service", "another", "-o", "jsonpath={.spec.clusterIP}")
        until(lambda: f"{other} . tcp . 80" in rules())
    finally:
        for caller in callers:
            caller.stop()
    assert all(caller.asked > 20 for caller in callers)
    assert [caller.failed for caller in callers] == [0, 0]
    assert others_rules() == docker
