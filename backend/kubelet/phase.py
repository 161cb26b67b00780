"""A pod's phase, from what its containers' statuses say. Source: pkg/kubelet/kubelet_pods.go getPhase."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from backend.kubelet.podspec import init_containers, is_sidecar, main_containers, restart_policy
from backend.meta.types import Obj


def phase(pod: Obj, statuses: Mapping[str, Obj], *, over: bool, initialized: bool) -> str:
    """`statuses` by container name. `over`: nothing of the pod runs or will run again, whatever the restart policy
    says. `initialized`: a main container ran, so that a restarting sidecar does not make the pod Pending again."""
    pending, failed = _plain_init(pod, statuses)
    if failed and restart_policy(pod) == "Never":
        return "Failed"
    count, pending_sidecars = _running_kinds(pod, statuses)
    if pending or failed or (pending_sidecars and not initialized) or count["waiting"]:
        return "Pending"
    if count["unknown"]:
        return "Pending"
    if count["running"]:
        return "Running"
    if not count["stopped"]:
        return "Pending"
    succeeded = count["stopped"] == count["succeeded"]
    if over:
        return "Succeeded" if succeeded else "Failed"
    if restart_policy(pod) == "Always":
        return "Running"
    if succeeded:
        return "Succeeded"
    return "Failed" if restart_policy(pod) == "Never" else "Running"


def _plain_init(pod: Obj, statuses: Mapping[str, Obj]) -> tuple[int, int]:
    """How many init containers (sidecars aside) are pending and how many failed."""
    pending = failed = 0
    for container in init_containers(pod):
        if is_sidecar(container):
            continue
        ended = _ended(statuses.get(container["name"]))
        if ended is None:
            pending += 1
        elif ended["exitCode"] != 0:
            failed += 1
    return pending, failed


def _running_kinds(pod: Obj, statuses: Mapping[str, Obj]) -> tuple[Counter[str], int]:
    count: Counter[str] = Counter()
    pending_sidecars = 0
    for container in init_containers(pod):
        if not is_sidecar(container):
            continue
        status = statuses.get(container["name"])
        state = (status or {}).get("state") or {}
        if "running" in state:
            count["running"] += 1
            pending_sidecars += not (status or {}).get("started")
        elif _ended(status) is None:
            count["waiting" if state else "unknown"] += 1
            pending_sidecars += 1
    for container in main_containers(pod):
        status = statuses.get(container["name"])
        ended = _ended(status)
        if ended is not None:
            count["stopped"] += 1
            count["succeeded"] += "terminated" in (status or {})["state"] and ended["exitCode"] == 0
        else:
            state = (status or {}).get("state") or {}
            count["running" if "running" in state else "waiting" if "waiting" in state else "unknown"] += 1
    return count, pending_sidecars


def _ended(status: Obj | None) -> Obj | None:
    """How the container ended, if it did and does not run now; one that waits for a restart counts as ended."""
    state = (status or {}).get("state") or {}
    if "terminated" in state:
        ended: Obj = state["terminated"]
        return ended
    if "waiting" in state:
        last: Obj | None = ((status or {}).get("lastState") or {}).get("terminated")
        return last
    return None
