"""A pod's life on the fake engine: started, told of, ended."""

from __future__ import annotations

from tests.support.kubelet_node import Node


async def test_a_bound_pod_becomes_running(node: Node) -> None:
    node.pod()
    await node.until(node.running)
    status = node.status()
    assert status["phase"] == "Running"
    assert status["podIP"].startswith("10.88.")
    assert status["podIPs"] == [{"ip": status["podIP"]}]
    assert status["hostIP"] == "192.168.0.9"
    assert status["qosClass"] == "BestEffort"
    assert {c["type"]: c["status"] for c in status["conditions"]} == {
        "PodReadyToStartContainers": "True", "Initialized": "True", "Ready": "True", "ContainersReady": "True",
        "PodScheduled": "True",
    }  # fmt: skip
    container = node.container()
    assert (container["ready"], container["started"], container["restartCount"]) == (True, True, 0)
    assert container["containerID"].startswith("docker://")
