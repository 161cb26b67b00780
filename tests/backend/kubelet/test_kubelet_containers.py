"""Restarts, backoff, init containers, sidecars, hooks."""

from __future__ import annotations

import asyncio

import pytest

from backend.kubelet.runtime.api import ContainerConfig, RuntimeFailure
from tests.support.kubelet_node import Node


async def crash_once(node: Node, uid: str, code: int = 1) -> None:
    restarts = node.container()["restartCount"]
    node.runtime.exit(uid, "c", code)
    await node.until(lambda: not node.running() or node.container()["restartCount"] > restarts)


async def test_the_first_crash_is_restarted_at_once_and_later_ones_ever_later(node: Node) -> None:
    uid = node.pod()
    await node.until(node.running)
    await crash_once(node, uid)
    await node.until(lambda: node.running() and node.container()["restartCount"] == 1)
    waits = []
    for _ in range(6):
        await crash_once(node, uid)
        await node.until(lambda: node.waits_for() == "CrashLoopBackOff")
        waits.append(node.state()["waiting"]["message"].split()[1])
        await node.advance_until(node.running)
    assert waits == ["10s", "20s", "40s", "1m20s", "2m40s", "5m0s"]


async def test_a_crash_loop_is_told_with_the_kubelets_words(node: Node) -> None:
    uid = node.pod()
    await node.until(node.running)
    await crash_once(node, uid)
    await node.until(node.running)
    await crash_once(node, uid)
    await node.until(lambda: node.waits_for() == "CrashLoopBackOff")
    message = "back-off 10s restarting failed container=c pod=p_default(u1)"
    assert node.state()["waiting"]["message"] == message
    assert node.container()["lastState"]["terminated"]["exitCode"] == 1
    assert node.status()["phase"] == "Running"
    assert node.condition("Ready")["message"] == "containers with unready status: [c]"
    event = ("BackOff", "Back-off restarting failed container c in pod p_default(u1)")
    await node.until(lambda: event in node.events())


async def test_the_backoff_starts_anew_after_ten_quiet_minutes(node: Node) -> None:
    uid = node.pod()
    await node.until(node.running)
    for _ in range(3):
        await crash_once(node, uid)
        await node.advance_until(node.running)
    await node.clock.advance(601)
    await crash_once(node, uid)
    await node.until(lambda: node.running() or node.waits_for())
    assert node.running()
    await crash_once(node, uid)
    await node.until(lambda: node.waits_for() == "CrashLoopBackOff")
    assert "back-off 10s" in node.state()["waiting"]["message"]


async def test_only_the_last_dead_attempt_is_kept(node: Node) -> None:
    uid = node.pod()
    await node.until(node.running)
    for _ in range(3):
        await crash_once(node, uid)
        await node.advance_until(node.running)
    await node.until(lambda: len(node.engine_pod(uid).containers) == 2)
    assert [c.attempt for c in node.engine_pod(uid).containers] == [3, 2]


@pytest.mark.parametrize(("policy", "code", "restarts"), [("OnFailure", 0, False), ("OnFailure", 1, True)])
async def test_on_failure_restarts_only_failures(node: Node, policy: str, code: int, restarts: bool) -> None:
    uid = node.pod(restartPolicy=policy)
    await node.until(node.running)
    node.runtime.exit(uid, "c", code)
    if restarts:
        await node.until(lambda: node.running() and node.container()["restartCount"] == 1)
    else:
        await node.until(lambda: node.status()["phase"] == "Succeeded")


async def test_a_container_killed_for_memory_says_so(node: Node) -> None:
    uid = node.pod(restartPolicy="Never")
    await node.until(node.running)
    node.runtime.exit(uid, "c", 137, oom=True)
    await node.until(lambda: node.status()["phase"] == "Failed")
    assert node.state()["terminated"]["reason"] == "OOMKilled"


async def test_one_of_two_containers_that_ended_leaves_the_pod_running(node: Node) -> None:
    uid = node.pod("p", {"name": "a"}, {"name": "b"}, restartPolicy="Never")
    await node.until(lambda: node.running("p", "a") and node.running("p", "b"))
    node.runtime.exit(uid, "a", 0)
    await node.until(lambda: "terminated" in node.state("p", "a"))
    assert node.status()["phase"] == "Running"
    assert node.condition("Ready")["message"] == "containers with unready status: [a]"


async def test_the_termination_message_is_shown(node: Node) -> None:
    uid = node.pod(restartPolicy="Never")
    await node.until(node.running)
    node.runtime.termination_messages[node.engine_pod(uid).containers[0].id] = "out of cheese"
    node.runtime.exit(uid, "c", 1)
    await node.until(lambda: node.status()["phase"] == "Failed")
    assert node.state()["terminated"]["message"] == "out of cheese"


