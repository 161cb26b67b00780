"""A Deployment that grows under a real load and shrinks without it, and what `top` shows of that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.backend_process import running_backend
from tests.support.cli import Cluster

pytestmark = [pytest.mark.docker, pytest.mark.kubectl]

OBJECTS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: load}
spec:
  selector: {matchLabels: {app: load}}
  template:
    metadata: {labels: {app: load}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: c
        image: busybox:1.36
        command: [sh, -c, "touch /tmp/load; while :; do [ -e /tmp/load ] || sleep 1; done"]
        resources: {requests: {cpu: 50m}, limits: {cpu: 100m}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: load}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: load}
  maxReplicas: 3
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
"""
SECONDS = 60.0


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Its autoscalers look once in a second, not once in 15."""
    home = tmp_path_factory.mktemp("autoscaling") / ".minikctl"
    period = ("--horizontal-pod-autoscaler-sync-period", "1")
    with running_backend(home, "--runtime", "docker", "--cluster", "minikctl", *period):
        made = Cluster(home, "minikctl")
        try:
            yield made
        finally:
            made.delete()


def until(found: Callable[[], Any], wanted: Any) -> None:
    deadline = time.monotonic() + SECONDS
    while (last := found()) != wanted:
        assert time.monotonic() < deadline, f"{last!r} is not {wanted!r}"
        time.sleep(0.3)


def _cores(cluster: Cluster) -> list[int]:
    """Thousandths that each pod uses."""
    return [
        int(line.split()[1].removesuffix("m")) for line in cluster.run("top", "pod", "--no-headers").splitlines()
    ]


def test_a_deployment_follows_its_load(cluster: Cluster) -> None:
    cluster.run("apply", "-f", "-", stdin=OBJECTS)

    def ready() -> Any:
        return cluster.run("get", "deployment", "load", "-o", "jsonpath={.spec.replicas} {.status.readyReplicas}")

    until(ready, "3 3")
    reasons = cluster.run("get", "events", "-o", "jsonpath={.items[?(@.reason=='SuccessfulRescale')].message}")
    assert "New size: 3; reason: cpu resource utilization (percentage of request) above target" in reasons
    until(lambda: len(_cores(cluster)), 3)
    assert max(_cores(cluster)) > 25
    (node,) = (line.split() for line in cluster.kubectl("top", "node", "--no-headers").splitlines())
    assert int(node[1].removesuffix("m")) > 0
    assert int(node[3].removesuffix("Mi")) > 0
    for pod in cluster.run("get", "pods", "-o", "name").split():
        cluster.run("exec", pod, "--", "rm", "/tmp/load")
    until(ready, "1 1")
    text = cluster.run("describe", "hpa", "load")
    assert "New size: 1; reason: All metrics below target" in text
    assert "ValidMetricFound" in text
