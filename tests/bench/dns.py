"""Cluster DNS as a pod sees it: questions through the service's address, from the pod's network, by dnsperf.

Meanwhile others work with the backend: a service that is asked for changes all the time, which makes its answers anew.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minikctl.client.transport import Transport, UnixDialer
from tests.bench.report import Row, quantile
from tests.support.cli import Cluster

SECONDS = 6
RATE = 5000
CHANGES_A_SECOND = 20
SERVICES = 50
MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: dns-client}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: "busybox:1.36", imagePullPolicy: IfNotPresent, command: [sleep, "3600"]}]
"""
FLOOR = """
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 0))
print(server.getsockname()[1], flush=True)
while True:
    data, client = server.recvfrom(4096)
    server.sendto(data[:2] + b"\\x80" + data[3:], client)
"""
"""A server that sends every question back as its answer, and does nothing else."""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {{name: dns-{0}}}\nspec: {{ports: [{{port: 80}}]}}\n"
_ANSWERED = re.compile(r"^> [A-Z]+ \S+ \S+ ([0-9.]+)$", re.MULTILINE)


def dns_rows(cluster: Cluster) -> list[Row]:
    """None of them where dnsperf (Debian's package of that name) is not installed."""
    if shutil.which("dnsperf") is None:
        return []
    cluster.run("create", "-f", "-", stdin="---\n".join([MANIFEST, *map(SERVICE.format, range(SERVICES))]))
    cluster.wait_for_pod("dns-client", ".status.phase", "Running")
    questions = cluster.home.parent / "dns-questions"
    names = (f"dns-{number}.default.svc.cluster.local" for number in range(SERVICES))
    questions.write_text("".join(f"{name} A\n{name} AAAA\n" for name in names))
    try:
        address = cluster.run(
            "get", "service", "kube-dns", "-n", "kube-system", "-o", "jsonpath={.spec.clusterIP}"
        )
        ours = ["-s", address, "-d", str(questions)]
        with _changing(cluster.folder / "backend.sock"):
            most, _ = _measured(cluster, *ours, "-q", "50")
            rate, waits = _measured(cluster, *ours, "-Q", str(RATE))
        with _floor(cluster) as (host, port):
            theirs = ["-s", host, "-p", port, "-d", str(questions)]
            _, floor = _measured(cluster, *theirs, "-Q", str(RATE))
    finally:
        cluster.run("delete", "pod", "dns-client", "--wait=false")
        cluster.run("delete", "service", *(f"dns-{number}" for number in range(SERVICES)))
    p99 = quantile(waits, 0.99) * 1000
    return [
        Row(
            f"DNS questions of one pod, {CHANGES_A_SECOND} changes of services a second",
            f"{most:.0f}/s", "", f">= {RATE}/s", most >= RATE,
        ),
        Row(
            f"the time of one at {rate:.0f}/s, p99", f"{p99:.2f} ms",
            f"a server that only echoes {quantile(floor, 0.99) * 1000:.2f} ms", "<= 5 ms", p99 <= 5,
        ),
    ]  # fmt: skip


def _measured(cluster: Cluster, *options: str) -> tuple[float, list[float]]:
    """Answers a second, and the seconds that each took; a lost one counts as 5 s."""
    done = subprocess.run(
        ["nsenter", "-t", _process(cluster), "-n", "dnsperf", "-v", "-c", "4", "-l", str(SECONDS), *options],
        check=True, capture_output=True, text=True, timeout=SECONDS + 30,
    )  # fmt: skip
    waits = [float(wait) for wait in _ANSWERED.findall(done.stdout)]
    [sent] = re.findall(r"Queries sent: +(\d+)", done.stdout)
    return len(waits) / SECONDS, waits + [5.0] * (int(sent) - len(waits))


def _process(cluster: Cluster) -> str:
    """One that is in the pod's network."""
    [container] = cluster.run("get", "pod", "dns-client", "-o", "json").json["status"]["containerStatuses"]
    identity = container["containerID"].removeprefix("docker://")
    found = subprocess.run(
        ["docker", "inspect", "-f", "{{.State.Pid}}", identity], check=True, capture_output=True, text=True
    )
    return found.stdout.strip()


@contextmanager
def _floor(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Address and port of an echo where the server of the cluster listens, too."""
    found = cluster.run("get", "endpointslice", "kube-dns", "-n", "kube-system", "-o", "json").json
    host: str = found["endpoints"][0]["addresses"][0]
    echo = subprocess.Popen([sys.executable, "-c", FLOOR, host], stdout=subprocess.PIPE, text=True)
    try:
        assert echo.stdout is not None
        yield host, echo.stdout.readline().strip()
    finally:
        echo.kill()
        echo.communicate()


@contextmanager
def _changing(socket: Path) -> Iterator[None]:
    """Another service in turn gets a label, CHANGES_A_SECOND times a second."""
    over = threading.Event()

    def change() -> None:
        transport = Transport(UnixDialer(str(socket)))
        number = 0
        while not over.wait(1 / CHANGES_A_SECOND):
            number += 1
            body = json.dumps({"metadata": {"labels": {"changes": str(number)}}}).encode()
            path = f"/api/v1/namespaces/default/services/dns-{number % SERVICES}"
            transport.request("PATCH", path, {"Content-Type": "application/merge-patch+json"}, body).read()
        transport.close()

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
