"""Workloads, autoscalers and disruption budgets through both programs: tables, descriptions, scaling, creation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.parity.compare import FOLDER, chunks, differences
from tests.parity.conftest import Both

pytestmark = pytest.mark.kubectl

NAMESPACE = ("-n", "works")
THEN = "2024-01-01T00:00:00Z"
CONDITION = {"type": "X", "status": "True", "reason": "R", "message": "m", "lastTransitionTime": THEN}
CPU = {"averageUtilization": 12, "averageValue": "5m"}
STATUSES: dict[str, dict[str, Any]] = {
    "deployments/web": {
        "replicas": 2, "readyReplicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "unavailableReplicas": 1,
        "conditions": [CONDITION],
    },
    "replicasets/rs1": {"replicas": 1, "conditions": [CONDITION]},
    "statefulsets/db": {"replicas": 2, "readyReplicas": 1, "availableReplicas": 1, "conditions": [CONDITION]},
    "daemonsets/ds1": {"desiredNumberScheduled": 3, "numberAvailable": 1, "updatedNumberScheduled": 2},
    "replicationcontrollers/rc1": {"replicas": 1, "conditions": [CONDITION]},
    "jobs/j1": {"active": 2, "ready": 1, "startTime": THEN, "completedIndexes": "0"},
    "jobs/j2": {"failed": 1, "startTime": THEN, "failedIndexes": "1", "conditions": [CONDITION]},
    "jobs/j3": {"completedIndexes": ",".join(map(str, range(0, 42, 2)))},
    "cronjobs/cj1": {"lastScheduleTime": THEN, "active": [{"name": "a", "kind": "Job"}, {"name": "b", "kind": "Job"}]},
    "horizontalpodautoscalers/hpa2": {
        "currentReplicas": 2, "desiredReplicas": 3, "conditions": [CONDITION],
        "currentMetrics": [
            {"type": "Resource", "resource": {"name": "cpu", "current": CPU}},
            {"type": "Resource", "resource": {"name": "memory", "current": {"averageValue": "5Mi"}}},
            {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "c", "current": CPU}},
        ],
    },
    "poddisruptionbudgets/p1": {"currentHealthy": 3, "desiredHealthy": 2, "expectedPods": 4, "disruptionsAllowed": 1},
}  # fmt: skip


@pytest.fixture(scope="module")
def works(both: Both) -> Iterator[None]:
    """A namespace with objects that look as if somebody looked after them."""
    both("create", "namespace", "works")
    made = both("create", *NAMESPACE, "-f", str(FOLDER / "workloads.yaml"))
    assert made[0].code == 0, made[0].err
    for name, status in STATUSES.items():
        # A controller may be of another opinion, and win: what counts is that both programs show the same.
        body = json.dumps({"status": status})
        both("patch", name, *NAMESPACE, "--subresource=status", "--type=merge", "-p", body)
    for number in (1, 2):
        both("create", *NAMESPACE, "-f", "-", stdin=_replica_set(both, number))
    yield
    both("delete", "--wait=false", "namespace", "works")


def _replica_set(both: Both, number: int) -> bytes:
    """The first is an old one of the deployment web, the second its present one."""
    uid, shown = (
        both("get", "deployment", "web", *NAMESPACE, "-o", f"jsonpath={{{path}}}")[0].out
        for path in (".metadata.uid", ".spec")
    )
    spec = json.loads(shown)
    template, selector = spec["template"], spec["selector"]
    template["metadata"]["labels"]["pod-template-hash"] = selector["matchLabels"]["pod-template-hash"] = (
        f"h{number}"
    )
    if number == 1:
        template["spec"]["priorityClassName"] = "other"
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": uid, "controller": True}
    made = {
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": f"web-h{number}", "ownerReferences": [owner], "labels": template["metadata"]["labels"]},
        "spec": {"replicas": number - 1, "selector": selector, "template": template},
    }  # fmt: skip
    return json.dumps(made).encode()


@pytest.mark.parametrize("lines", chunks("workload_commands.txt"), ids=lambda lines: lines[0][:40])
def test_workloads(both: Both, works: None, tmp_path: Path, lines: list[str]) -> None:
    assert not differences(lines, lambda args, stdin: both(*args, stdin=stdin), tmp_path, attempts=4)
