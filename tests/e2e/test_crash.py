"""kill -9 during writes, again and again: what was acknowledged is there, once, and watchers go on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.meta import unixsocket
from tests.support.cli import Cluster

ROUNDS = 4
WRITERS = 4


class Writer(threading.Thread):
    """Creates Secrets one after the other until the backend is gone; keeps the names that were acknowledged."""

    def __init__(self, cluster: Cluster, prefix: str) -> None:
        super().__init__()
        self.cluster = cluster
        self.prefix = prefix
        self.tried: list[str] = []
        self.acknowledged: list[str] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        import http.client
        import socket

        connection = http.client.HTTPConnection("localhost")
        try:
            connection.sock = socket.socket(socket.AF_UNIX)
            with unixsocket.address(str(self.cluster.folder / "backend.sock")) as address:
                connection.sock.connect(address)
            while not self.stopping.is_set():
                name = f"{self.prefix}-{len(self.tried)}"
                body = {
                    "apiVersion": "v1", "kind": "Secret",
                    "metadata": {"name": name}, "stringData": {"name": name},
                }  # fmt: skip
                self.tried.append(name)
                headers = {"Content-Type": "application/json"}
                connection.request("POST", "/api/v1/namespaces/default/secrets", json.dumps(body), headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 201:
                    self.acknowledged.append(name)
        except (OSError, http.client.HTTPException):
            pass  # The backend was killed: what was under way was not acknowledged.
        finally:
            connection.close()


def test_acknowledged_writes_survive_kill_9(new_cluster: Callable[..., Cluster]) -> None:
    cluster = new_cluster()
    cluster.run("cluster", "start")
    choose = random.Random(7)
    acknowledged: set[str] = set()
    tried: set[str] = set()
    last_version = 0
    for round_ in range(ROUNDS):
        writers = [Writer(cluster, f"r{round_}-w{number}") for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        enough = choose.randint(WRITERS, 40 * WRITERS)
        until = time.monotonic() + 20
        while sum(len(writer.acknowledged) for writer in writers) < enough and time.monotonic() < until:
            time.sleep(choose.uniform(0, 0.01))
        cluster.kill()
        for writer in writers:
            writer.stopping.set()
            writer.join(30)
            acknowledged.update(writer.acknowledged)
            tried.update(writer.tried)
        listed = cluster.run("get", "--raw", "/api/v1/namespaces/default/secrets").json
        names = [item["metadata"]["name"] for item in listed["items"]]
        assert len(names) == len(set(names))
        assert acknowledged <= set(names) <= tried
        versions = [int(item["metadata"]["resourceVersion"]) for item in listed["items"]]
        assert len(versions) == len(set(versions))
        newest = int(listed["metadata"]["resourceVersion"])
        assert max(versions, default=0) <= newest
        assert newest >= last_version
        last_version = newest
    assert len(acknowledged) > ROUNDS * WRITERS


def test_a_backend_killed_while_it_starts_is_started_by_the_next_command(
    new_cluster: Callable[..., Cluster],
) -> None:
    """Whatever it was writing: keys, certificates, the empty database, what it tells of itself."""
    choose = random.Random(11)
    for round_ in range(4):
        cluster = new_cluster(f"round{round_}")
        starting = cluster.spawn("cluster", "start", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        pid = wait_for_backend(cluster)
        time.sleep(choose.uniform(0, 1.2))
        os.kill(pid, signal.SIGKILL)
        told, _ = starting.communicate(timeout=30)
        assert "signal 9" in told if starting.returncode else "started" in told
        assert cluster.run("create", "configmap", "after") == "configmap/after created\n"
        assert cluster.kubectl("get", "configmap", "after", "-o", "name") == "configmap/after\n"
        assert not [path.name for path in cluster.folder.rglob(".*")]


@pytest.mark.docker
def test_pods_that_were_starting_when_the_backend_was_killed_come_up_once(
    new_cluster: Callable[..., Cluster], manifests: Path
) -> None:
    cluster = new_cluster()
    folder = manifests / "secrets"
    cluster.run("create", "-f", str(folder / "secrets-db-secret.yml"))
    pod = (folder / "pod-env.yml").read_text()
    choose = random.Random(5)
    names = [f"pod{number}" for number in range(5)]
    for name in names:
        cluster.run("create", "-f", "-", stdin=pod.replace("nodejs.lifetouch.us", name))
        time.sleep(choose.uniform(0, 0.9))
        cluster.kill()
    for name in names:
        cluster.wait_for_pod(name, ".status.phase", "Running")
        assert cluster.run("exec", name, "--", "sh", "-c", "echo $SECRET_USER") == "root\n"
    assert sorted(running_containers(cluster)) == sorted([*names, *names])


@pytest.mark.docker
def test_after_a_reboot_pods_run_again_with_their_secrets(
    new_cluster: Callable[..., Cluster], manifests: Path
) -> None:
    """A reboot kills the backend and the containers, and takes what was in memory: the secrets' file systems."""
    cluster = new_cluster()
    folder = manifests / "secrets"
    cluster.run("create", "-f", str(folder / "secrets-db-secret.yml"), "-f", str(folder / "pod-volume.yml"))
    (name,) = cluster.run("get", "pods", "-o", "jsonpath={.items[*].metadata.name}").split()
    cluster.wait_for_pod(name, ".status.phase", "Running")
    before = cluster.run("exec", name, "--", "cat", "/etc/creds/username")
    cluster.run("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
    (node,) = cluster.run("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()
    another_boot = '{"status":{"nodeInfo":{"bootID":"00000000-0000-0000-0000-000000000000"}}}'
    cluster.run("patch", "node", node, "--subresource=status", "-p", another_boot)
    cluster.kill()
    subprocess.run(["docker", "kill", *running_containers(cluster, "{{.ID}}")], check=True, capture_output=True)
    for mount in [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]:
        if mount.startswith(str(cluster.folder)):
            subprocess.run(["umount", mount], check=True)
    cluster.run("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
    assert sorted(running_containers(cluster)) == [name, name], "what was ready before it does not count"
    restarts = "jsonpath={.status.containerStatuses[0].restartCount}"
    assert cluster.run("get", "pod", name, "-o", restarts) == "1"
    assert cluster.run("exec", name, "--", "cat", "/etc/creds/username") == before


def running_containers(cluster: Cluster, column: str = '{{.Label "io.kubernetes.pod.name"}}') -> list[str]:
    """Of the cluster, told by Docker: the name of each one's pod, or another column."""
    identity = hashlib.sha256(str(cluster.folder).encode()).hexdigest()[:8]
    chosen = f"label=minikctl.cluster={cluster.name}-{identity}"
    command = ["docker", "ps", "--filter", chosen, "--format", column]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def wait_for_backend(cluster: Cluster) -> int:
    """The process that has the cluster, which need not be ready. It tells nobody so early: look."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int((cluster.folder / "lock").read_text())
        time.sleep(0.005)
    raise AssertionError("no backend came")


def test_a_watcher_resumes_from_its_revision_after_kill_9(new_cluster: Callable[..., Cluster]) -> None:
    """No event is missed or repeated over the crash when the watch goes on from the last revision seen."""
    cluster = new_cluster()
    cluster.run("create", "configmap", "before")
    version = cluster.run("get", "configmap", "before", "-o", "jsonpath={.metadata.resourceVersion}")
    names = [f"after-{number}" for number in range(5)]
    for name in names[:3]:
        cluster.run("create", "configmap", name)
    cluster.kill()
    for name in names[3:]:
        cluster.run("create", "configmap", name)
    query = f"/api/v1/namespaces/default/configmaps?watch=true&resourceVersion={version}&timeoutSeconds=2"
    events = [json.loads(line) for line in cluster.run("get", "--raw", query).splitlines()]
    seen = [(event["type"], event["object"]["metadata"]["name"]) for event in events]
    assert [event for event in seen if event[1] != "kube-root-ca.crt"] == [("ADDED", name) for name in names]
