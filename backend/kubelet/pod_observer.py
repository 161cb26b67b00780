"""What the engine and the probes say of one pod, put into the status that the API server gets."""

from __future__ import annotations

from dataclasses import replace

from backend.kubelet import labels
from backend.kubelet.actions import View, ended_with
from backend.kubelet.conditions import Verdict
from backend.kubelet.container_status import Health, StatusSource, Waiting
from backend.kubelet.handlers import Target
from backend.kubelet.pod_status import PodVerdict, pod_status
from backend.kubelet.podspec import OWNED_CONDITIONS, init_containers, is_sidecar, main_containers
from backend.kubelet.probes import PodProbes, Subject
from backend.kubelet.resize import PodResizer
from backend.kubelet.runtime.api import ContainerState, RuntimeFailure, RuntimeUnavailable
from backend.kubelet.services import Services
from backend.kubelet.status_writer import StatusWriter
from backend.meta.streams import LogOptions
from backend.meta.timefmt import format_time
from backend.meta.types import Obj

FALLBACK_LINES = 80
FALLBACK_BYTES = 2048
MAX_MESSAGE = 4096


class PodObserver:
    """Remembers what cannot be asked for again: termination messages, and the status that was last given."""

    def __init__(self, services: Services, writer: StatusWriter, probes: PodProbes) -> None:
        self._services = services
        self._writer = writer
        self._probes = probes
        self._messages: dict[str, str] = {}

    def current(self, pod: Obj) -> Obj:
        """The pod with the status that this kubelet last gave it; conditions of others as the store has them."""
        newest = self._writer.newest
        if newest is None:
            return pod
        stored = pod.get("status", {})
        foreign = [c for c in stored.get("conditions") or () if c["type"] not in OWNED_CONDITIONS]
        owned = [c for c in newest["conditions"] if c["type"] in OWNED_CONDITIONS]
        return {**pod, "status": {**stored, **newest, "conditions": [*owned, *foreign]}}

    def watch_probes(self, view: View, address: str) -> None:
        """Probe what runs: main containers and sidecars of the present sandbox."""
        specs = [c for c in init_containers(view.pod) if is_sidecar(c)] + main_containers(view.pod)
        ready = _ready_ids(view.pod)
        subjects = {}
        for spec in specs:
            container = view.current.get(spec["name"])
            if container is not None and container.state == "running":
                target = Target(spec, container.id, address)
                subjects[container.id] = Subject(target, container.started_at, container.id in ready)
        self._probes.watch(subjects)

    async def publish(
        self, view: View, stored: Obj, waiting: dict[str, Waiting], *, over: bool = False,
        failed: PodVerdict | None = None, hooked: set[str] | None = None, sandbox_problem: Verdict | None = None,
        resizer: PodResizer | None = None,
    ) -> None:  # fmt: skip
        """Give the writer the status of `view`; `stored` is the pod as the informer has it."""
        await self._read_messages(view)
        shown = _without_hooked(view, hooked) if hooked else view
        health = Health(self._probes.started, self._probes.ready)
        resources = resizer.has if resizer is not None else {}
        source = StatusSource(
            shown, waiting, self._messages, self._services.image_digests, health, over, resources
        )
        status = pod_status(
            source, node_ip=self._services.node_ip, now=format_time(self._services.clock.now()), failed=failed,
            why_no_sandbox=sandbox_problem, resize_problem=resizer.problem if resizer is not None else None,
        )  # fmt: skip
        self._writer.write(status, stored.get("status", {}))

    async def _read_messages(self, view: View) -> None:
        """The termination messages of the attempts that a status can show."""
        shown = [container for attempts in view.attempts.values() for container in attempts[:3]]
        known = {container.id for container in shown}
        for gone in [id_ for id_ in self._messages if id_ not in known]:
            del self._messages[gone]
        for container in shown:
            if ended_with(container) is not None and container.id not in self._messages:
                self._messages[container.id] = await self._message(container)

    async def _message(self, container: ContainerState) -> str:
        path = container.labels.get(labels.TERMINATION_MESSAGE_PATH, "")
        try:
            text = await self._services.runtime.termination_message(container.id, path) if path else ""
            policy = container.labels.get(labels.TERMINATION_MESSAGE_POLICY)
            if not text and policy == "FallbackToLogsOnError" and ended_with(container) != 0:
                text = await self._log_tail(container)
        except RuntimeUnavailable:
            raise
        except RuntimeFailure as error:
            return f"Error on reading termination log {path}: {error}"
        return text[:MAX_MESSAGE]

    async def _log_tail(self, container: ContainerState) -> str:
        options = LogOptions(container.name, tail_lines=FALLBACK_LINES)
        chunks = [chunk async for chunk in await self._services.runtime.logs(container.id, options)]
        return b"".join(chunks)[-FALLBACK_BYTES:].decode(errors="replace")


def _ready_ids(pod: Obj) -> set[str]:
    """Engine ids of containers that the pod's status calls ready."""
    status = pod.get("status", {})
    known = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return {one.get("containerID", "").removeprefix("docker://") for one in known if one.get("ready")}


def _without_hooked(view: View, hooked: set[str]) -> View:
    """Containers whose postStart hook still runs count as created."""

    def shown(container: ContainerState) -> ContainerState:
        return replace(container, state="created") if container.id in hooked else container

    return replace(
        view,
        current={name: shown(c) for name, c in view.current.items()},
        newest={name: shown(c) for name, c in view.newest.items()},
        attempts={name: [shown(c) for c in attempts] for name, attempts in view.attempts.items()},
    )
