"""A Docker engine that dies, or is restarted, under a cluster: an engine of the test's own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Cluster
from tests.support.docker_engine import DockerEngine
from tests.support.netns import own_namespace
from tests.support.waiting import until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine of its own needs root"),
]

REPLICAS = 3
REST_SECONDS = 1
LABELS = {"app": "web"}
SERVES = "trap 'exit 0' TERM; hostname >/tmp/index.html; httpd -f -p 8080 -h /tmp & wait"
"""A shell that ends when it is told to: the engine asks every container that it finds running."""
MANIFEST = {
    "apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": REPLICAS, "selector": {"matchLabels": LABELS}, "template": {
                "metadata": {"labels": LABELS},
                "spec": {"containers": [{
                    "name": "c", "image": "busybox:1.36", "command": ["sh", "-c", SERVES],
                }]},
            }},
        },
        {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": LABELS, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ],
}  # fmt: skip


@pytest.fixture
def engine() -> Iterator[DockerEngine]:
    """This thread, and all that the test starts, is in the engine's network meanwhile."""
    folder = Path(tempfile.mkdtemp(prefix="engine"))  # pytest's are too long for the sockets in it
    with own_namespace():
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        made = DockerEngine(folder)
        try:
            made.start()
            made.load("busybox:1.36")
            yield made
        finally:
            made.remove()
            shutil.rmtree(folder)


class Web:
    """The deployment and its service, as the API server, the engine and a client see them."""

    def __init__(self, cluster: Cluster, engine: DockerEngine) -> None:
        self.cluster = cluster
        self.engine = engine

    def pods(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.cluster.run("get", "pods", "-o", "json").json["items"]
        return items

    def ready(self, restarts: int) -> list[dict[str, Any]]:
        """The pods, once all are ready and every container was restarted so often or more."""

        def arrived() -> bool:
            statuses = [pod["status"].get("containerStatuses", [{"ready": False}])[0] for pod in self.pods()]
            return len(statuses) == REPLICAS and all(
                status["ready"] and status["restartCount"] >= restarts for status in statuses
            )

        until(arrived)
        self.cluster.run("rollout", "status", "deployment/web", "--timeout=60s")
        return self.pods()

    def containers(self) -> tuple[Counter[str], set[str]]:
        """How many running ones each pod has, and whose there are at all, by the pods' uids and from the engine."""
        columns = '{{.State}} {{.Label "io.kubernetes.pod.uid"}}'
        lines = [line.split(" ") for line in self.engine.docker("ps", "--all", "--format", columns).splitlines()]
        return Counter(uid for state, uid in lines if state == "running"), {uid for _, uid in lines}

    def endpoints(self) -> set[str]:
        slices = self.cluster.run(
            "get", "endpointslices", "-l", "kubernetes.io/service-name=web", "-o", "json"
        ).json
        return {
            address
            for each in slices["items"]
            for endpoint in each["endpoints"]
            if endpoint["conditions"]["ready"]
            for address in endpoint["addresses"]
        }

    def answering(self, address: str) -> set[str]:
        """The pods that answered a number of requests to the service."""
        return {fetch(address) for _ in range(5 * REPLICAS)}

    def node_is(self, state: str) -> bool:
        return self.cluster.run("get", "nodes", "--no-headers").split()[1] == state


def fetch(address: str) -> str:
    """ "" where nobody answers."""
    try:
        with socket.create_connection((address, 80), 5) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while chunk := connection.recv(4096):
                answer += chunk
    except OSError:
        return ""
    return answer.decode().partition("\r\n\r\n")[2].strip()


def test_pods_come_back_once_after_the_engine_was_killed_and_after_it_was_restarted(
    engine: DockerEngine, new_cluster: Callable[..., Cluster]
) -> None:
    cluster = new_cluster(DOCKER_HOST=engine.url)
    web = Web(cluster, engine)
    cluster.run("create", "-f", "-", stdin=json.dumps(MANIFEST))
    before = {pod["metadata"]["uid"] for pod in web.ready(0)}
    address = cluster.run("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    backend = cluster.pid

    engine.kill()
    until(lambda: web.node_is("NotReady"))
    assert cluster.run("create", "configmap", "written-without-an-engine").stderr == ""
    until(lambda: rests(backend))
    engine.start()
    back_once(web, before, address, restarts=1)

    engine.stop()
    engine.start()
    back_once(web, before, address, restarts=2)

    assert cluster.pid == backend
    until(lambda: rests(backend))


def back_once(web: Web, uids: set[str], address: str, *, restarts: int) -> None:
    """The same pods, each with one sandbox and one container that run, and reached by their service."""
    pods = web.ready(restarts)
    until(lambda: web.node_is("Ready"))
    assert {pod["metadata"]["uid"] for pod in pods} == uids
    until(lambda: web.containers() == (Counter([*uids, *uids]), uids))
    addresses = {pod["status"]["podIP"] for pod in pods}
    assert len(addresses) == REPLICAS
    until(lambda: web.endpoints() == addresses)
    names = {pod["metadata"]["name"] for pod in pods}
    until(lambda: web.answering(address) == names)


def rests(pid: int) -> bool:
    """Whether the threads of a process take no more than a hundredth of a core together, for a while."""
    before = cpu_seconds(pid)
    time.sleep(REST_SECONDS)
    return cpu_seconds(pid) - before <= 0.01 * REST_SECONDS


def cpu_seconds(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
