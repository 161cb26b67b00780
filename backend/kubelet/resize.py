"""Giving running containers the processor time and memory that their pod's spec says by now.

What a container has is what the pod's status says of it, which the kubelet itself wrote: that survives a restart.
Source: pkg/kubelet/kuberuntime computePodResizeAction, pkg/kubelet/allocation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from backend.kubelet.actions import Kill, View
from backend.kubelet.conditions import Problem
from backend.kubelet.container_config import cgroup_limits
from backend.kubelet.podspec import RESIZE_CONDITIONS, all_containers
from backend.kubelet.runtime.api import ContainerState, Runtime, RuntimeFailure, RuntimeUnavailable
from backend.meta import quantity
from backend.meta.types import Obj

_PENDING, _IN_PROGRESS = RESIZE_CONDITIONS
_RESIZABLE = ("cpu", "memory")
_RESTART = "RestartContainer"

Say = Callable[[str, Literal["Normal", "Warning"], str, str], None]


@dataclass(frozen=True, slots=True)
class Resize:
    """One running container that has not what its spec says."""

    spec: Obj
    container: ContainerState
    restarts: bool


class PodResizer:
    """For one pod. `problem` is why its resize is not done."""

    def __init__(self, runtime: Runtime, say: Say) -> None:
        self._runtime = runtime
        self._say = say
        self._applied: dict[str, tuple[str, Obj]] = {}
        self._refused: dict[str, Obj] = {}
        self.problem: Problem | None = None

    @property
    def has(self) -> Mapping[str, Obj]:
        """The resources of containers that run, by id."""
        return dict(self._applied.values())

    def made(self, container_id: str, spec: Obj) -> None:
        """A container was made as `spec` says."""
        self._applied[spec["name"]] = (container_id, spec.get("resources") or {})

    async def resize(self, view: View, allocatable: Mapping[str, str]) -> list[Kill]:
        """Apply what can be applied at once; the containers that have to be restarted for it are the answer."""
        self._look(view)
        wanted = list(self._wanted(view))
        if not wanted:
            self.problem = None
            return []
        why = infeasible(view.pod, allocatable)
        if why:
            if self.problem is None:
                self._say("", "Warning", "ResizeInfeasible", f"Pod resize infeasible: {why}")
            self.problem = (_PENDING, "Infeasible", why)
            return []
        kills = [
            Kill(one.container, f"Container {one.spec['name']} resize requires restart")
            for one in wanted
            if one.restarts
        ]
        done = [await self._apply(one) for one in wanted if not one.restarts]
        if done and all(done) and not kills:
            self.problem = None
            self._say("", "Normal", "ResizeCompleted", f"Pod resize completed: {_summary(view.pod)}")
        return kills

    async def _apply(self, one: Resize) -> bool:
        resources = one.spec.get("resources") or {}
        name = one.spec["name"]
        if self._refused.get(name) == resources:
            return False
        try:
            await self._runtime.update_container(one.container.id, cgroup_limits(resources))
        except RuntimeUnavailable:
            raise
        except RuntimeFailure as error:
            self._refused[name] = resources
            self.problem = (_IN_PROGRESS, "Error", str(error))
            self._say(name, "Warning", "ResizeError", f"Pod resize error: {error}")
            return False
        self._refused.pop(name, None)
        self._applied[name] = (one.container.id, resources)
        return True

    def _look(self, view: View) -> None:
        """What ran before this process has what the pod's status says."""
        status = view.pod.get("status") or {}
        for kind in ("initContainerStatuses", "containerStatuses"):
            for one in status.get(kind) or ():
                name, id_ = one["name"], one.get("containerID", "").partition("://")[2]
                if name not in self._applied and "resources" in one:
                    self._applied[name] = (id_, one["resources"])

    def _wanted(self, view: View) -> Iterator[Resize]:
        for spec in all_containers(view.pod):
            container = view.current.get(spec["name"])
            id_, before = self._applied.get(spec["name"], ("", {}))
            if container is None or container.state != "running" or container.id != id_:
                continue
            after = spec.get("resources") or {}
            changed = {name for name in _RESIZABLE if _amounts(before, name) != _amounts(after, name)}
            if changed:
                policies = {one["resourceName"]: one["restartPolicy"] for one in spec.get("resizePolicy") or ()}
                yield Resize(spec, container, any(policies.get(name) == _RESTART for name in changed))


def infeasible(pod: Obj, allocatable: Mapping[str, str]) -> str:
    """Why the node could never give the pod that much, or ""."""
    for name in _RESIZABLE:
        if name not in allocatable:
            continue
        requests = [(spec.get("resources") or {}).get("requests") or {} for spec in all_containers(pod)]
        wanted = sum(quantity.parse(str(each[name])) for each in requests if name in each)
        capacity = quantity.parse(allocatable[name])
        if wanted > capacity:
            unit = 1000 if name == "cpu" else 1
            shown = f"requested: {int(wanted * unit)}, capacity: {int(capacity * unit)}"
            return f"Node didn't have enough capacity: {name}, {shown}"
    return ""


def _amounts(resources: Obj, name: str) -> tuple[object, ...]:
    found = (resources.get(field) or {} for field in ("requests", "limits"))
    return tuple(quantity.parse(str(each[name])) if name in each else None for each in found)


def _summary(pod: Obj) -> str:
    containers = [{"name": one["name"], "resources": one.get("resources") or {}} for one in all_containers(pod)]
    return json.dumps(
        {"containers": containers, "generation": pod["metadata"].get("generation", 0)}, separators=(",", ":")
    )
