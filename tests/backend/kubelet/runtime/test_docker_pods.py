"""Sandboxes and containers in the real engine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from pathlib import Path

import docker
import pytest

from backend.kubelet.runtime.api import ContainerConfig, Mount, RuntimeFailure, SandboxConfig
from backend.kubelet.runtime.docker import DockerRuntime
from backend.meta.streams import LogOptions

pytestmark = pytest.mark.docker


async def test_sandbox_has_an_address_and_is_found_again_by_its_labels(runtime: DockerRuntime, pods) -> None:
    config = SandboxConfig("u1", "team", "web", "web", 3, {"custom": "yes"})
    sandbox = await runtime.run_sandbox(config)
    assert sandbox.ready
    assert sandbox.ip.count(".") == 3

    container = await pods.container(sandbox, "sleep", "60")
    found = await runtime.pod("u1")
    assert found is not None
    assert (found.uid, found.namespace, found.name) == ("u1", "team", "web")
    assert [(s.id, s.attempt, s.ip, s.labels["custom"]) for s in found.sandboxes] == [
        (sandbox.id, 3, sandbox.ip, "yes")
    ]
    assert [(c.id, c.name, c.attempt, c.state) for c in found.containers] == [(container, "c", 0, "running")]
    assert abs(found.containers[0].started_at - time.time()) < 30
    assert await runtime.pod("another") is None
    assert [pod.uid for pod in await runtime.pods()] == ["u1"]


async def test_another_cluster_does_not_see_the_pods(runtime: DockerRuntime, pods) -> None:
    await pods.sandbox()
    other = DockerRuntime("another-cluster")
    try:
        assert await other.pods() == []
    finally:
        await other.close()


async def test_a_leftover_of_the_same_attempt_is_replaced(runtime: DockerRuntime, pods) -> None:
    first = await pods.sandbox(pod_uid="same", name="p")
    second = await pods.sandbox(pod_uid="same", name="p")
    old = await pods.container(second, "sleep", "60")
    new = await pods.container(second, "sleep", "60")
    found = await runtime.pod("same")
    assert first.id != second.id
    assert old != new
    assert [s.id for s in found.sandboxes] == [second.id]
    assert [c.id for c in found.containers] == [new]


async def test_pods_that_start_at_once_have_addresses_of_their_own(pods) -> None:
    sandboxes = await asyncio.gather(*(pods.sandbox() for _ in range(4)))
    assert len({sandbox.ip for sandbox in sandboxes}) == 4


async def test_containers_share_the_sandbox_network_and_hostname(pods) -> None:
    sandbox = await pods.sandbox(hostname="my-host", host_aliases={"10.9.8.7": ["alpha", "beta"]})
    await pods.container(sandbox, "nc", "-l", "-p", "8080", "-e", "echo", "over localhost", name="server")
    text = await pods.output(
        await pods.container(sandbox, "sh", "-c", "hostname; cat /etc/hosts; nc 127.0.0.1 8080", name="client")
    )
    assert text.startswith("my-host\n")
    assert "10.9.8.7\talpha" in text
    assert "10.9.8.7\tbeta" in text
    assert text.endswith("over localhost\n")


async def test_a_pod_reaches_another_by_its_address(pods) -> None:
    server = await pods.sandbox()
    await pods.container(server, "nc", "-l", "-p", "8080", "-e", "echo", "hello")
    assert await pods.run("nc", server.ip, "8080") == "hello\n"


async def test_process_namespace_is_shared_when_asked(pods) -> None:
    alone = await pods.run("ps")
    sandbox = await pods.sandbox(share_process_namespace=True)
    shared = await pods.output(await pods.container(sandbox, "ps"))
    assert "/pause" not in alone
    assert "/pause" in shared


async def test_namespaces_of_the_host(pods) -> None:
    sandbox = await pods.sandbox(host_network=True, host_pid=True, host_ipc=True)
    assert (sandbox.ready, sandbox.ip) == (True, "")
    script = "for n in net pid ipc; do readlink /proc/self/ns/$n; done; hostname"
    text = await pods.output(await pods.container(sandbox, "sh", "-c", script))
    host = [os.readlink(f"/proc/self/ns/{name}") for name in ("net", "pid", "ipc")]
    assert text.split() == [*host, socket.gethostname()]


async def test_dns_settings_of_the_pod_reach_its_resolver(pods) -> None:
    sandbox = await pods.sandbox(
        dns_servers=["192.0.2.53"], dns_searches=["team.svc.cluster.local"], dns_options=["ndots:5"]
    )
    text = await pods.output(await pods.container(sandbox, "cat", "/etc/resolv.conf"))
    assert "search team.svc.cluster.local" in text
    assert "ndots:5" in text


async def test_host_port_leads_to_the_container(pods) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    sandbox = await pods.sandbox(ports=[("127.0.0.1", port, 8080, "TCP")])
    await pods.container(sandbox, "nc", "-l", "-p", "8080", "-e", "echo", "from the pod")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b"from the pod\n"
    writer.close()
    await writer.wait_closed()


async def test_a_taken_host_port_fails_the_sandbox_and_leaves_nothing(runtime: DockerRuntime, pods) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RuntimeFailure, match=r"address already in use|port is already allocated") as caught:
            await pods.sandbox(pod_uid="conflict", ports=[("127.0.0.1", port, 80, "tcp")])
    assert caught.value.reason == "CreatePodSandboxError"
    assert await runtime.pod("conflict") is None


async def test_command_args_environment_user_and_directory(pods) -> None:
    text = await pods.run(
        "sh", "-c", args=["echo $A; echo $0; id -u; id -G; pwd"],
        env=[("A", "x=y z\nnext")], user="1000:2000", groups=[3000], working_dir="/tmp",
    )  # fmt: skip
    assert text == "x=y z next\nsh\n1000\n2000 3000\n/tmp\n"


async def test_mounts_may_be_read_only(pods, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    script = "cat /ro/file; echo no > /ro/new || echo refused; echo yes > /rw/new"
    text = await pods.run(
        "sh", "-c", script, mounts=[Mount(str(tmp_path), "/ro", read_only=True), Mount(str(tmp_path), "/rw")]
    )
    assert "content" in text
    assert "refused" in text
    assert (tmp_path / "new").read_text() == "yes\n"


async def test_exit_code_and_times_of_an_ended_container(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sh", "-c", "exit 42")
    await pods.output(container)
    await runtime.stop_container(container, 5)
    [state] = (await runtime.pods())[0].containers
    assert (state.state, state.exit_code, state.error) == ("exited", 42, "")
    assert 0 < state.created_at <= state.started_at <= state.finished_at


async def test_a_command_that_does_not_exist_fails_the_start(runtime: DockerRuntime, pods) -> None:
    with pytest.raises(RuntimeFailure) as caught:
        await pods.start("no-such-command")
    assert caught.value.reason == "RunContainerError"
    assert str(caught.value).startswith('failed to start container "')
    assert 'exec: "no-such-command": executable file not found in $PATH' in str(caught.value)
    [state] = (await runtime.pods())[0].containers
    assert (state.state, state.exit_code, state.started_at) == ("exited", 127, 0)
    assert "executable file not found" in state.error
    assert state.finished_at > 0


async def test_a_missing_bind_source_fails_the_creation(pods) -> None:
    with pytest.raises(RuntimeFailure, match="bind source path does not exist") as caught:
        await pods.start("true", mounts=[Mount("/no/such/path", "/x")])
    assert caught.value.reason == "CreateContainerError"


async def test_what_the_machine_refuses_is_left_out_and_said(runtime: DockerRuntime, pods) -> None:
    sandbox = await pods.sandbox()
    config = ContainerConfig(
        "c", pods.image, 0, {}, ["cat", "/proc/self/oom_score_adj"], oom_score_adj=-997, cpu_shares=512
    )
    container, sentences = await runtime.create_container(sandbox, config)
    assert await runtime.start_container(container) == []
    score = (await pods.output(container)).strip()
    if score == "-997":
        assert sentences == []
    else:
        assert sentences == ["The engine refused oom_score_adj -997; it was left out"]


async def test_limits_reach_the_engine(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sleep", "60", memory_bytes=64 << 20, cpu_quota=50_000, cpu_shares=512)
    client = docker.APIClient(version="auto")
    try:
        host = client.inspect_container(container)["HostConfig"]
    finally:
        client.close()
    assert (host["Memory"], host["CpuQuota"], host["CpuShares"]) == (64 << 20, 50_000, 512)


async def test_stop_waits_for_the_process_and_kills_it_after_the_grace(runtime: DockerRuntime, pods) -> None:
    polite = await pods.start("sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done")
    rude = await pods.start("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done", name="rude")
    for container in (polite, rude):
        await first_line(runtime, container)
    began = time.monotonic()
    await asyncio.gather(runtime.stop_container(polite, 20), runtime.stop_container(rude, 1))
    assert time.monotonic() - began < 10
    states = {c.id: c for pod in await runtime.pods() for c in pod.containers}
    assert states[polite].exit_code == 7
    assert states[rude].exit_code == 137
    await runtime.stop_container(polite, 20)
    await runtime.remove_container(polite)
    await runtime.remove_container(polite)
    await runtime.stop_container(polite, 20)


async def first_line(runtime: DockerRuntime, container: str) -> bytes:
    log = await runtime.logs(container, LogOptions("c", follow=True))
    try:
        return await anext(log)
    finally:
        await log.aclose()


async def test_stopping_the_sandbox_takes_no_grace(runtime: DockerRuntime, pods) -> None:
    sandbox = await pods.sandbox(pod_uid="stopped")
    began = time.monotonic()
    await runtime.stop_sandbox(sandbox.id)
    assert time.monotonic() - began < 1.5
    found = await runtime.pod("stopped")
    assert [s.ready for s in found.sandboxes] == [False]
    await runtime.remove_sandbox(sandbox.id)
    await runtime.remove_sandbox(sandbox.id)
    await runtime.stop_sandbox(sandbox.id)


async def test_termination_message_is_what_the_container_wrote(
    runtime: DockerRuntime, pods, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.touch()
    log.chmod(0o666)
    script = "echo -n last words > /dev/termination-log; echo -n inside > /tmp/log"
    container = await pods.start("sh", "-c", script, mounts=[Mount(str(log), "/dev/termination-log")])
    await pods.output(container)
    assert await runtime.termination_message(container, "/dev/termination-log") == "last words"
    assert await runtime.termination_message(container, "/tmp/log") == "inside"
    assert await runtime.termination_message(container, "/none") == ""
    log.write_bytes(b"x" * 5000)
    assert len(await runtime.termination_message(container, "/dev/termination-log")) == 4096


async def test_info_tells_of_the_node(runtime: DockerRuntime) -> None:
    info = await runtime.info()
    assert (info.name, info.operating_system) == ("docker", "linux")
    assert info.architecture in ("amd64", "arm64")
    assert info.cpus >= 1
    assert info.memory_bytes > 1 << 20


async def test_the_sandbox_image_is_there_before_the_first_pod(runtime: DockerRuntime, busybox: str) -> None:
    await asyncio.gather(runtime.prepare(), runtime.prepare())
    client = docker.APIClient(version="auto")
    with contextlib.closing(client):
        assert client.images("minikctl/pause:1")
        assert client.containers(all=True, filters={"label": f"minikctl.cluster=test{os.getpid()}"}) == []
