"""What a pod needs next, computed from its spec and from what the engine has of it. Pure: no waiting, no memory.

Source of the rules: k8s.io/kubernetes/pkg/kubelet/kuberuntime computePodActions and computeInitContainerActions.
A container counts for the present sandbox only if its label says so; what ran in an earlier sandbox tells
attempts and exit codes, but never that an init container is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from backend.kubelet import labels
from backend.kubelet.podspec import (
    ephemeral_containers,
    init_containers,
    is_sidecar,
    main_containers,
    restart_policy,
    should_restart,
    sidecar_names,
    spec_hash,
)  # fmt: skip
from backend.kubelet.runtime.api import ContainerState, PodState, SandboxState
from backend.meta.types import Obj

ProbeFailure = Literal["liveness", "startup"]


@dataclass(frozen=True, slots=True)
class Kill:
    """One container to stop, and the text of its Killing event."""

    container: ContainerState
    message: str


@dataclass(slots=True)
class Actions:
    """`finished`: nothing of this pod will run again. `backoff`: containers that wait after a crash, with the
    seconds that are left. `start`: containers to start now, in order, with their attempt's number."""

    new_sandbox: bool = False
    sandbox_attempt: int = 0
    start: dict[str, int] = field(default_factory=dict)
    kill: list[Kill] = field(default_factory=list)
    backoff: dict[str, float] = field(default_factory=dict)
    finished: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A pod and its containers as the engine has them, arranged for the questions that are asked of them.

    `current` has the newest attempt of each container in the present sandbox, `newest` in any; `attempts` has all,
    newest first.
    `restart_counts` is what the pod's status said before, for when the engine's containers are gone.
    """

    pod: Obj
    sandbox: SandboxState | None
    current: Mapping[str, ContainerState]
    newest: Mapping[str, ContainerState]
    attempts: Mapping[str, list[ContainerState]]
    dead_sandboxes: Sequence[SandboxState]
    restart_counts: Mapping[str, int]
    finished_before: Mapping[str, int]
    """Exit codes of containers that, by the pod's status, had ended and that the engine no longer has."""

    @classmethod
    def of(cls, pod: Obj, state: PodState) -> View:
        sandbox = next((s for s in state.sandboxes if s.ready), None)
        attempts: dict[str, list[ContainerState]] = {}
        for container in sorted(state.containers, key=lambda c: (-c.attempt, -c.created_at)):
            attempts.setdefault(container.name, []).append(container)
        newest = {name: containers[0] for name, containers in attempts.items()}
        current = {
            name: container
            for name, container in newest.items()
            if sandbox is not None and container.labels.get(labels.SANDBOX_ID) == sandbox.id
        }
        dead = [s for s in state.sandboxes if not s.ready]
        return cls(pod, sandbox, current, newest, attempts, dead, *_from_status(pod))

    def next_attempt(self, name: str) -> int:
        known = self.newest.get(name)
        if known is not None:
            return known.attempt + 1
        return self.restart_counts[name] + 1 if name in self.restart_counts else 0

    def exit_code(self, name: str) -> int | None:
        """Of the newest attempt in any sandbox; None while it runs and when it never ran."""
        known = self.newest.get(name)
        if known is None:
            return self.finished_before.get(name)
        if known.state != "running":
            return ended_with(known)
        # It runs in a sandbox that is gone: it will be killed, which is no success.
        return None if name in self.current else 137


def ended_with(container: ContainerState) -> int | None:
    """The exit code; 128 for one that the engine could not start (containerd's rule); None if it did not end."""
    if container.state == "exited":
        return container.exit_code
    if container.state == "created" and container.error:
        return container.exit_code or 128
    return None


def _from_status(pod: Obj) -> tuple[dict[str, int], dict[str, int]]:
    counts: dict[str, int] = {}
    ended: dict[str, int] = {}
    status = pod.get("status", {})
    kinds = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    for known in [one for kind in kinds for one in status.get(kind) or ()]:
        state = known.get("state") or {}
        if known.get("containerID"):
            counts[known["name"]] = known.get("restartCount", 0)
        if "terminated" in state:
            ended[known["name"]] = state["terminated"].get("exitCode", 0)
    return counts, ended


Remaining = Callable[[str, float], float]
"""(container name, when it finished) -> seconds until it may start again."""


def compute(
    view: View, failed_probes: Mapping[str, ProbeFailure], started: Callable[[str], bool], remaining: Remaining
) -> Actions:
    """`failed_probes` by container id; `started` tells by container id whether a sidecar's startup is over."""
    actions = Actions()
    wanted = _wanted_mains(view)
    if view.sandbox is None:
        _without_sandbox(view, wanted, actions)
        return actions
    for container in _leftovers(view):
        actions.kill.append(Kill(container, f"Stopping container {container.name}"))
    _kill_unhealthy(view, failed_probes, actions)
    if not wanted and not _any_main_runs(view):
        _finish(view, actions)
        return actions
    planner = _Planner(view, actions, remaining)
    planner.start_ephemeral()
    if planner.init_containers_allow(started):
        for name in wanted:
            planner.start(name)
    return actions


