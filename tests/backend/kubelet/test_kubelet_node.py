"""The Node and its Lease."""

from __future__ import annotations

from backend.meta.types import Obj
from tests.support.kubelet_node import Node


def the_node(node: Node) -> Obj | None:
    return node.api.objects.get(("nodes", "", "n"))


def ready(node: Node) -> Obj:
    found = the_node(node)
    conditions = found["status"]["conditions"] if found is not None else ()
    return next((c for c in conditions if c["type"] == "Ready"), {})


async def test_the_node_registers_with_what_the_machine_has(node: Node) -> None:
    await node.until(lambda: ready(node).get("status") == "True")
    found = the_node(node)
    assert found is not None
    labels = found["metadata"]["labels"]
    assert labels["kubernetes.io/hostname"] == "n"
    status = found["status"]
    assert status["capacity"]["pods"] == "110"
    assert set(status["capacity"]) >= {"cpu", "memory", "ephemeral-storage"}
    assert status["nodeInfo"]["kubeletVersion"].startswith("v1.37")
    assert status["nodeInfo"]["containerRuntimeVersion"] == "fake://1.0.0"
    assert {"type": "InternalIP", "address": "192.168.0.9"} in status["addresses"]
    assert ready(node)["reason"] == "KubeletReady"
    assert ready(node)["message"] == "kubelet is posting ready status"
    assert {"names": ["busybox:1.29"], "sizeBytes": 4_000_000} in status["images"]


async def test_the_node_is_not_ready_while_no_engine_answers(node: Node) -> None:
    await node.until(lambda: ready(node).get("status") == "True")
    node.runtime.set_available(False)
    await node.until(lambda: ready(node)["status"] == "False")
    assert ready(node)["reason"] == "KubeletNotReady"
    assert ready(node)["message"].startswith("container runtime is down: Cannot connect")
    node.runtime.set_available(True)
    await node.until(lambda: ready(node)["status"] == "True")
    await node.until(lambda: "NodeNotReady" in node.reasons("n"))


async def test_the_lease_is_renewed_and_the_node_is_not_written_for_nothing(node: Node) -> None:
    await node.until(lambda: ("leases", "kube-node-lease", "n") in node.api.objects)
    node.api.requests.clear()
    for beat in range(1, 13):
        await node.clock.advance(10)
        await node.until(lambda beat=beat: len([r for r in node.api.requests if r.resource == "leases"]) == beat)
    assert not [r for r in node.api.requests if r.resource == "nodes"]


async def test_a_deleted_node_registers_again(node: Node) -> None:
    await node.until(lambda: the_node(node) is not None)
    node.api.remove("nodes", "n", "")
    await node.advance_until(lambda: the_node(node) is not None, step=10)


async def test_an_image_that_was_pulled_is_listed_at_once_and_one_that_came_otherwise_in_time(node: Node) -> None:
    def listed() -> set[str]:
        found = the_node(node)
        return {image["names"][0] for image in found["status"]["images"]} if found is not None else set()

    await node.until(lambda: ready(node).get("status") == "True")
    node.runtime.add_image("pulled:1", local=False)
    node.pod("p", {"name": "c", "image": "pulled:1"})
    await node.until(lambda: "pulled:1" in listed())
    node.runtime.add_image("built:1")
    assert await node.advance_until(lambda: "built:1" in listed(), step=10) <= 310
