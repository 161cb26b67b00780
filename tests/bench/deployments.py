"""How long Deployments take to be available: with a real engine beside `docker run`, and many pods on the fake one."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.report import Row, median
from tests.support.cli import Cluster

IMAGE = "busybox:1.36"
AIMS = {10: 3.5, 30: 11.0}
"""Seconds by replicas; a real Kubernetes on such a machine took 6.4 and 25.4."""
MANY = 1000
MANY_SECONDS = 10.0
UNCHANGED_SECONDS = 10
_TICKS = os.sysconf("SC_CLK_TCK")


def engine_rows(cluster: Cluster) -> list[Row]:
    beside = f"docker run {median([_docker_run() for _ in range(5)]):.2f} s"
    rows = []
    for replicas, aim in AIMS.items():
        took = _available(cluster, f"bench-{replicas}", replicas, ["sleep", "3600"])
        cluster.run("delete", "deployment", f"bench-{replicas}", "--cascade=foreground")
        work = f"Deployment of {replicas} available"
        rows.append(Row(work, f"{took:.2f} s", beside, f"<= {aim} s", took <= aim))
    return rows


def fake_rows(home: Path) -> list[Row]:
    """On a cluster of its own, whose pods only pretend to run."""
    cluster = Cluster(home / "many", f"bench-many-{os.getpid()}")
    cluster.run("cluster", "start", "--runtime=fake")
    try:
        _await_node(cluster)
        took = _available(cluster, "many", MANY, [])
        _settle(cluster)
        before = _cpu_seconds(cluster)
        time.sleep(UNCHANGED_SECONDS)
        percent = (_cpu_seconds(cluster) - before) / UNCHANGED_SECONDS * 100
    finally:
        cluster.delete()
    met = took <= MANY_SECONDS
    return [
        Row(f"{MANY} replicas on the fake runtime", f"{took:.2f} s", "", f"<= {MANY_SECONDS:.0f} s", met),
        Row(f"{MANY} unchanged pods, of one core", f"{percent:.2f} %", "", "<= 1 %", percent <= 1),
    ]


def _await_node(cluster: Cluster) -> None:
    deadline = time.monotonic() + 30
    while not cluster.run("get", "nodes", "-o", "name") and time.monotonic() < deadline:
        time.sleep(0.1)
    cluster.run("wait", "node", "--all", "--for=condition=Ready", "--timeout=30s")


def _available(cluster: Cluster, name: str, replicas: int, command: Sequence[str]) -> float:
    """Seconds from the command that creates it until all replicas are available, as a watch tells it."""
    container = {"name": "c", "image": IMAGE, **({"command": list(command)} if command else {})}
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    began = time.monotonic()
    cluster.run("create", "-f", "-", stdin=json.dumps(manifest))
    # Not `rollout status`, which prints a line for each pod.
    available = f"jsonpath={{.status.availableReplicas}}={replicas}"
    cluster.run("wait", f"deployment/{name}", f"--for={available}", "--timeout=120s", timeout=130)
    return time.monotonic() - began


def _docker_run() -> float:
    began = time.monotonic()
    command = ["docker", "run", "--rm", "--detach", "--stop-timeout=0", IMAGE, "sleep", "3600"]
    container = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    took = time.monotonic() - began
    subprocess.run(["docker", "kill", container], check=True, capture_output=True)
    return took


def _settle(cluster: Cluster) -> None:
    """Events and last statuses are written for a while: wait for two seconds in which the processor rests."""
    for _ in range(30):
        before = _cpu_seconds(cluster)
        time.sleep(2)
        if _cpu_seconds(cluster) - before < 0.05:
            return


def _cpu_seconds(cluster: Cluster) -> float:
    fields = Path(f"/proc/{cluster.pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