async def test_the_log_stands_in_for_a_missing_termination_message(node: Node) -> None:
    node.runtime.log_bytes = b"panic: no cheese\n"
    container = {"name": "c", "terminationMessagePolicy": "FallbackToLogsOnError"}
    uid = node.pod("p", container, restartPolicy="Never")
    await node.until(node.running)
    node.runtime.exit(uid, "c", 1)
    await node.until(lambda: node.status()["phase"] == "Failed")
    assert node.state()["terminated"]["message"] == "panic: no cheese\n"


async def test_a_container_that_cannot_be_created_is_tried_again(node: Node) -> None:
    broken = True

    async def before(operation: str, _subject: str) -> None:
        if operation == "create_container" and broken:
            raise RuntimeFailure("CreateContainerError", "no such device")

    node.runtime.before = before
    node.pod()
    await node.until(lambda: node.waits_for() == "CreateContainerError")
    assert node.state()["waiting"]["message"] == "no such device"
    await node.until(lambda: ("Failed", "Error: no such device") in node.events())
    broken = False
    assert await node.advance_until(node.running) <= 11


async def test_a_failed_start_is_not_retried_in_a_hot_loop(node: Node) -> None:
    tries = 0

    async def before(operation: str, _subject: str) -> None:
        nonlocal tries
        if operation == "create_container":
            tries += 1
            raise RuntimeFailure("CreateContainerError", "no such device")

    node.runtime.before = before
    node.pod()
    await node.until(lambda: node.waits_for() == "CreateContainerError")
    await node.advance_until(lambda: node.clock.now() >= 1_700_000_060)
    assert 3 <= tries <= 7


async def test_a_sandbox_that_cannot_be_made_is_told_and_tried_again(node: Node) -> None:
    broken = True

    async def before(operation: str, _subject: str) -> None:
        if operation == "run_sandbox" and broken:
            raise RuntimeFailure("CreatePodSandboxError", "no more addresses")

    node.runtime.before = before
    node.pod()
    event = ("FailedCreatePodSandBox", "Failed to create pod sandbox: no more addresses")
    await node.until(lambda: event in node.events())
    assert node.waits_for() == "ContainerCreating"
    broken = False
    assert await node.advance_until(node.running) <= 11


async def test_a_container_is_made_while_its_sandbox_starts(node: Node) -> None:
    operations: list[str] = []
    made = asyncio.Event()

    async def before(operation: str, _subject: str) -> None:
        operations.append(operation)
        if operation == "create_container":
            made.set()
        if operation == "start_sandbox":
            await made.wait()

    node.runtime.before = before
    node.pod()
    await node.until(node.running)
    wanted = ("run_sandbox", "start_sandbox", "create_container", "start_container")
    assert [operation for operation in operations if operation in wanted] == [*wanted]


