"""The kubelet's streams over the real engine."""

from __future__ import annotations

import pytest

from backend.kubelet.runtime.docker import DockerRuntime
from backend.kubelet.streams import KubeletStreams
from backend.meta.errors import ApiError
from backend.meta.streams import ExecOptions, LogOptions
from backend.meta.types import Obj

pytestmark = pytest.mark.docker


def pod(container_id: str, *, tty: bool = False) -> Obj:
    state = {"running": {}}
    return {
        "metadata": {"name": "p", "namespace": "default", "uid": "streams"},
        "spec": {"containers": [{"name": "c", "tty": tty}]},
        "status": {
            "containerStatuses": [{"name": "c", "state": state, "containerID": f"docker://{container_id}"}]
        },
    }


async def test_logs_exec_and_attach_find_the_running_container(runtime: DockerRuntime, pods) -> None:
    sandbox = await pods.sandbox(pod_uid="streams")
    container = await pods.container(sandbox, "sh", "-c", "echo logged; cat", stdin=True)
    streams = KubeletStreams(runtime)
    log = await streams.logs(pod(container), LogOptions("c", follow=True))
    assert await anext(log) == b"logged\n"
    await log.aclose()

    session = await streams.exec(pod(container), ExecOptions("c", ["sh", "-c", "exit 6"]))
    assert [data async for data in session.output()] == []
    assert await session.exit_code() == 6
    await session.close()

    attached = await streams.attach(pod(container), ExecOptions("c", (), stdin=True))
    output = attached.output()
    await attached.write_stdin(b"typed\n")
    assert await anext(output) == (1, b"typed\n")
    await output.aclose()
    await attached.close()


async def test_a_container_that_does_not_run_is_not_found(runtime: DockerRuntime, pods) -> None:
    sandbox = await pods.sandbox(pod_uid="streams")
    container = await pods.container(sandbox, "true")
    await pods.output(container)
    await runtime.stop_container(container, 1)
    streams = KubeletStreams(runtime)
    for call in (streams.exec, streams.attach):
        with pytest.raises(ApiError) as caught:
            await call(pod(container), ExecOptions("c", ["true"]))
        assert (caught.value.code, str(caught.value)) == (500, 'container not found ("c")')
    await runtime.remove_container(container)
    with pytest.raises(ApiError, match="No such container") as refused:
        await streams.logs(pod(container), LogOptions("c"))
    assert refused.value.code == 400
