"""Ending the pods of a cluster that stops: each within its grace, and its status says that it is not ready any more.

The pods are to come back at the next start, as after a reboot: Kubernetes' graceful shutdown of a node makes them
Failed, so that others take their places on other nodes (pkg/kubelet/nodeshutdown), of which there are none here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from backend.kubelet.actions import View
from backend.kubelet.container_killer import ContainerKiller
from backend.kubelet.labels import labelled_container, labelled_grace, orphan_pod
from backend.kubelet.pod_observer import PodObserver
from backend.kubelet.podspec import full_name
from backend.kubelet.probes import PodProbes
from backend.kubelet.runtime.api import PodState, RuntimeFailure
from backend.kubelet.services import Services
from backend.kubelet.status_writer import StatusWriter
from backend.meta.types import Obj

log = logging.getLogger(__name__)

TELL_SECONDS = 5.0
"""How long a stop may wait for a status to be written, as to a full disk it never is."""


class PodStopper:
    """For pods that have no worker any more."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def stop(self, state: PodState, pod: Obj | None, grace_limit: float) -> None:
        """End what the engine has of a pod, with no grace longer than `grace_limit` seconds; `pod` is None where the
        API server does not know it. What fails is logged."""
        told = _Told(self._services, pod) if pod is not None else None
        await self._end_containers(state, grace_limit)
        if told is not None:
            await told.tell()  # Before its sandbox ends, which takes long enough for controllers to take notice.
        for sandbox in state.sandboxes:
            if sandbox.ready:
                with contextlib.suppress(RuntimeFailure):
                    await self._services.runtime.stop_sandbox(sandbox.id)
        if told is not None:
            await told.tell()

    async def _end_containers(self, state: PodState, grace_limit: float) -> None:
        recorder = self._services.recorder
        done = asyncio.Event()
        about = orphan_pod(state)
        killer = ContainerKiller(
            self._services.runtime, self._services.clock,
            lambda _name, type_, reason, message: recorder.event(about, type_, reason, message), done.set,
        )  # fmt: skip
        address = next((s.ip for s in state.sandboxes if s.ready), "") or self._services.node_ip
        for container in state.containers:
            if container.state == "running":
                text = f"Stopping container {container.name}"
                spec = labelled_container(container.labels)
                killer.kill(container, spec, address, min(grace_limit, labelled_grace(container.labels)), text)
        while killer.busy:
            done.clear()
            await done.wait()


class _Told:
    """What the API server is told of a pod that ends."""

    def __init__(self, services: Services, pod: Obj) -> None:
        meta = pod["metadata"]
        self._runtime = services.runtime
        self._pod = pod
        self._writer = StatusWriter(services.client, services.clock, meta["namespace"], meta["name"], meta["uid"])
        nothing_is_probed = PodProbes(services.runtime, services.clock, lambda *_: None, lambda: None)
        self._observer = PodObserver(services, self._writer, nothing_is_probed)

    async def tell(self) -> None:
        try:
            async with asyncio.timeout(TELL_SECONDS):
                state = await self._runtime.pod(self._pod["metadata"]["uid"])
                if state is not None:
                    await self._observer.publish(View.of(self._observer.current(self._pod), state), self._pod, {})
                    await self._writer.flush()
        except (TimeoutError, RuntimeFailure) as error:
            log.warning("pod %s was stopped, and its status may not say so: %r", full_name(self._pod), error)
        finally:
            await self._writer.close()
