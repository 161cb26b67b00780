"""Pods that are stopped with their cluster: what is left of them, and what is told of them."""

from __future__ import annotations

import pytest

from backend.kubelet import pod_stopper
from backend.kubelet.runtime.fake import SIGTERM_EXIT
from backend.meta.errors import ApiError
from backend.meta.types import ApiRequest, Obj
from tests.support.kubelet_node import Node


async def test_stopping_all_ends_containers_and_keeps_the_objects(node: Node) -> None:
    uid = node.pod()
    await node.until(node.running)
    await node.kubelet.stop_all()
    state = node.engine_pod(uid)
    assert [c.state for c in state.containers] == ["exited"]
    assert not state.sandboxes[0].ready
    assert node.status()["phase"] == "Running"
    await node.stop()
    await node.start()
    await node.until(lambda: node.running() and node.container()["restartCount"] == 1)


async def test_a_pod_that_was_stopped_with_its_node_is_not_ready_until_it_runs_again(node: Node) -> None:
    """Whoever asks right after the next start, before its kubelet has looked at anything, must not be misled."""
    node.pod()
    node.pod("once", restartPolicy="Never")
    await node.until(lambda: node.running() and node.running("once"))
    await node.kubelet.stop_all()
    await node.stop()
    assert node.state()["terminated"]["exitCode"] == SIGTERM_EXIT
    assert (node.container()["ready"], node.container()["restartCount"]) == (False, 0)
    shown = {type_: node.condition(type_)["status"] for type_ in ("Ready", "ContainersReady", "Initialized")}
    assert shown == {"Ready": "False", "ContainersReady": "False", "Initialized": "True"}
    assert node.condition("PodReadyToStartContainers")["status"] == "False"
    assert (node.status()["phase"], node.status("once")["phase"]) == ("Running", "Failed")


async def test_a_stop_ends_where_no_status_can_be_written(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(request: ApiRequest) -> Obj:
        raise ApiError(500, "InternalError", "database or disk is full")

    uid = node.pod()
    await node.until(node.running)
    monkeypatch.setattr(pod_stopper, "TELL_SECONDS", 0.1)
    monkeypatch.setattr(node.api, "request", refuse)
    await node.kubelet.stop_all()
    assert [c.state for c in node.engine_pod(uid).containers] == ["exited"]


async def test_a_stop_ends_where_the_engine_goes_meanwhile(node: Node) -> None:
    async def go(operation: str, _subject: str) -> None:
        if operation == "stop_sandbox":
            node.runtime.set_available(False)

    node.pod()
    await node.until(node.running)
    node.runtime.before = go
    await node.kubelet.stop_all()
    assert node.condition("Ready")["status"] == "False"