def _without_sandbox(view: View, wanted: list[str], actions: Actions) -> None:
    for container in view.newest.values():
        if container.state == "running":
            actions.kill.append(Kill(container, f"Stopping container {container.name}"))
    if not wanted or _init_failed_for_good(view):
        actions.finished = True
        return
    actions.new_sandbox = True
    actions.sandbox_attempt = max((sandbox.attempt + 1 for sandbox in view.dead_sandboxes), default=0)
    first = init_containers(view.pod)[:1]
    names = [first[0]["name"]] if first else wanted
    actions.start = {name: view.next_attempt(name) for name in names}


def _wanted_mains(view: View) -> list[str]:
    """Main containers that should run and do not."""
    wanted = []
    for container in main_containers(view.pod):
        name = container["name"]
        current = view.current.get(name)
        if current is not None and current.state == "running":
            continue
        code = view.exit_code(name)
        if code is None or should_restart(view.pod, container, code):
            wanted.append(name)
    return wanted


def _leftovers(view: View) -> list[ContainerState]:
    """Containers that still run although their sandbox or their place in the spec is gone."""
    pod = view.pod
    names = {c["name"] for c in [*init_containers(pod), *main_containers(pod), *ephemeral_containers(pod)]}
    return [
        container
        for container in view.newest.values()
        if container.state == "running" and (container.name not in view.current or container.name not in names)
    ]


def _kill_unhealthy(view: View, failed_probes: Mapping[str, ProbeFailure], actions: Actions) -> None:
    sidecars = sidecar_names(view.pod)
    for spec in [*init_containers(view.pod), *main_containers(view.pod)]:
        container = view.current.get(spec["name"])
        if container is None or container.state != "running":
            continue
        plain_init = spec in init_containers(view.pod) and spec["name"] not in sidecars
        probe = failed_probes.get(container.id)
        if container.labels.get(labels.HASH, "") != spec_hash(spec) and not plain_init:
            actions.kill.append(Kill(container, f"Container {spec['name']} definition changed, will be restarted"))
        elif probe is not None:
            text = f"Container {spec['name']} failed {probe} probe"
            may_restart = spec["name"] in sidecars or should_restart(view.pod, spec, 137)
            actions.kill.append(Kill(container, f"{text}, will be restarted" if may_restart else text))


def _any_main_runs(view: View) -> bool:
    names = {c["name"] for c in main_containers(view.pod)}
    return any(c.state == "running" and c.name in names for c in view.current.values())


def _init_failed_for_good(view: View) -> bool:
    """With restartPolicy Never, one failed init container fails the pod."""
    if restart_policy(view.pod) != "Never":
        return False
    return any(
        not is_sidecar(c) and (view.exit_code(c["name"]) or 0) != 0 and c["name"] in view.newest
        for c in init_containers(view.pod)
    )


def _finish(view: View, actions: Actions) -> None:
    actions.finished = True
    for container in view.current.values():
        if container.state == "running":
            actions.kill.append(Kill(container, f"Stopping container {container.name}"))


class _Planner:
    def __init__(self, view: View, actions: Actions, remaining: Remaining) -> None:
        self._view = view
        self._actions = actions
        self._remaining = remaining

    def start(self, name: str) -> None:
        """Start now, or note how long its crash backoff lasts."""
        last = self._view.newest.get(name)
        wait = 0.0
        if last is not None and ended_with(last) is not None:
            wait = self._remaining(name, last.finished_at or last.created_at)
        if wait > 0:
            self._actions.backoff[name] = wait
        else:
            self._actions.start[name] = self._view.next_attempt(name)

    def start_ephemeral(self) -> None:
        """Those that never ran, also while the pod is still being initialized."""
        for spec in ephemeral_containers(self._view.pod):
            name = spec["name"]
            if name not in self._view.newest and name not in self._view.restart_counts:
                self._actions.start[name] = 0

    def init_containers_allow(self, started: Callable[[str], bool]) -> bool:
        """Plan the init containers; whether the main ones may start beside that."""
        view = self._view
        mains = {c["name"] for c in main_containers(view.pod)}
        initialized = any(name in mains for name in view.current)
        for spec in init_containers(view.pod):
            name = spec["name"]
            current = view.current.get(name)
            if is_sidecar(spec):
                running = current is not None and current.state == "running"
                if not running:
                    self.start(name)
                if not initialized and (current is None or not running or not started(current.id)):
                    return False
            elif not initialized and not self._init_done(spec, current):
                return False
        return True

    def _init_done(self, spec: Obj, current: ContainerState | None) -> bool:
        name = spec["name"]
        if current is not None and current.state == "running":
            return False
        code = None if current is None else ended_with(current)
        if code == 0:
            return True
        if code is None:
            self.start(name)
            return False
        if restart_policy(self._view.pod) == "Never":
            _finish(self._view, self._actions)
        else:
            self.start(name)
        return False
