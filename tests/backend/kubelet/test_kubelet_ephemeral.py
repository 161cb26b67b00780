"""Containers that are added to a running pod to look at it."""

from __future__ import annotations

from backend.meta.types import Obj
from tests.support.kubelet_node import IMAGE, Node


def debugger(name: str = "debug", **more: object) -> Obj:
    return {"name": name, "image": IMAGE, "imagePullPolicy": "IfNotPresent", **more}


async def debugged(node: Node, *debuggers: Obj, **spec: object) -> str:
    uid = node.pod(**spec)
    await node.until(node.running)
    node.change_spec(ephemeralContainers=list(debuggers))
    return uid


async def test_it_runs_beside_the_others_and_is_neither_started_nor_ready(node: Node) -> None:
    await debugged(node, debugger())
    await node.until(lambda: node.running(container="debug"))
    status = node.container(container="debug")
    assert "started" not in status
    assert not status["ready"]
    assert node.condition("Ready")["status"] == "True"
    await node.told("Started", "Container started")


async def test_it_is_never_restarted(node: Node) -> None:
    uid = await debugged(node, debugger())
    await node.until(lambda: node.running(container="debug"))
    node.runtime.exit(uid, "debug", 3)
    await node.until(lambda: "terminated" in node.state(container="debug"))
    node.change_spec(activeDeadlineSeconds=5000)
    await node.clock.advance(600)
    assert node.container(container="debug")["state"]["terminated"]["exitCode"] == 3
    assert node.container(container="debug")["restartCount"] == 0
    assert node.running()


async def test_the_pod_ends_with_its_own_containers_and_ends_the_debugger(node: Node) -> None:
    uid = await debugged(node, debugger(), restartPolicy="Never")
    await node.until(lambda: node.running(container="debug"))
    node.runtime.exit(uid, "c", 0)
    await node.advance_until(lambda: node.status()["phase"] == "Succeeded")
    assert all(container.state != "running" for container in node.engine_pod(uid).containers)


async def test_it_sees_the_processes_of_its_target(node: Node) -> None:
    uid = await debugged(node, debugger(targetContainerName="c"))
    await node.until(lambda: node.running(container="debug"))
    containers = {container.name: container.id for container in node.engine_pod(uid).containers}
    assert node.runtime.config(containers["debug"]).process_namespace_of == containers["c"]


async def test_a_target_that_is_not_there_is_told(node: Node) -> None:
    await debugged(node, debugger(targetContainerName="nobody"))
    await node.until(lambda: node.waits_for(container="debug") == "CreateContainerConfigError")
    assert node.state(container="debug")["waiting"]["message"] == "unable to find target container nobody"


async def test_two_may_be_added_one_after_the_other(node: Node) -> None:
    await debugged(node, debugger())
    await node.until(lambda: node.running(container="debug"))
    node.change_spec(ephemeralContainers=[debugger(), debugger("another")])
    await node.until(lambda: node.running(container="another"))
    assert node.running(container="debug")
