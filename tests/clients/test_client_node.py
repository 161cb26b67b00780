"""@kubernetes/client-node: objects, patches, informers, watches, and streams of pods (see client_node.mjs)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCENARIOS = Path(__file__).parent / "client_node.mjs"
PACKAGES = Path(sys.prefix) / "clients" / "node"
NODE = next(PACKAGES.glob("node_modules/node-linux-*/bin/node"), None)

pytestmark = pytest.mark.skipif(
    NODE is None,
    reason="make test installs @kubernetes/client-node into the virtual environment (manifests/setup/clients.sh)",
)


def run(kubeconfig: Path, *scenarios: str) -> dict[str, Any]:
    """What each scenario saw, or the stack of its error."""
    done = subprocess.run(
        [str(NODE), str(SCENARIOS), str(PACKAGES), *scenarios],
        env={**os.environ, "KUBECONFIG": str(kubeconfig)}, capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.fixture(scope="module")
def seen(kubeconfig: Path) -> dict[str, Any]:
    """One process for all scenarios: it takes seconds to start."""
    return run(kubeconfig, "objects", "patches", "objectApi", "informer", "watch")


def test_objects(seen: dict[str, Any]) -> None:
    assert seen["objects"] == {
        "again": [409, "AlreadyExists"],
        "stale": [409, "Conflict"],
        "gone": [404, "NotFound"],
        "replaced": {"a": "1", "b": "2"},
        "listed": ["m"],
        "isDate": True,
        "maxSurge": "25%",
    }


def test_patches(seen: dict[str, Any]) -> None:
    assert seen["patches"] == [{"a": "1", "b": "2"}, {"b": "2"}, {"b": "3"}, {"b": "3", "c": "4"}]


def test_objects_of_any_kind(seen: dict[str, Any]) -> None:
    assert seen["objectApi"] == {
        "policy": "Allow", "suspended": True, "listed": ["c"], "gone": [404, "NotFound"],
    }  # fmt: skip


def test_an_informer(seen: dict[str, Any]) -> None:
    assert seen["informer"] == {
        "seen": [["add", "before"], ["add", "after"], ["update", "after"], ["delete", "before"]],
        "kept": [{"n": "1"}],
    }


def test_a_watch(seen: dict[str, Any]) -> None:
    assert seen["watch"] == [["ADDED", "m"], ["DELETED", "m"], ["ended"]]


@pytest.mark.docker
def test_pods(cluster_kubeconfig: Path) -> None:
    assert run(cluster_kubeconfig, "pods")["pods"] == {
        "out": "got hello\n", "err": "err\n", "reason": "NonZeroExitCode", "exit": "3", "logged": "started\n",
        "page": "hello\n",
    }  # fmt: skip
