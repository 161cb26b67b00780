"""ContainerStatus objects, from what the engine has and from why a container waits.

Source: pkg/kubelet/kubelet_pods.go convertToAPIContainerStatuses and prober_manager.go UpdatePodStatus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from backend.kubelet.actions import View, ended_with
from backend.kubelet.podspec import (
    ephemeral_containers,
    init_containers,
    is_sidecar,
    main_containers,
    should_restart,
)
from backend.kubelet.runtime.api import ContainerState
from backend.meta.timefmt import format_time
from backend.meta.types import Obj


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a container does not run."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """What the probes say of a running container, by its id."""

    started: Callable[[str], bool]
    ready: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class StatusSource:
    """All that container statuses are made of.

    `waiting` why containers wait, by name; `messages`
    termination messages by container id; `image_ids` repo digests by engine image id; `over` that nothing of the
    pod runs or will run again; `resources` what running containers were given, by container id.
    """

    view: View
    waiting: Mapping[str, Waiting]
    messages: Mapping[str, str]
    image_ids: Mapping[str, str]
    health: Health
    over: bool
    resources: Mapping[str, Obj] = field(default_factory=dict)


def container_statuses(source: StatusSource) -> tuple[list[Obj], list[Obj], list[Obj]]:
    """The statuses of init, main and ephemeral containers, each in the spec's order."""
    pod = source.view.pod
    waits = Waiting("PodInitializing" if init_containers(pod) else "ContainerCreating")
    inits = [_status(source, spec, waits, init=True) for spec in init_containers(pod)]
    mains = [_status(source, spec, waits, init=False) for spec in main_containers(pod)]
    ephemeral = [_ephemeral_status(_status(source, spec, waits, init=False)) for spec in ephemeral_containers(pod)]
    return inits, mains, ephemeral


def _ephemeral_status(status: Obj) -> Obj:
    """They are not probed, and so neither started nor ready."""
    return {**{name: value for name, value in status.items() if name != "started"}, "ready": False}


def _status(source: StatusSource, spec: Obj, default: Waiting, *, init: bool) -> Obj:
    name = spec["name"]
    attempts = source.view.attempts.get(name, [])
    previous = _previous_status(source.view.pod, name)
    waiting = source.waiting.get(name)
    if not attempts:
        return _without_container(source, spec, previous, waiting or default)
    newest = attempts[0]
    ended = [a for a in attempts if ended_with(a) is not None]
    state, last = _states(source, spec, newest, ended, waiting, default)
    running = "running" in state
    started = running and source.health.started(newest.id)
    ready = started and source.health.ready(newest.id)
    if init and not is_sidecar(spec):
        ready = state.get("terminated", {}).get("exitCode") == 0
    if not last and previous is not None and previous.get("restartCount") == newest.attempt:
        last = previous.get("lastState") or {}
    return {
        "name": name,
        "state": state,
        "lastState": last,
        "ready": ready,
        "restartCount": newest.attempt,
        "image": spec.get("image", ""),
        "imageID": _image_id(source, newest, previous),
        "containerID": f"docker://{newest.id}",
        "started": started,
        **_resources(source.resources.get(newest.id, spec.get("resources"))),
        **_volume_mounts(spec),
    }


def _states(
    source: StatusSource, spec: Obj, newest: ContainerState, ended: list[ContainerState],
    waiting: Waiting | None, default: Waiting,
) -> tuple[Obj, Obj]:  # fmt: skip
    """(state, lastState)."""
    if newest.state == "running":
        state: Obj = {"running": {"startedAt": format_time(newest.started_at)}}
        return state, _terminated_state(source, ended[0]) if ended else {}
    code = ended_with(newest)
    if code is None:
        state = {"waiting": _waiting(waiting or default)}
        return state, _terminated_state(source, ended[0]) if ended else {}
    current = _terminated_state(source, newest)
    again = spec in init_containers(source.view.pod) or should_restart(source.view.pod, spec, code)
    if waiting is not None and again and not source.over:
        return {"waiting": _waiting(waiting)}, current
    return current, _terminated_state(source, ended[1]) if len(ended) > 1 else {}


def _without_container(source: StatusSource, spec: Obj, previous: Obj | None, waiting: Waiting) -> Obj:
    """The engine has nothing of it: it waits, or it ended and was removed."""
    state: Obj = {"waiting": _waiting(waiting)}
    last: Obj = {}
    restarts = 0
    if previous is not None and previous.get("containerID"):
        restarts = previous.get("restartCount", 0)
        last = previous.get("lastState") or {}
        before = previous.get("state") or {}
        if "terminated" in before:
            again = should_restart(source.view.pod, spec, before["terminated"].get("exitCode", 0))
            if source.over or not again:
                return previous
            last = before
        elif "running" in before:
            lost = _lost(previous)
            state, last = (lost, last) if source.over else (state, lost)
    return {
        "name": spec["name"],
        "state": state,
        "lastState": last,
        "ready": False,
        "restartCount": restarts,
        "image": spec.get("image", ""),
        "imageID": "",
        "started": False,
        **_resources(spec.get("resources")),
    }


def _lost(previous: Obj) -> Obj:
    return {
        "terminated": {
            "exitCode": 137,
            "reason": "ContainerStatusUnknown",
            "message": "The container could not be located when the pod was terminated",
            "containerID": previous["containerID"],
        }
    }


def _image_id(source: StatusSource, container: ContainerState, previous: Obj | None) -> str:
    """As cri-dockerd writes it: by repo digest where the image has one."""
    digest = source.image_ids.get(container.image_id)
    if digest:
        return f"docker-pullable://{digest}"
    if previous is not None and previous.get("containerID") == f"docker://{container.id}":
        known: str = previous["imageID"]
        return known
    return f"docker://{container.image_id}"


def _resources(resources: Obj | None) -> Obj:
    if not resources:
        return {}
    return {"resources": resources, **({"allocatedResources": r} if (r := resources.get("requests")) else {})}


def _volume_mounts(spec: Obj) -> Obj:
    mounts = []
    for mount in spec.get("volumeMounts") or ():
        shown = {"name": mount["name"], "mountPath": mount["mountPath"]}
        if mount.get("readOnly"):
            shown.update(readOnly=True, recursiveReadOnly="Disabled")
        mounts.append(shown)
    return {"volumeMounts": mounts} if mounts else {}


def _waiting(waiting: Waiting) -> Obj:
    return {"reason": waiting.reason, **({"message": waiting.message} if waiting.message else {})}


def _terminated_state(source: StatusSource, container: ContainerState) -> Obj:
    code = ended_with(container) or 0
    if not container.started_at:
        reason = "ContainerCannotRun"
    elif container.oom_killed:
        reason = "OOMKilled"
    else:
        reason = "Completed" if code == 0 else "Error"
    message = source.messages.get(container.id, "") or container.error
    terminated: Obj = {
        "exitCode": code,
        "reason": reason,
        "startedAt": format_time(container.started_at),
        "finishedAt": format_time(container.finished_at or container.created_at),
        "containerID": f"docker://{container.id}",
    }
    if message:
        terminated["message"] = message
    return {"terminated": terminated}


def _previous_status(pod: Obj, name: str) -> Obj | None:
    status = pod.get("status", {})
    kinds = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    known = (one for kind in kinds for one in status.get(kind) or ())
    return next((one for one in known if one["name"] == name), None)