async def test_a_container_that_is_told_the_pods_address_is_made_when_there_is_one(node: Node) -> None:
    address = {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    uid = node.pod("p", {"name": "c", "env": [address]})
    await node.until(node.running)
    state = node.engine_pod(uid)
    assert node.runtime.config(state.containers[0].id).env == [("IP", state.sandboxes[0].ip)]


async def test_what_was_made_in_a_sandbox_that_never_ran_is_no_attempt(node: Node) -> None:
    made = asyncio.Event()
    broken = True

    async def before(operation: str, _subject: str) -> None:
        if operation == "create_container":
            made.set()
        if operation == "start_sandbox" and broken:
            await made.wait()
            raise RuntimeFailure("CreatePodSandboxError", "no more addresses")

    node.runtime.before = before
    uid = node.pod()
    await node.until(lambda: "FailedCreatePodSandBox" in node.reasons())
    assert uid not in node.engine_uids()
    broken = False
    await node.advance_until(node.running)
    assert node.container()["restartCount"] == 0


async def test_a_setting_that_the_engine_refuses_is_told_and_the_container_runs(node: Node) -> None:
    node.runtime.refused = ["The engine refused privileged; it was left out"]
    node.pod()
    await node.until(node.running)
    event = ("SettingNotApplied", "The engine refused privileged; it was left out")
    await node.until(lambda: event in node.events())


async def test_init_containers_run_one_after_the_other_before_the_main_ones(node: Node) -> None:
    order: list[str] = []

    def on_start(config: ContainerConfig) -> int | None:
        order.append(config.name)
        return 0 if config.name.startswith("i") else None

    node.runtime.on_start = on_start
    node.pod(initContainers=[{"name": "i1"}, {"name": "i2"}])
    await node.until(node.running)
    assert order == ["i1", "i2", "c"]
    assert node.container("p", "i1")["ready"]
    assert node.state("p", "i1")["terminated"]["reason"] == "Completed"
    assert node.status()["phase"] == "Running"


async def test_while_init_containers_run_the_pod_is_pending(node: Node) -> None:
    node.pod(initContainers=[{"name": "i"}])
    await node.until(lambda: node.running("p", "i"))
    assert node.status()["phase"] == "Pending"
    assert node.waits_for() == "PodInitializing"
    initialized = node.condition("Initialized")
    assert initialized["reason"] == "ContainersNotInitialized"
    assert initialized["message"] == "containers with incomplete status: [i]"


async def test_a_failed_init_container_is_run_again(node: Node) -> None:
    codes = iter([1, 0])
    node.runtime.on_start = lambda config: next(codes) if config.name == "i" else None
    node.pod(initContainers=[{"name": "i"}])
    await node.until(node.running)
    assert node.container("p", "i")["restartCount"] == 1


async def test_a_failed_init_container_fails_a_pod_that_never_restarts(node: Node) -> None:
    node.runtime.on_start = lambda config: 1 if config.name == "i" else None
    node.pod(initContainers=[{"name": "i"}], restartPolicy="Never")
    await node.until(lambda: node.status()["phase"] == "Failed")
    assert node.waits_for() == "PodInitializing"


async def test_init_containers_run_again_in_a_new_sandbox(node: Node) -> None:
    node.runtime.on_start = lambda config: 0 if config.name == "i" else None
    uid = node.pod(initContainers=[{"name": "i"}])
    await node.until(node.running)
    node.runtime.kill_sandbox(uid)
    await node.until(lambda: node.running() and node.container()["restartCount"] == 1)
    assert node.container("p", "i")["restartCount"] == 1


async def test_a_sidecar_starts_before_and_ends_after_the_main_containers(node: Node) -> None:
    uid = node.pod(initContainers=[{"name": "s", "restartPolicy": "Always"}])
    await node.until(lambda: node.running() and node.running("p", "s"))
    assert node.container("p", "s")["started"]
    node.runtime.stubborn.add("c")
    await node.delete()
    await node.until(lambda: "Killing" in node.reasons())
    states = {c.name: c.state for c in node.engine_pod(uid).containers}
    assert states == {"c": "running", "s": "running"}
    await node.advance_until(lambda: node.get() is None)


async def test_a_sidecar_does_not_keep_a_finished_pod_alive(node: Node) -> None:
    uid = node.pod(initContainers=[{"name": "s", "restartPolicy": "Always"}], restartPolicy="Never")
    await node.until(node.running)
    node.runtime.exit(uid, "c", 0)
    await node.until(lambda: node.status()["phase"] == "Succeeded")
    await node.until(lambda: "terminated" in node.state("p", "s"))


async def test_a_sidecar_that_ends_is_started_again(node: Node) -> None:
    uid = node.pod(initContainers=[{"name": "s", "restartPolicy": "Always"}], restartPolicy="Never")
    await node.until(node.running)
    node.runtime.exit(uid, "s", 0)
    await node.until(lambda: node.running("p", "s") and node.container("p", "s")["restartCount"] == 1)
    assert node.container()["restartCount"] == 0


async def test_a_changed_image_replaces_the_container(node: Node) -> None:
    node.runtime.add_image("busybox:2")
    node.pod()
    await node.until(node.running)
    pod = node.get()
    spec = {**pod["spec"], "containers": [{**pod["spec"]["containers"][0], "image": "busybox:2"}]}
    node.api.put("pods", {**pod, "spec": spec})
    await node.until(lambda: node.running() and node.container()["restartCount"] == 1)
    assert node.container()["image"] == "busybox:2"
    await node.told("Killing", "Container c definition changed, will be restarted")


async def test_a_post_start_hook_delays_running_until_it_is_done(node: Node) -> None:
    hook = {"lifecycle": {"postStart": {"sleep": {"seconds": 5}}}}
    node.pod("p", {"name": "c", **hook})
    await node.until(lambda: "Started" in node.reasons())
    assert not node.running()
    assert await node.advance_until(node.running) >= 5


async def test_a_failed_post_start_hook_restarts_the_container(node: Node) -> None:
    codes = iter([(1, b"no"), (0, b"")])
    node.runtime.on_exec = lambda _container, _command: next(codes)
    node.pod("p", {"name": "c", "lifecycle": {"postStart": {"exec": {"command": ["x"]}}}})
    await node.until(lambda: node.running() and node.container()["restartCount"] == 1)
    await node.told("FailedPostStartHook", "PostStartHook failed")


async def test_a_pre_stop_hook_runs_before_the_signal(node: Node) -> None:
    seen: list[str] = []

    def on_exec(container: object, command: object) -> tuple[int, bytes]:
        seen.append(str(command))
        return 0, b""

    node.runtime.on_exec = on_exec
    node.pod("p", {"name": "c", "lifecycle": {"preStop": {"exec": {"command": ["bye"]}}}})
    await node.until(node.running)
    await node.delete()
    await node.until(lambda: node.get() is None)
    assert seen == ["['bye']"]
