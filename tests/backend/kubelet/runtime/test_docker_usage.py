"""What containers use, what they may use while they run, and whose processes they see, in the real engine."""

from __future__ import annotations

import docker
import pytest

from backend.kubelet.runtime.api import CgroupLimits, RuntimeFailure
from backend.kubelet.runtime.docker import DockerRuntime

pytestmark = pytest.mark.docker


async def test_usage_is_read_of_what_runs(runtime: DockerRuntime, pods) -> None:
    sandbox = await pods.sandbox()
    busy = await pods.container(sandbox, "sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 60")
    ended = await pods.container(sandbox, "true", name="done")
    await pods.output(ended)
    usages = await runtime.usage([busy, ended, sandbox.id, "nope"])
    assert usages.keys() == {busy, sandbox.id}
    assert usages[busy].cpu_nanoseconds > 0
    assert usages[busy].processes >= 1
    assert 0 < usages[busy].working_set_bytes <= usages[busy].memory_bytes
    assert [*usages[sandbox.id].networks] == ["eth0"]


async def test_limits_change_while_a_container_runs(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sleep", "60", memory_bytes=32 << 20, cpu_quota=10_000)
    started = (await pods.runtime.pods())[0].containers[0].started_at
    await runtime.update_container(container, CgroupLimits(512, 50_000, 100_000, 64 << 20))
    client = docker.APIClient(version="auto")
    try:
        settings = client.inspect_container(container)["HostConfig"]
    finally:
        client.close()
    assert (settings["CpuShares"], settings["CpuQuota"], settings["Memory"]) == (512, 50_000, 64 << 20)
    now = (await pods.runtime.pods())[0].containers[0]
    assert (now.state, now.started_at) == ("running", started)


async def test_limits_of_a_container_that_is_gone_cannot_change(runtime: DockerRuntime) -> None:
    with pytest.raises(RuntimeFailure):
        await runtime.update_container("nope", CgroupLimits(2, 0, 100_000, 0))


async def test_a_container_may_see_the_processes_of_another(pods) -> None:
    sandbox = await pods.sandbox()
    target = await pods.container(sandbox, "sleep", "4711")
    looking = await pods.container(sandbox, "ps", name="debug", process_namespace_of=target)
    assert "sleep 4711" in await pods.output(looking)
