"""Ending a pod's containers in their order. Source: pkg/kubelet/kuberuntime killContainersWithSyncResult."""

from __future__ import annotations

from collections.abc import Sequence

from backend.kubelet import labels
from backend.kubelet.actions import View
from backend.kubelet.container_killer import ContainerKiller
from backend.kubelet.podspec import find_container, grace_period, sidecar_names, sidecars_in_order
from backend.kubelet.runtime.api import ContainerState


class PodKiller:
    def __init__(self, containers: ContainerKiller, node_ip: str) -> None:
        self._containers = containers
        self._node_ip = node_ip

    @property
    def busy(self) -> bool:
        return self._containers.busy

    def kill_in_order(self, view: View, running: Sequence[ContainerState]) -> None:
        """Main containers first and together, then the sidecars, the last of them first. To be called again when
        one has ended."""
        sidecars = sidecar_names(view.pod)
        first = [c for c in running if c.name not in sidecars]
        if not first:
            order = [name for name in sidecars_in_order(view.pod) if any(c.name == name for c in running)]
            first = [c for c in running if c.name == order[-1]]
        for container in first:
            grace = grace_period(view.pod) if view.pod["spec"].get("containers") else None
            seconds = labels.labelled_grace(container.labels) if grace is None else float(grace)
            self.kill(view, container, seconds, f"Stopping container {container.name}")

    def kill(self, view: View, container: ContainerState, grace: float, message: str) -> None:
        """One container, within `grace` seconds; `message` is its event's."""
        spec = find_container(view.pod, container.name) or labels.labelled_container(container.labels)
        self._containers.kill(container, spec, self.address(view), grace, message)

    def address(self, view: View) -> str:
        """Where the pod's containers are reached."""
        return (view.sandbox.ip if view.sandbox is not None else "") or self._node_ip

    async def close(self) -> None:
        await self._containers.close()
