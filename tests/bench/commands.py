"""`get pods` as a whole process, in turns with kubectl's; a pod until it runs, in turns with `docker run -d`."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable

from tests.bench.report import Row, median
from tests.support.cli import BIN, Cluster

GETS = 25
PODS = 11
IMAGE = "busybox:1.36"
PHASES = "jsonpath={.metadata.name} {.status.phase}{'\\n'}"


def get_rows(cluster: Cluster) -> list[Row]:
    kubeconfig = cluster.home.parent / "bench.kubeconfig"
    kubeconfig.write_text(cluster.run("cluster", "kubeconfig"))
    ours = [str(BIN / "minikctl"), "get", "pods"]
    theirs = [str(BIN / "kubectl"), f"--kubeconfig={kubeconfig}", "get", "pods"]
    mine, other = _in_turns(GETS, lambda: _call(cluster, ours), lambda: _call(cluster, theirs))
    ratio = median([a / b for a, b in zip(mine, other, strict=True)])
    return [
        Row(
            "minikctl get pods, whole process",
            f"{median(mine) * 1000:.0f} ms ({ratio:.2f} x)",
            f"kubectl {median(other) * 1000:.0f} ms",
            "<= kubectl",
            ratio <= 1,
        )
    ]


def pod_rows(cluster: Cluster) -> list[Row]:
    pods, containers = iter(range(1000)), iter(range(1000))
    names: list[str] = []
    watch = cluster.spawn("get", "pods", "--watch", "-o", PHASES, stdout=subprocess.PIPE)
    assert watch.stdout is not None
    changes = watch.stdout

    def pod() -> None:
        name = f"bench-{next(pods)}"
        manifest = f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{{name: c, image: "{IMAGE}", imagePullPolicy: IfNotPresent, command: [sleep, "3600"]}}]
"""
        cluster.run("create", "-f", "-", stdin=manifest)
        next(line for line in changes if line == f"{name} Running\n")

    def container() -> None:
        name = f"minikctl-bench-{os.getpid()}-{next(containers)}"
        subprocess.run(
            ["docker", "run", "-d", "--name", name, IMAGE, "sleep", "3600"], check=True, capture_output=True
        )
        names.append(name)

    try:
        mine, other = _in_turns(PODS, pod, container)
    finally:
        watch.kill()
        watch.communicate()
        if names:
            subprocess.run(["docker", "rm", "-f", *names], check=True, capture_output=True)
        cluster.run("delete", "pods", "--all")
    ratio = median([a / b for a, b in zip(mine, other, strict=True)])
    return [
        Row(
            "pod create -> Running, told by a watch",
            f"{median(mine):.2f} s ({ratio:.2f} x)",
            f"docker run -d {median(other):.2f} s",
            "<= 2 x docker run",
            ratio <= 2,
        )
    ]


def _in_turns(times: int, ours: Callable[[], None], theirs: Callable[[], None]) -> tuple[list[float], list[float]]:
    """Seconds of each call, one of each uncounted first, then a b a b ..."""
    ours(), theirs()
    mine, other = [], []
    for _ in range(times):
        for call, seconds in ((ours, mine), (theirs, other)):
            began = time.monotonic()
            call()
            seconds.append(time.monotonic() - began)
    return mine, other


def _call(cluster: Cluster, command: list[str]) -> None:
    subprocess.run(command, env=cluster.env, check=True, capture_output=True)
