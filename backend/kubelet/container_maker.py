"""Making a container of a pod in its sandbox: its environment, its mounts, its settings. It does not run yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from backend.kubelet.container_config import container_config
from backend.kubelet.env import EnvError, NodeFacts, container_env
from backend.kubelet.runtime.api import ContainerConfig, Image, RuntimeFailure, RuntimeUnavailable, SandboxState
from backend.kubelet.services import Services
from backend.kubelet.start_failure import StartFailure
from backend.kubelet.volumes.plugin import VolumeFailure
from backend.meta.types import Obj

T = TypeVar("T")


async def unbroken(work: Coroutine[Any, Any, T]) -> T:
    """Await `work` to its end even when cancelled meanwhile; the cancellation follows then."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


@dataclass(frozen=True, slots=True)
class Made:
    """A container that is ready to start, and a sentence for each setting that the engine refused."""

    container_id: str
    refused: list[str]


@dataclass(frozen=True, slots=True)
class ContainerMaker:
    """For one pod; `volumes` has its volumes' paths by name, `running` the ids of containers in its sandbox."""

    services: Services
    pod: Obj
    volumes: Mapping[str, Path]
    running: Mapping[str, str]

    async def make(self, sandbox: SandboxState, spec: Obj, attempt: int, image: Awaitable[Image]) -> Made:
        """Raises StartFailure, RuntimeUnavailable."""
        config = await self._config(sandbox, spec, attempt, await image)
        try:
            return Made(*await unbroken(self.services.runtime.create_container(sandbox, config)))
        except RuntimeUnavailable:
            raise
        except RuntimeFailure as error:
            raise StartFailure(error.reason or "CreateContainerError", str(error)) from error

    async def _config(self, sandbox: SandboxState, spec: Obj, attempt: int, image: Image) -> ContainerConfig:
        services, pod = self.services, self.pod
        node = NodeFacts(sandbox.ips or (services.node_ip,), (services.node_ip,), services.allocatable)
        lookup = await services.referenced.lookup(pod)
        links = await services.service_links.variables(pod)
        try:
            variables = container_env(pod, spec, lookup, node, links)
            mounts = await services.volumes.mounts(pod, spec, attempt, self.volumes, dict(variables))
        except (EnvError, VolumeFailure) as error:
            raise StartFailure("CreateContainerConfigError", str(error)) from error
        return container_config(
            pod, spec, attempt=attempt, sandbox=sandbox, image=image, env=variables, mounts=mounts,
            node_memory=services.node_memory, target_id=self._target(spec),
        )  # fmt: skip

    def _target(self, spec: Obj) -> str:
        """The container that an ephemeral one is to look into. Source: kuberuntime getTargetID."""
        name = spec.get("targetContainerName", "")
        if name and name not in self.running:
            raise StartFailure("CreateContainerConfigError", f"unable to find target container {name}")
        return self.running.get(name, "")
