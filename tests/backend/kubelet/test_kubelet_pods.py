"""A pod's life on the fake engine: started, told of, ended, found again."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    assert status["observedGeneration"] == 1
    assert {c["type"]: c["status"] for c in status["conditions"]} == {
        "PodReadyToStartContainers": "True", "Initialized": "True", "Ready": "True", "ContainersReady": "True",
        "PodScheduled": "True",
    }  # fmt: skip
    container = node.container()
    assert (container["ready"], container["started"], container["restartCount"]) == (True, True, 0)
    assert container["containerID"].startswith("docker://")


async def test_a_start_is_told_in_events(node: Node) -> None:
    node.pod()
    await node.until(lambda: "Started" in node.reasons())
    assert node.events() == [
        ("Pulled", 'Container image "busybox:1.29" already present on machine and can be accessed by the pod'),
        ("Created", "Container created"),
        ("Started", "Container started"),
    ]


async def test_a_container_that_is_being_created_says_so(node: Node) -> None:
    async def slow(operation: str, _subject: str) -> None:
        if operation == "run_sandbox":
            await node.clock.sleep(100)

    node.runtime.before = slow
    node.pod()
    await node.until(lambda: node.waits_for() == "ContainerCreating")
    ready = node.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("False", "ContainersNotReady")
    assert ready["message"] == "containers with unready status: [c]"
    assert node.condition("PodReadyToStartContainers")["status"] == "False"


async def test_a_slow_pod_does_not_delay_another(node: Node) -> None:
    async def slow(operation: str, subject: str) -> None:
        if operation == "run_sandbox" and subject == slow_uid:
            await node.clock.sleep(100)

    node.runtime.before = slow
    slow_uid = node.pod("slow")
    node.pod("quick")
    await node.until(lambda: node.running("quick"))
    assert not node.running("slow")


async def test_a_deleted_pod_is_ended_and_then_gone(node: Node) -> None:
    uid = node.pod()
    await node.until(node.running)
    await node.delete()
    await node.until(lambda: node.get() is None)
    await node.until(lambda: ("Killing", "Stopping container c") in node.events())
    assert await node.runtime.pod(uid) is None
    assert not (node.root / "pods" / uid).exists()


async def test_a_container_that_ignores_the_signal_is_killed_after_its_grace(node: Node) -> None:
    node.runtime.stubborn.add("c")
    node.pod(terminationGracePeriodSeconds=20)
    await node.until(node.running)
    await node.delete()
    await node.until(lambda: "Killing" in node.reasons())
    took = await node.advance_until(lambda: node.get() is None)
    assert 20 <= took <= 22


async def test_a_second_delete_shortens_the_grace(node: Node) -> None:
    node.runtime.stubborn.add("c")
    node.pod(terminationGracePeriodSeconds=300)
    await node.until(node.running)
    await node.delete()
    await node.until(lambda: "Killing" in node.reasons())
    await node.delete(gracePeriodSeconds=5)
    assert await node.advance_until(lambda: node.get() is None) <= 8


async def test_a_pod_that_vanished_is_cleaned_up(node: Node) -> None:
    uid = node.pod()
    await node.until(node.running)
    await node.delete(gracePeriodSeconds=0)
    await node.until(lambda: uid not in node.engine_uids())
    assert node.get() is None
    await node.until(lambda: not (node.root / "pods" / uid).exists())


async def test_a_pod_made_again_under_its_name_gets_its_own_containers(node: Node) -> None:
    node.runtime.stubborn.add("c")
    first = node.pod(terminationGracePeriodSeconds=30)
    await node.until(node.running)
    await node.delete(gracePeriodSeconds=0)
    second = node.pod()
    await node.until(node.running)
    assert node.get()["metadata"]["uid"] == second
    await node.advance_until(lambda: first not in node.engine_uids())
    assert node.running()


async def test_a_pod_deleted_while_it_starts_leaves_nothing(node: Node) -> None:
    async def slow(operation: str, _subject: str) -> None:
        if operation in ("run_sandbox", "create_container", "start_container"):
            await node.clock.sleep(1)

    node.runtime.before = slow
    uid = node.pod()
    await node.until(lambda: node.waits_for() == "ContainerCreating")
    await node.delete()
    await node.advance_until(lambda: node.get() is None)
    assert uid not in node.engine_uids()


async def test_a_pod_past_its_deadline_fails(node: Node) -> None:
    node.pod(activeDeadlineSeconds=60)
    await node.until(node.running)
    await node.advance_until(lambda: node.status()["phase"] == "Failed")
    assert node.status()["reason"] == "DeadlineExceeded"
    assert node.status()["message"] == "Pod was active on the node longer than the specified deadline"
    await node.until(lambda: "terminated" in node.state())


@pytest.mark.parametrize(("code", "phase", "reason"), [(0, "Succeeded", "Completed"), (3, "Failed", "Error")])
async def test_a_pod_that_never_restarts_ends_with_its_container(
    node: Node, code: int, phase: str, reason: str
) -> None:
    uid = node.pod(restartPolicy="Never")
    await node.until(node.running)
    node.runtime.exit(uid, "c", code)
    await node.until(lambda: node.status()["phase"] == phase)
    assert node.state()["terminated"]["exitCode"] == code
    assert node.state()["terminated"]["reason"] == reason
    assert node.condition("Ready")["reason"] == ("PodCompleted" if code == 0 else "PodFailed")
    await node.until(lambda: not node.engine_pod(uid).sandboxes[0].ready)


async def test_a_restarted_kubelet_disturbs_no_running_container(node: Node) -> None:
    uid = node.pod()
    await node.until(node.running)
    await node.stop()
    before = node.engine_pod(uid)
    await node.start()
    await node.until(lambda: node.condition("Ready", "p")["status"] == "True")
    await node.clock.advance(30)
    assert node.engine_pod(uid) == before
    assert node.container()["restartCount"] == 0


async def test_what_died_while_the_kubelet_was_away_is_started_again(node: Node) -> None:
    uid = node.pod()
    await node.until(node.running)
    await node.stop()
    node.runtime.exit(uid, "c", 1)
    await node.start()
    await node.until(lambda: node.running() and node.container()["restartCount"] == 1)
    assert node.container()["lastState"]["terminated"]["exitCode"] == 1


async def test_a_pod_deleted_while_the_kubelet_was_away_is_ended(node: Node) -> None:
    uid = node.pod()
    await node.until(node.running)
    await node.stop()
    node.api.remove("pods", "p")
    await node.start()
    await node.until(lambda: uid not in node.engine_uids())
    await node.until(lambda: not (node.root / "pods" / uid).exists())


async def test_after_a_reboot_pods_run_again_in_new_sandboxes(node: Node) -> None:
    uid = node.pod()
    await node.until(node.running)
    await node.stop()
    node.runtime.reboot()
    await node.start()
    await node.until(lambda: node.running() and node.container()["restartCount"] == 1)
    assert node.engine_pod(uid).sandboxes[0].attempt == 1
    await node.until(lambda: "SandboxChanged" in node.reasons())


async def test_after_a_reboot_a_pod_that_never_restarts_has_failed(node: Node) -> None:
    node.pod(restartPolicy="Never")
    await node.until(node.running)
    await node.stop()
    node.runtime.reboot()
    await node.start()
    await node.until(lambda: node.status()["phase"] == "Failed")


async def test_a_dead_sandbox_takes_its_containers_with_it(node: Node) -> None:
    uid = node.pod("p", {"name": "a"}, {"name": "b"})
    await node.until(lambda: node.running("p", "a") and node.running("p", "b"))
    address = node.status()["podIP"]
    node.runtime.kill_sandbox(uid)
    await node.until(lambda: node.running("p", "b") and node.container("p", "b")["restartCount"] == 1)
    assert node.status()["podIP"] != address
    assert len([c for c in node.engine_pod(uid).containers if c.state == "running"]) == 2


async def test_volumes_left_by_pods_that_nobody_knows_are_removed(node: Node, tmp_path: Path) -> None:
    await node.stop()
    left = tmp_path / "pods" / "gone" / "volumes"
    left.mkdir(parents=True)
    await node.start()
    await node.until(lambda: not left.exists())


async def test_without_an_engine_pods_say_why_they_wait_and_start_by_themselves_later(node: Node) -> None:
    node.runtime.set_available(False)
    node.pod()
    await node.until(lambda: "FailedCreatePodSandBox" in node.reasons())
    await node.until(lambda: "container runtime is down" in node.state()["waiting"].get("message", ""))
    assert "Cannot connect" in node.condition("PodReadyToStartContainers")["message"]
    node.runtime.set_available(True)
    await node.until(node.running)


async def test_an_engine_that_goes_away_does_not_change_what_runs(node: Node) -> None:
    node.pod()
    await node.until(node.running)
    node.runtime.set_available(False)
    await node.clock.advance(60)
    assert node.running()
    node.runtime.set_available(True)
    await node.clock.advance(60)
    assert node.running()
    assert node.container()["restartCount"] == 0


async def test_a_pod_held_by_a_finalizer_is_ended_and_the_api_told_once(node: Node) -> None:
    uid = node.pod()
    await node.until(node.running)
    pod = node.get()
    node.api.put("pods", {**pod, "metadata": {**pod["metadata"], "finalizers": ["x/y"]}})
    node.api.requests.clear()
    await node.delete()
    await node.until(lambda: uid not in node.engine_uids())
    deletes = lambda: [request for request in node.api.requests if request.verb == "delete"]  # noqa: E731
    await node.until(lambda: len(deletes()) == 2)
    await node.clock.advance(60)
    assert node.get() is not None
    assert len(deletes()) == 2
    node.api.remove("pods", "p")
    await node.until(lambda: not (node.root / "pods" / uid).exists())


async def test_a_pod_that_never_ran_can_be_deleted_without_an_engine(node: Node) -> None:
    node.runtime.set_available(False)
    node.pod()
    await node.until(lambda: node.waits_for() == "ContainerCreating")
    await node.delete()
    await node.until(lambda: node.get() is None)


async def test_a_kubelet_that_is_idle_asks_nothing_but_its_lease(node: Node) -> None:
    node.pod()
    await node.until(node.running)
    await node.clock.advance(20)
    node.api.requests.clear()
    asked: list[str] = []

    async def before(operation: str, _subject: str) -> None:
        asked.append(operation)

    node.runtime.before = before
    await node.advance_until(lambda: node.clock.now() >= 1_700_000_140)
    assert set(asked) == {"info"}
    assert {request.resource for request in node.api.requests} == {"leases"}


async def test_a_pod_on_a_bridge_with_two_families_has_two_addresses(node: Node) -> None:
    node.runtime.dual_stack = True
    node.pod(
        "p", {"name": "c", "env": [{"name": "IPS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIPs"}}}]}
    )
    await node.until(node.running)
    status = node.status()
    four, six = (entry["ip"] for entry in status["podIPs"])
    assert (status["podIP"], six.startswith("fd00:88::")) == (four, True)
