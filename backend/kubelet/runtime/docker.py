"""The Docker engine as the kubelet's container runtime (runtime.api.Runtime)."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backend.kubelet.runtime import exec_session, images, names
from backend.kubelet.runtime.api import (
    CgroupLimits,
    ContainerConfig,
    ContainerUsage,
    Image,
    PodState,
    RegistryAuth,
    RuntimeEvent,
    RuntimeInfo,
    SandboxConfig,
    SandboxState,
    ignore,
)
from backend.kubelet.runtime.bridge import pod_bridge
from backend.kubelet.runtime.containers import create_container
from backend.kubelet.runtime.engine import Engine, EngineRefused
from backend.kubelet.runtime.engine_http import Endpoint, request
from backend.kubelet.runtime.events import pod_events
from backend.kubelet.runtime.logs import open_logs
from backend.kubelet.runtime.network_namespace import connect_in_sandbox
from backend.kubelet.runtime.pause_image import ensure_pause_image
from backend.kubelet.runtime.sandbox import create_sandbox, start_sandbox
from backend.kubelet.runtime.states import pod_states
from backend.kubelet.runtime.termination import read_termination_message
from backend.kubelet.runtime.trials import Trials, settings_of
from backend.kubelet.runtime.usage import read_usages
from backend.meta.streams import ExecSession, LogOptions, PortConnection
from backend.network.bridge import PodBridge

if TYPE_CHECKING:
    from docker import APIClient

_GO_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PROBE_OUTPUT_BYTES = 10 * 1024
"""What a probe keeps of a command's output (k8s.io/kubernetes/pkg/probe/exec maxReadLength)."""
_SANDBOX_GRACE_SECONDS = 2


