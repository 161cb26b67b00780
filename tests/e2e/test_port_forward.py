"""Ports of pods on this machine: by the real kubectl, over WebSockets and over SPDY, and by minikctl."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.cli import BIN, Cluster
from tests.support.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.kubectl]

MEGABYTES = 20
POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME, labels: {app: NAME}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: busybox:1.36
    command: [sh, -c]
    args:
    - |
      echo hello >/tmp/index.html
      dd if=/dev/urandom of=/tmp/big bs=1M count=20 2>/dev/null
      nc -ll -p 9000 -e sha256sum &
      nc -ll -p 9001 -e cat /tmp/big &
      nc -ll -p 9002 -e cat &
      exec httpd -f -p 8080 -h /tmp
    ports: [{name: http, containerPort: 8080}, {name: dns, containerPort: 53, protocol: UDP}]
    readinessProbe: {httpGet: {port: http, path: /big}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec: {selector: {app: NAME}, ports: [{name: web, port: 80, targetPort: http}]}
"""

CLIENTS: dict[str, tuple[str, Mapping[str, str]]] = {
    "kubectl": ("kubectl", {}),
    "kubectl over SPDY": ("kubectl", {"KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"}),
    "minikctl": ("minikctl", {}),
}


class Forwarded:
    """A running port-forward; `ports` are the local ones, in the order in which they were asked for."""

    def __init__(self, process: subprocess.Popen[str], ports: list[int]) -> None:
        self.process = process
        self.ports = ports

    def connect(self, at: int = 0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.ports[at]), timeout=30)

    def end(self) -> tuple[int, str]:
        """Its exit code and what it said since, once it ends by itself."""
        said, _ = self.process.communicate(timeout=30)
        return self.process.returncode, said


