"""Pods in the real engine, in a cluster of the test's own that leaves nothing behind."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from backend.kubelet.runtime.api import ContainerConfig, SandboxConfig, SandboxState
from backend.kubelet.runtime.docker import DockerRuntime
from backend.meta.streams import LogOptions
from tests.support.busybox import BUSYBOX, busybox_layer

_numbers = itertools.count()


@pytest.fixture(scope="session")
def busybox() -> Iterator[str]:
    """The id of an image made from this machine's static busybox."""
    docker = pytest.importorskip("docker")
    if not BUSYBOX.exists():
        pytest.skip("no static busybox on this machine")
    try:
        client = docker.APIClient(version="auto")
    except docker.errors.DockerException:
        pytest.skip("no Docker engine answers")
    tag = f"run{os.getpid()}"
    with contextlib.closing(client):
        client.import_image_from_data(
            busybox_layer(), repository="minikctl-test/busybox", tag=tag, changes=['CMD ["sh"]', "ENV PATH=/bin"]
        )
        yield str(client.inspect_image(f"minikctl-test/busybox:{tag}")["Id"])
        client.remove_image(f"minikctl-test/busybox:{tag}", force=True)


class Pods:
    """Shorthand for pods in the test's cluster."""

    def __init__(self, runtime: DockerRuntime, image: str) -> None:
        self.runtime = runtime
        self.image = image

    async def sandbox(self, **config: Any) -> SandboxState:
        number = next(_numbers)
        given = {
            "pod_uid": f"uid-{number}",
            "namespace": "default",
            "name": f"p{number}",
            "hostname": f"p{number}",
        }
        return await self.runtime.run_sandbox(SandboxConfig(**{**given, "attempt": 0, "labels": {}, **config}))

    async def container(self, sandbox: SandboxState, *command: str, **config: Any) -> str:
        """A started container."""
        given = {"name": "c", "image_id": self.image, "attempt": 0, "labels": {}, "command": command}
        container_id, _ = await self.runtime.create_container(sandbox, ContainerConfig(**{**given, **config}))
        await self.runtime.start_container(container_id)
        return container_id

    async def start(self, *command: str, **config: Any) -> str:
        return await self.container(await self.sandbox(), *command, **config)

    async def run(self, *command: str, **config: Any) -> str:
        """What a container that ends by itself wrote."""
        return await self.output(await self.start(*command, **config))

    async def output(self, container_id: str) -> str:
        log = await self.runtime.logs(container_id, LogOptions("c", follow=True))
        return b"".join([chunk async for chunk in log]).decode()


async def remove_all(runtime: DockerRuntime) -> None:
    for pod in await runtime.pods():
        for container in pod.containers:
            await runtime.remove_container(container.id)
        for sandbox in pod.sandboxes:
            await runtime.remove_sandbox(sandbox.id)


@pytest.fixture
async def runtime(busybox: str) -> AsyncIterator[DockerRuntime]:
    runtime = DockerRuntime(f"test{os.getpid()}")
    yield runtime
    await remove_all(runtime)
    await runtime.close()


@pytest.fixture
async def pods(runtime: DockerRuntime, busybox: str) -> Pods:
    return Pods(runtime, busybox)