class DockerRuntime:
    """The engine that DOCKER_HOST names, or this machine's. Nothing is connected before the first call."""

    def __init__(self, cluster_id: str, *, environ: Mapping[str, str] = os.environ) -> None:
        self._cluster_id = cluster_id
        self._endpoint = Endpoint(environ)
        self._engine = Engine(self._endpoint.url)
        self._trials = Trials(cluster_id)

    async def info(self) -> RuntimeInfo:
        info = await self._engine.call("RuntimeUnavailable", lambda client: client.info())
        return RuntimeInfo(
            name="docker",
            version=info["ServerVersion"],
            kernel_version=info["KernelVersion"],
            os_image=info["OperatingSystem"],
            architecture=_GO_ARCHITECTURES.get(info["Architecture"], info["Architecture"]),
            operating_system=info["OSType"],
            cpus=info["NCPU"],
            memory_bytes=info["MemTotal"],
        )

    async def prepare(self) -> None:
        def work(client: APIClient) -> None:
            ensure_pause_image(client)
            self._trials.learn(client)

        await self._engine.call("CreatePodSandboxError", work)

    async def pod_bridge(self) -> PodBridge:
        network = await self._engine.call("RuntimeUnavailable", lambda client: client.inspect_network("bridge"))
        return pod_bridge(network)

    async def pods(self) -> list[PodState]:
        return await self._pods([])

    async def pod(self, uid: str) -> PodState | None:
        found = await self._pods([f"{names.POD_UID_LABEL}={uid}"])
        return found[0] if found else None

    async def run_sandbox(
        self, config: SandboxConfig, created: Callable[[SandboxState], None] = ignore
    ) -> SandboxState:
        """Raises RuntimeFailure(CreatePodSandboxError)."""
        reason, cluster = "CreatePodSandboxError", self._cluster_id
        sandbox = await self._engine.call(reason, lambda client: create_sandbox(client, cluster, config))
        created(sandbox)
        return await self._engine.call(reason, lambda client: start_sandbox(client, sandbox.id))

    async def stop_sandbox(self, sandbox_id: str) -> None:
        await self._stop(sandbox_id, _SANDBOX_GRACE_SECONDS, "KillPodSandboxError")

    async def remove_sandbox(self, sandbox_id: str) -> None:
        await self._remove(sandbox_id)

    async def create_container(self, sandbox: SandboxState, config: ContainerConfig) -> tuple[str, list[str]]:
        def work(client: APIClient) -> tuple[str, list[str]]:
            optional, refused = self._trials.sort(client, settings_of(config))
            container_id, warnings = create_container(client, self._cluster_id, sandbox, config, optional)
            return container_id, refused + warnings

        return await self._engine.call("CreateContainerError", work)

    async def start_container(self, container_id: str) -> list[str]:
        """Settings that the engine refuses were left out by create_container: there is nothing to say here."""
        try:
            await self._engine.call("RunContainerError", lambda client: client.start(container_id))
        except EngineRefused as error:
            message = f'failed to start container "{container_id}": Error response from daemon: {error}'
            raise EngineRefused("RunContainerError", message, error.status) from error
        return []

    async def update_container(self, container_id: str, limits: CgroupLimits) -> None:
        def work(client: APIClient) -> None:
            client.update_container(
                container_id, cpu_shares=limits.cpu_shares, cpu_quota=limits.cpu_quota or None,
                cpu_period=limits.cpu_period if limits.cpu_quota else None, mem_limit=limits.memory_bytes or None,
                memswap_limit=limits.memory_bytes or None,
            )  # fmt: skip

        await self._engine.call("ResizeError", work)

    async def stop_container(self, container_id: str, grace_seconds: float) -> None:
        await self._stop(container_id, grace_seconds, "KillContainerError")

    async def remove_container(self, container_id: str) -> None:
        await self._remove(container_id)

    async def image(self, reference: str) -> Image | None:
        return await self._engine.call("ImageInspectError", lambda client: images.inspect_image(client, reference))

    async def images(self) -> list[Image]:
        return await self._engine.call("ImageInspectError", images.list_images)

    async def pull(self, reference: str, auth: RegistryAuth | None) -> Image:
        return await images.pull(self._engine, self._endpoint, reference, auth)

    def events(self) -> AsyncIterator[RuntimeEvent]:
        return pod_events(self._endpoint, self._cluster_id, self._trials.forget)

    async def logs(self, container_id: str, options: LogOptions) -> AsyncIterator[bytes]:
        """The iterator's `aclose` ends it early."""
        return await open_logs(self._endpoint, container_id, options, tty=await self._has_tty(container_id))

    async def exec(self, container_id: str, command: Sequence[str], *, stdin: bool, tty: bool) -> ExecSession:
        _, session = await exec_session.start_exec(
            self._engine, self._endpoint, container_id, command, stdin=stdin, tty=tty
        )
        return session

    async def attach(self, container_id: str, *, stdin: bool, tty: bool) -> ExecSession:
        """`tty` must be the container's own, else the engine's framing is passed on as output."""
        return await exec_session.start_attach(self._engine, self._endpoint, container_id, stdin=stdin, tty=tty)

    async def connect(self, sandbox_id: str, port: int) -> PortConnection:
        return await connect_in_sandbox(self._engine, sandbox_id, port)

    async def exec_probe(self, container_id: str, command: Sequence[str], timeout: float) -> tuple[int, bytes]:
        return await exec_session.exec_probe(
            self._engine, self._endpoint, container_id, command, timeout, _PROBE_OUTPUT_BYTES
        )

    async def termination_message(self, container_id: str, path: str) -> str:
        return await self._engine.call(
            "ContainerStatusUnknown", lambda client: read_termination_message(client, container_id, path)
        )

    async def usage(self, ids: Sequence[str]) -> dict[str, ContainerUsage]:
        return await read_usages(self._endpoint, ids)

    async def remove_containers(self) -> None:
        """For the deletion of a cluster: everything that has its label, at once and without a grace. Idempotent."""
        label = f"{names.CLUSTER_LABEL}={self._cluster_id}"
        listed = await self._engine.call(
            "KillContainerError", lambda client: client.containers(all=True, filters={"label": label})
        )
        await asyncio.gather(*(self._remove(container["Id"]) for container in listed))

    async def close(self) -> None:
        await self._engine.close()

    async def _pods(self, labels: list[str]) -> list[PodState]:
        """Lists, then inspects in parallel: the list says neither exit codes nor times."""
        wanted = [f"{names.CLUSTER_LABEL}={self._cluster_id}", names.TYPE_LABEL, *labels]
        listed = await self._engine.call(
            "ContainerStatusUnknown", lambda client: client.containers(all=True, filters={"label": wanted})
        )
        inspected = await asyncio.gather(*(self._inspect(container["Id"]) for container in listed))
        return pod_states(document for document in inspected if document is not None)

    async def _inspect(self, container_id: str) -> dict[str, Any] | None:
        """None for a container that was removed in the meantime."""
        try:
            return await self._engine.call(
                "ContainerStatusUnknown", lambda client: client.inspect_container(container_id)
            )
        except EngineRefused as error:
            if error.status == 404:
                return None
            raise

    async def _has_tty(self, container_id: str) -> bool:
        document = await self._engine.call("LogError", lambda client: client.inspect_container(container_id))
        return bool(document["Config"]["Tty"])

    async def _stop(self, container_id: str, grace_seconds: float, reason: str) -> None:
        """Waits on a connection, not in a thread: many pods may take their grace at once."""
        query = {"t": str(math.ceil(max(0.0, grace_seconds)))}
        try:
            exchange = await request(
                self._endpoint, "POST", f"/containers/{container_id}/stop", reason=reason, query=query
            )
        except EngineRefused as error:
            if error.status != 404:
                raise
        else:
            exchange.close()

    async def _remove(self, container_id: str) -> None:
        try:
            await self._engine.call(
                "KillContainerError", lambda client: client.remove_container(container_id, force=True, v=True)
            )
        except EngineRefused as error:
            if error.status != 404 and "is already in progress" not in str(error):
                raise
