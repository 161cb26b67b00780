"""A user who is not root, but whom the Docker engine obeys, has a cluster with all that root's has."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.meta.cluster_id import cluster_id
from tests.support.cli import Cluster, Output

SOCKET = Path("/var/run/docker.sock")
UID = 40_000 + os.getpid() % 10_000

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users")

POD = """
apiVersion: v1
kind: Secret
metadata: {name: greeting}
stringData: {text: hello}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {fsGroup: 4242}
  containers:
  - name: c
    image: busybox:1.36
    command: [sh, -c, "mkdir /data/own && touch /data/own/file && chmod 700 /data/own && httpd -f -p 8080 -h /secret"]
    volumeMounts: [{name: secret, mountPath: /secret}, {name: data, mountPath: /data}]
  volumes: [{name: secret, secret: {secretName: greeting}}, {name: data, emptyDir: {}}]
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: busybox:1.36, command: [sleep, "1000"]}]
"""


class UsersCluster(Cluster):
    """Its commands are run by a user who is in the group of the engine's socket, and has no other privilege than to
    read this checkout wherever it is."""

    def __init__(self, home: Path, name: str, **env: str) -> None:
        os.chown(home, UID, UID)
        super().__init__(home / ".minikctl", f"{name}-{os.getpid()}", env)

    def execute(self, *command: str, stdin: str = "", timeout: float = 90, cwd: Path | None = None) -> Output:
        groups = str(SOCKET.stat().st_gid)
        reading = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
        user = ("setpriv", f"--reuid={UID}", f"--regid={UID}", f"--groups={groups}", *reading)
        return super().execute(*user, *command, stdin=stdin, timeout=timeout, cwd=cwd)

    @property
    def id(self) -> str:
        return cluster_id(self.name, self.folder)

    def left(self) -> list[str]:
        """What there is of the cluster outside its folder."""
        label = f"label=minikctl.cluster={self.id}"
        return [
            *said("docker", "ps", "-a", "--format", "{{.Names}}", "--filter", label).split(),
            *self.containers(),
            *(line for line in said("nft", "list", "tables").splitlines() if self.id in line),
            *(line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(self.home) in line),
            *map(str, Path("/dev/shm").glob(f"minikctl-{UID}-*")),
        ]

    def containers(self) -> list[str]:
        """Those of the backend itself."""
        label = f"label=minikctl.backend={self.id}"
        return said("docker", "ps", "-a", "--format", "{{.Names}}", "--filter", label).split()


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@contextmanager
def cluster_of_a_user(name: str, **env: str) -> Iterator[UsersCluster]:
    """Its home is not in pytest's folders, which are root's alone."""
    with tempfile.TemporaryDirectory(prefix="minikctl-") as home:
        cluster = UsersCluster(Path(home), name, **env)
        try:
            yield cluster
        finally:
            cluster.delete()
            shutil.rmtree(f"/var/tmp/minikctl-{UID}", ignore_errors=True)  # links, which count for nothing now
        assert cluster.left() == []


@pytest.fixture(scope="module")
def users() -> Iterator[UsersCluster]:
    with cluster_of_a_user("users") as cluster:
        yield cluster


def started(cluster: UsersCluster) -> Output:
    return cluster.run("cluster", "start")


def test_the_backend_is_the_users_own_in_a_container_of_its_name(users: UsersCluster) -> None:
    assert started(users).stderr == ""
    assert users.containers() == [f"minikctl-backend-{users.id}"]
    status = Path(f"/proc/{users.pid}/status").read_text()
    assert f"Uid:\t{UID}\t{UID}\t{UID}\t{UID}\n" in status
    assert os.readlink(f"/proc/{users.pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt")
    assert os.readlink(f"/proc/{users.pid}/ns/net") == os.readlink("/proc/self/ns/net")
    assert {path.stat().st_uid for path in users.folder.rglob("*")} == {UID}
    described = users.run("cluster", "status", "-o", "json").json
    assert (described["pid"], described["network"]["problem"]) == (users.pid, "")


def test_services_are_reached_from_here_and_from_pods_and_volumes_are_as_roots(users: UsersCluster) -> None:
    started(users)
    users.run("create", "-f", "-", stdin=POD)
    users.run("wait", "--for=condition=Ready", "pod/web", "pod/client", "--timeout=60s")
    url = users.run("service", "web", "--url", "--wait=30s").strip()
    with urllib.request.urlopen(f"{url}/text", timeout=10) as answer:
        assert answer.read() == b"hello"
    assert users.run("exec", "client", "--", "wget", "-q", "-O", "-", f"{url}/text") == "hello"
    name = "web.default.svc.cluster.local"
    assert f"Name:\t{name}\n" in users.run("exec", "client", "--", "nslookup", name)
    assert users.run("exec", "web", "--", "stat", "-L", "-c", "%u %g %a", "/secret/text") == "0 4242 644\n"
    assert " tmpfs " in users.run("exec", "web", "--", "grep", " /secret ", "/proc/mounts")
    users.run("delete", "pod", "web", "client")
    deadline = time.monotonic() + 30
    while os.listdir(users.folder / "kubelet" / "pods") and time.monotonic() < deadline:
        time.sleep(0.1)  # The pods are gone from the API a moment before.
    assert os.listdir(users.folder / "kubelet" / "pods") == []


def test_a_killed_backend_leaves_no_container_and_the_next_command_starts_another(users: UsersCluster) -> None:
    started(users)
    users.run("create", "configmap", "kept")
    before = users.pid
    container = said("docker", "inspect", "--format", "{{.Id}}", users.containers()[0]).strip()
    os.kill(before, signal.SIGKILL)
    subprocess.run(["docker", "wait", container], capture_output=True, timeout=30, check=False)
    assert users.run("get", "configmap", "kept", "-o", "name") == "configmap/kept\n"
    assert users.pid != before
    assert len(users.containers()) == 1


def test_a_container_that_was_made_and_never_started_is_in_nobodys_way(users: UsersCluster) -> None:
    started(users)
    users.run("cluster", "stop")
    assert users.left() == []
    said(
        "docker", "create", "--name", f"minikctl-backend-{users.id}", "--entrypoint", "/enter", "minikctl/enter:1"
    )
    started(users)
    assert len(users.containers()) == 1


def test_without_a_container_all_but_the_network_works_and_it_is_said() -> None:
    with cluster_of_a_user("plain", MINIKCTL_CONTAINER="false") as cluster:
        problem = "minikctl was run without root, and $MINIKCTL_CONTAINER is false"
        assert started(cluster).stderr == f"warning: services have no addresses here: {problem}\n"
        assert cluster.containers() == []
        assert f"Network:   no addresses for services: {problem}\n" in cluster.run("cluster", "status")
        cluster.run("create", "-f", "-", stdin=POD.replace("  securityContext: {fsGroup: 4242}\n", ""))
        cluster.run("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
        assert cluster.run("exec", "web", "--", "cat", "/secret/text") == "hello"
        failed = cluster.fails("service", "web")
        assert failed.stderr == (
            f'error: services have no address on this machine: {problem}; use "minikctl port-forward" instead\n'
        )
        said_of_node = cluster.run("get", "events", "--field-selector=reason=NetworkNotReady")
        assert problem in said_of_node


def test_an_engine_elsewhere_is_named() -> None:
    with cluster_of_a_user("remote", DOCKER_HOST="tcp://127.0.0.1:9") as cluster:
        assert "and the Docker engine is on another machine (tcp://127.0.0.1:9)\n" in started(cluster).stderr
