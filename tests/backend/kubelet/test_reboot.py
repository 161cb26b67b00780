"""Before the API answers after a reboot: pods that were ready are not."""

from __future__ import annotations

from typing import Any

import pytest

from backend.kubelet.reboot import mark_pods_not_ready
from backend.machinery.client import Client
from backend.machinery.machine import boot_id
from backend.meta.types import ADMIN, Obj
from tests.support.tiny_api import TinyApi

OLD = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(autouse=True)
def engine_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)


def cluster(boot: str) -> TinyApi:
    """With a node that booted last as `boot`, two pods on it, one on another and one on none."""
    api = TinyApi()
    api.put("nodes", {"metadata": {"name": "n"}, "status": {"nodeInfo": {"bootID": boot}}})
    for name, node, ready in (("up", "n", "True"), ("down", "n", "False"), ("far", "m", "True")):
        api.put("pods", pod(name, ready, nodeName=node))
    api.put("pods", {**pod("waits", "True"), "status": {}})
    return api


def pod(name: str, ready: str, **spec: Any) -> Obj:
    conditions = [
        {"type": type_, "status": ready, "lastTransitionTime": "then"} for type_ in ("Ready", "Initialized")
    ]
    meta = {"name": name, "namespace": "default"}
    return {"metadata": meta, "spec": spec, "status": {"phase": "Running", "conditions": conditions}}


async def marked(api: TinyApi) -> dict[str, dict[str, str]]:
    """The conditions of the pods that were written."""
    before = dict(api.objects)
    await mark_pods_not_ready(Client(api, ADMIN), "n")
    return {
        key[2]: {condition["type"]: condition["status"] for condition in obj["status"]["conditions"]}
        for key, obj in api.objects.items()
        if obj is not before.get(key)
    }


async def test_ready_pods_of_the_node_are_marked_once() -> None:
    api = cluster(OLD)
    assert await marked(api) == {"up": {"Ready": "False", "Initialized": "True"}}
    times = {
        c["type"]: c["lastTransitionTime"] for c in api.objects["pods", "default", "up"]["status"]["conditions"]
    }
    assert times["Initialized"] == "then"
    assert times["Ready"] > "2025"
    assert await marked(api) == {}


async def test_a_restart_without_a_reboot_disturbs_no_pod() -> None:
    assert boot_id()
    assert await marked(cluster(boot_id())) == {}


async def test_what_runs_on_another_machine_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.7:2376")
    assert await marked(cluster(OLD)) == {}


async def test_a_cluster_without_a_node_is_new() -> None:
    assert await marked(TinyApi()) == {}
