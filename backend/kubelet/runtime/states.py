"""What the engine says of its containers, in the runtime interface's words."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from backend.kubelet.runtime import names
from backend.kubelet.runtime.api import ContainerState, PodState, SandboxState

Inspected = Mapping[str, Any]
"""The engine's answer to `inspect` of one container."""

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$")


def pod_states(inspected: Iterable[Inspected]) -> list[PodState]:
    """The containers sorted into pods; newest attempt first, then newest first."""
    sandboxes: dict[str, list[SandboxState]] = {}
    containers: dict[str, list[ContainerState]] = {}
    owners: dict[str, tuple[str, str]] = {}
    for document in inspected:
        labels = document["Config"]["Labels"] or {}
        name = names.ContainerName.parse(document["Name"])
        if name is None:
            continue
        uid = labels.get(names.POD_UID_LABEL, name.uid)
        owners[uid] = (
            labels.get(names.POD_NAMESPACE_LABEL, name.namespace),
            labels.get(names.POD_NAME_LABEL, name.pod),
        )
        if labels.get(names.TYPE_LABEL) == "podsandbox":
            sandboxes.setdefault(uid, []).append(sandbox_state(document))
        else:
            containers.setdefault(uid, []).append(container_state(document))
    return [
        PodState(
            uid,
            namespace,
            name_,
            sorted(sandboxes.get(uid, []), key=_newest),
            sorted(containers.get(uid, []), key=_newest),
        )
        for uid, (namespace, name_) in owners.items()
    ]


def _newest(state: SandboxState | ContainerState) -> tuple[int, float]:
    return (-state.attempt, -state.created_at)


def sandbox_state(document: Inspected) -> SandboxState:
    name = names.ContainerName.parse(document["Name"])
    networks = [*(document["NetworkSettings"]["Networks"] or {}).values()]
    ipv4 = next((network["IPAddress"] for network in networks if network["IPAddress"]), "")
    ipv6 = next((network["GlobalIPv6Address"] for network in networks if network.get("GlobalIPv6Address")), "")
    return SandboxState(
        id=document["Id"],
        attempt=name.attempt if name else 0,
        ready=bool(document["State"]["Running"]),
        ip=ipv4 or ipv6,
        ipv6=ipv6 if ipv4 else "",
        labels=document["Config"]["Labels"] or {},
        created_at=seconds(document["Created"]),
    )


def container_state(document: Inspected) -> ContainerState:
    """A container that was created and could not be started counts as exited, as in dockershim: its exit code
    is 126 to 128 and `error` says why; it has a time of its end (its creation) and none of a start."""
    state = document["State"]
    name = names.ContainerName.parse(document["Name"])
    created_at = seconds(document["Created"])
    phase: Literal["created", "running", "exited"] = "exited"
    if state["Status"] in ("running", "paused", "restarting"):
        phase = "running"
    elif state["Status"] == "created" and not state["ExitCode"]:
        phase = "created"
    started_at = seconds(state["StartedAt"])
    finished_at = 0.0 if phase != "exited" else seconds(state["FinishedAt"]) or created_at
    if phase == "exited":  # The engine may see the end of a short process before it notes the start.
        finished_at = max(started_at, finished_at)
    return ContainerState(
        id=document["Id"],
        name=name.container if name else document["Name"].lstrip("/"),
        attempt=name.attempt if name else 0,
        state=phase,
        image_id=document["Image"],
        labels=document["Config"]["Labels"] or {},
        created_at=created_at,
        started_at=started_at,
        finished_at=finished_at,
        exit_code=state["ExitCode"],
        oom_killed=state["OOMKilled"],
        error=state["Error"],
    )


def seconds(text: str) -> float:
    """An RFC 3339 time with any fraction, in seconds since the epoch; 0 for Go's zero time."""
    match = _TIME.match(text)
    if match is None or text.startswith("0001-"):
        return 0.0
    whole, fraction, zone = match.groups()
    epoch = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(fraction or 0)
    if zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        epoch -= offset if zone[0] == "+" else -offset
    return epoch
