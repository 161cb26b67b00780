"""Many pods at once, without an engine: they come up, they fail together, and then the backend rests."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from backend.meta.timefmt import parse
from tests.support.cli import Cluster

PODS = 50
REST_SECONDS = 5


def cpu_seconds(cluster: Cluster) -> float:
    fields = Path(f"/proc/{cluster.pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def deployment(replicas: int) -> str:
    labels = {"app": "many"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "many"}, "spec": spec})


def cpu_over(cluster: Cluster, seconds: float) -> float:
    before = cpu_seconds(cluster)
    time.sleep(seconds)
    return cpu_seconds(cluster) - before


def test_fifty_pods_that_fail_at_once_are_started_again_ever_later_and_cost_nothing_meanwhile(
    new_cluster: Callable[..., Cluster],
) -> None:
    cluster = new_cluster()
    cluster.run("cluster", "start", "--runtime=fake")
    cluster.run("create", "-f", "-", stdin=deployment(PODS))
    available = f"--for=jsonpath={{.status.availableReplicas}}={PODS}"
    cluster.run("wait", "deployment/many", available, "--timeout=60s")
    names = cluster.run("get", "pods", "-o", "name").split()
    assert len(names) == PODS
    # The first failure is answered at once, the second after ten seconds.
    for _ in range(2):
        with ThreadPoolExecutor(4) as pool:
            told = list(pool.map(lambda name: cluster.run("exec", name, "--", "exit", "1", check=False), names))
        assert len(told) == PODS
        cluster.run("wait", "deployment/many", available, "--timeout=60s")
    pods = cluster.run("get", "pods", "-o", "json").json["items"]
    assert sorted(f"pod/{pod['metadata']['name']}" for pod in pods) == sorted(names)
    statuses = [pod["status"]["containerStatuses"][0] for pod in pods]
    assert {status["restartCount"] for status in statuses} == {2}
    assert all(
        parse(status["state"]["running"]["startedAt"]) - parse(status["lastState"]["terminated"]["finishedAt"])
        >= 9
        for status in statuses
    )
    deadline = time.monotonic() + 60
    while (spent := cpu_over(cluster, REST_SECONDS)) > 0.01 * REST_SECONDS:
        assert time.monotonic() < deadline, f"{spent} s of {REST_SECONDS} s"
