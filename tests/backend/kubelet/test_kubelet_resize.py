"""Pods whose containers are given more or less while they run."""

from __future__ import annotations

from backend.kubelet.runtime.api import RuntimeFailure
from backend.meta.types import Obj
from tests.support.kubelet_node import IMAGE, Node


def container(cpu: str, memory: str = "64Mi", **more: object) -> Obj:
    amounts = {"cpu": cpu, "memory": memory}
    resources = {"requests": amounts, "limits": amounts}
    return {"name": "c", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "resources": resources, **more}


def given(node: Node) -> str:
    """The processor limit that the pod's status tells of."""
    return node.container()["resources"]["limits"]["cpu"]


async def running(node: Node, **more: object) -> str:
    uid = node.pod("p", container("100m", **more))
    await node.until(node.running)
    return uid


async def test_a_running_container_is_given_more_and_goes_on(node: Node) -> None:
    uid = await running(node)
    node.change_spec(containers=[container("200m", "128Mi")])
    await node.until(lambda: given(node) == "200m")
    id_, limits = node.runtime.updates[-1]
    assert id_ == node.engine_pod(uid).containers[0].id
    assert (limits.cpu_quota, limits.cpu_shares, limits.memory_bytes) == (20_000, 204, 128 << 20)
    assert node.container()["restartCount"] == 0
    assert node.container()["allocatedResources"]["memory"] == "128Mi"
    await node.until(lambda: "ResizeCompleted" in node.reasons())
    assert len(node.runtime.updates) == 1


async def test_a_container_is_restarted_where_its_policy_says_so(node: Node) -> None:
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    uid = await running(node, resizePolicy=policy)
    node.change_spec(containers=[container("200m", resizePolicy=policy)])
    await node.until(lambda: given(node) == "200m")
    assert node.container()["restartCount"] == 0
    node.change_spec(containers=[container("200m", "128Mi", resizePolicy=policy)])
    await node.advance_until(lambda: node.running() and node.container()["restartCount"] == 1)
    newest = max(node.engine_pod(uid).containers, key=lambda one: one.attempt)
    assert node.runtime.config(newest.id).memory_bytes == 128 << 20
    await node.told("Killing", "Container c resize requires restart")


async def test_what_the_node_does_not_have_is_infeasible_until_less_is_asked(node: Node) -> None:
    await running(node)
    node.change_spec(containers=[container("100000")])
    await node.until(lambda: node.condition("PodResizePending"))
    condition = node.condition("PodResizePending")
    assert (condition["status"], condition["reason"]) == ("True", "Infeasible")
    assert condition["message"].startswith(
        "Node didn't have enough capacity: cpu, requested: 100000000, capacity: "
    )
    assert given(node) == "100m"
    node.change_spec(containers=[container("150m")])
    await node.until(lambda: given(node) == "150m")
    await node.until(lambda: not node.condition("PodResizePending"))


async def test_what_the_engine_refuses_is_told_and_not_tried_for_ever(node: Node) -> None:
    asked: list[str] = []

    async def refuse(operation: str, _subject: str) -> None:
        if operation == "update_container":
            asked.append(operation)
            raise RuntimeFailure("ResizeError", "device or resource busy")

    await running(node)
    node.runtime.before = refuse
    node.change_spec(containers=[container("200m")])
    await node.until(lambda: node.condition("PodResizeInProgress"))
    assert node.condition("PodResizeInProgress")["message"] == "device or resource busy"
    node.change_spec(activeDeadlineSeconds=5000)
    await node.clock.advance(60)
    assert asked == ["update_container"]
    assert given(node) == "100m"
    assert node.running()


async def test_a_resize_is_found_after_a_restart_of_the_kubelet(node: Node) -> None:
    await running(node)
    await node.stop()
    node.change_spec(containers=[container("300m")])
    await node.start()
    await node.until(lambda: given(node) == "300m")
    assert node.container()["restartCount"] == 0