@pytest.fixture(scope="module")
def web(cluster: Cluster) -> Iterator[str]:
    """A pod and a service, `web`."""
    cluster.run("create", "-f", "-", stdin=POD.replace("NAME", "web"))
    cluster.run("wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    cluster.kubectl("version")  # writes the kubeconfig
    yield "web"
    cluster.run("delete", "pod,service", "web", "--wait=false")


@contextmanager
def forwarding(cluster: Cluster, client: str, *args: str) -> Iterator[Forwarded]:
    program, env = CLIENTS[client]
    command = [str(BIN / program), "port-forward", *args]
    if program == "kubectl":
        command.insert(1, f"--kubeconfig={cluster.home.parent / f'{cluster.name}.kubeconfig'}")
    process = subprocess.Popen(
        command, env={**cluster.env, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        wanted = [arg for arg in args if arg.startswith(":")]
        lines = [process.stdout.readline() for _ in range(2 * len(wanted))]
        yield Forwarded(process, [int(re.findall(r":(\d+) ->", line)[0]) for line in lines[::2]])
    finally:
        process.kill()
        process.communicate()


def read_all(connection: socket.socket) -> bytes:
    received = bytearray()
    while data := connection.recv(1 << 16):
        received += data
    return bytes(received)


def fetch(forwarded: Forwarded, path: str = "/index.html", at: int = 0) -> bytes:
    with forwarded.connect(at) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        return read_all(connection).partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("client", CLIENTS)
def test_several_connections_at_once(cluster: Cluster, web: str, client: str) -> None:
    with (
        forwarding(cluster, client, f"pod/{web}", ":8080", ":9002") as forwarded,
        ThreadPoolExecutor(8) as threads,
    ):
        # One that says nothing must not hold the others up.
        with forwarded.connect(1):
            assert [*threads.map(lambda _: fetch(forwarded), range(16))] == [b"hello\n"] * 16
        with forwarded.connect(1) as echo:
            for word in (b"one", b"two"):
                echo.sendall(word)
                assert echo.recv(10) == word
        forwarded.process.send_signal(signal.SIGINT)
        code, said = forwarded.end()
    assert code == 0
    assert said.count(f"Handling connection for {forwarded.ports[0]}\n") == 16


@pytest.mark.parametrize("client", CLIENTS)
def test_much_data_arrives_whole_in_both_directions(cluster: Cluster, web: str, client: str) -> None:
    digest = cluster.run("exec", web, "--", "sha256sum", "/tmp/big").split()[0]
    data = os.urandom(MEGABYTES << 20)
    with forwarding(cluster, client, f"pod/{web}", ":9000", ":9001") as forwarded:
        with forwarded.connect(1) as download:
            assert hashlib.sha256(read_all(download)).hexdigest() == digest
        with forwarded.connect(0) as upload:
            upload.sendall(data)
            upload.shutdown(socket.SHUT_WR)
            assert read_all(upload).split()[0].decode() == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_port_that_nobody_listens_on(cluster: Cluster, web: str, client: str) -> None:
    with forwarding(cluster, client, f"pod/{web}", ":9999") as forwarded:
        with forwarded.connect() as connection:
            assert connection.recv(1) == b""
        code, said = forwarded.end()
    assert code == 1
    assert "connect: connection refused" in said
    assert said.endswith("error: lost connection to pod\n")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_pod_that_dies_ends_its_connections(cluster: Cluster, client: str) -> None:
    name = f"dies-{[*CLIENTS].index(client)}"
    cluster.run("create", "-f", "-", stdin=POD.replace("NAME", name).partition("---")[0])
    cluster.run("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=60s")
    with forwarding(cluster, client, f"pod/{name}", ":9002") as forwarded:
        with forwarded.connect() as connection:
            connection.sendall(b"x")
            assert connection.recv(1) == b"x"
            cluster.run("delete", "pod", name)
            assert connection.recv(1) == b""
        until(lambda: has_ended(forwarded))
        code, said = forwarded.end()
    assert (code, said.splitlines()[-1]) == (1, "error: lost connection to pod")


def has_ended(forwarded: Forwarded) -> bool:
    """It takes notice when somebody connects, who gets nothing; kubectl over SPDY missed the first of them at times."""
    if forwarded.process.poll() is None:
        with suppress(ConnectionError), forwarded.connect() as late:
            assert late.recv(1) == b""
    return forwarded.process.poll() is not None


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_that_vanishes_leaves_nothing_open(cluster: Cluster, web: str, client: str) -> None:
    def established() -> int:
        return cluster.run("exec", web, "--", "netstat", "-tn").count(":9002 ")

    with forwarding(cluster, client, f"pod/{web}", ":9002") as forwarded, forwarded.connect() as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        assert established() > 0
        forwarded.process.kill()
    deadline = time.monotonic() + 20
    while "ESTABLISHED" in cluster.run("exec", web, "--", "sh", "-c", "netstat -tn | grep :9002 || true"):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_service_s_port_is_that_of_its_pods(cluster: Cluster, web: str, client: str) -> None:
    with forwarding(cluster, client, f"service/{web}", ":web") as forwarded:
        assert fetch(forwarded) == b"hello\n"


def test_over_tls_and_below_a_kubeconfig_of_its_own(cluster: Cluster, web: str) -> None:
    kubeconfig = cluster.home.parent / f"{cluster.name}.kubeconfig"
    arguments = (f"--kubeconfig={kubeconfig}", web, ":9001")
    with forwarding(cluster, "minikctl", *arguments) as forwarded, forwarded.connect() as download:
        assert len(read_all(download)) == MEGABYTES << 20


def test_what_cannot_be_forwarded_is_told_as_kubectl_does(cluster: Cluster, web: str) -> None:
    for arguments in (
        "web", "pod/web 80a", "svc/web 81", "pod/web dns", "nope 80", "pod/web 80 --address foo",
        "pod/web 80 --pod-running-timeout=0s", "cm/kube-root-ca.crt 80", "svc/kubernetes 443", "web 70000:80",
    ):  # fmt: skip
        assert cluster.same("port-forward", *arguments.split()).exit_code == 1


def test_a_port_that_is_taken_is_told_as_kubectl_does(cluster: Cluster, web: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ("port-forward", web, f"{port}:8080", "--address", "127.0.0.1")
        ours, theirs = cluster.fails(*arguments), cluster.kubectl(*arguments)
    assert (ours, ours.stderr, ours.exit_code) == (theirs, theirs.stderr, theirs.exit_code)
    assert ours.stderr.startswith(f"Unable to listen on port {port}: ")


@pytest.mark.parametrize("client", ["kubectl", "minikctl"])
def test_a_server_that_stops_ends_the_forwarding(
    new_cluster: Callable[..., Cluster], client: str, tmp_path: Path
) -> None:
    cluster = new_cluster(f"pf-{client}")
    cluster.run("cluster", "start")
    cluster.run("create", "-f", "-", stdin=POD.replace("NAME", "web").partition("---")[0])
    cluster.run("wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
    cluster.kubectl("version")
    with forwarding(cluster, client, "pod/web", ":9002") as forwarded, forwarded.connect() as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        cluster.run("cluster", "stop")
        code, said = forwarded.end()
    assert (code, said.splitlines()[-1]) == (1, "error: lost connection to pod")
