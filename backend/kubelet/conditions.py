"""A pod's conditions, with the kubelet's reasons and messages.

Source: pkg/kubelet/status/generate.go. A condition's lastTransitionTime moves only when its status does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backend.kubelet.podspec import init_containers, is_sidecar, main_containers
from backend.meta.types import Obj

Verdict = tuple[bool, str, str]
"""Status, reason and message."""

Problem = tuple[str, str, str]
"""A condition's type, reason and message, which holds while something is not as it should be."""

TRUE: Verdict = (True, "", "")


def conditions(
    pod: Obj, statuses: Mapping[str, Obj], phase: str, *, sandbox_ready: bool, initialized: bool,
    why_no_sandbox: Verdict | None, now: str, resize_problem: Problem | None = None,
) -> list[Obj]:  # fmt: skip
    """The conditions that the kubelet owns, in the order in which it writes them."""
    containers = _containers_ready(pod, statuses, phase)
    sandbox = TRUE if sandbox_ready else why_no_sandbox or (False, "", "")
    verdicts: dict[str, Verdict] = {
        "PodReadyToStartContainers": sandbox,
        "Initialized": _initialized(pod, statuses, phase, initialized),
        "Ready": _ready(pod, containers),
        "ContainersReady": containers,
        "PodScheduled": TRUE,
    }
    if resize_problem is not None:
        verdicts = {resize_problem[0]: (True, *resize_problem[1:]), **verdicts}
    previous = {c["type"]: c for c in pod.get("status", {}).get("conditions") or ()}
    generation = pod["metadata"].get("generation")
    return [
        _condition(type_, verdict, previous.get(type_), generation, now) for type_, verdict in verdicts.items()
    ]


def _condition(type_: str, verdict: Verdict, previous: Obj | None, generation: int | None, now: str) -> Obj:
    holds, reason, message = verdict
    status = "True" if holds else "False"
    unchanged = previous is not None and previous.get("status") == status
    condition: Obj = {
        "type": type_,
        "status": status,
        "lastTransitionTime": previous["lastTransitionTime"] if previous is not None and unchanged else now,
    }
    if generation is not None:
        condition["observedGeneration"] = generation
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition


def _containers_ready(pod: Obj, statuses: Mapping[str, Obj], phase: str) -> Verdict:
    if phase == "Succeeded":
        return False, "PodCompleted", ""
    if phase == "Failed":
        return False, "PodFailed", ""
    watched = [c["name"] for c in init_containers(pod) if is_sidecar(c)]
    watched += [c["name"] for c in main_containers(pod)]
    unknown = [name for name in watched if name not in statuses]
    unready = [name for name in watched if name in statuses and not statuses[name]["ready"]]
    return _missing("ContainersNotReady", "unready", unknown, unready)


def _initialized(pod: Obj, statuses: Mapping[str, Obj], phase: str, initialized: bool) -> Verdict:
    if phase == "Succeeded":
        return True, "PodCompleted", ""
    if initialized:
        return TRUE
    unknown, incomplete = [], []
    for container in init_containers(pod):
        status = statuses.get(container["name"])
        if status is None:
            unknown.append(container["name"])
        elif not status.get("started" if is_sidecar(container) else "ready"):
            incomplete.append(container["name"])
    return _missing("ContainersNotInitialized", "incomplete", unknown, incomplete)


def _ready(pod: Obj, containers: Verdict) -> Verdict:
    if not containers[0]:
        return containers
    known = {c["type"]: c for c in pod.get("status", {}).get("conditions") or ()}
    missing = []
    for gate in pod["spec"].get("readinessGates") or ():
        name = gate["conditionType"]
        if name not in known:
            missing.append(f'corresponding condition of pod readiness gate "{name}" does not exist.')
        elif known[name]["status"] != "True":
            missing.append(f'the status of pod readiness gate "{name}" is not "True", but {known[name]["status"]}')
    if missing:
        return False, "ReadinessGatesNotReady", ", ".join(missing)
    return TRUE


def _missing(reason: str, word: str, unknown: Iterable[str], lacking: Iterable[str]) -> Verdict:
    texts = []
    for kind, names in (("unknown", [*unknown]), (word, [*lacking])):
        if names:
            texts.append(f"containers with {kind} status: [{' '.join(names)}]")
    return (False, reason, ", ".join(texts)) if texts else TRUE
