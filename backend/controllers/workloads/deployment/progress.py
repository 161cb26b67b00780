"""The status of a Deployment: its counters, and how far its rollout is.

Source: pkg/controller/deployment/{progress,sync}.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.controllers.workloads.deployment import replica_sets as rules
from backend.controllers.workloads.pods import condition
from backend.meta import timefmt
from backend.meta.types import Obj

AVAILABLE = "NewReplicaSetAvailable"
EXCEEDED = "ProgressDeadlineExceeded"
_NO_DEADLINE = 2**31 - 1


def deadline(deployment: Obj) -> int | None:
    """Seconds in which a rollout has to progress; None: it may take for ever."""
    seconds = deployment["spec"].get("progressDeadlineSeconds")
    return None if seconds in (None, _NO_DEADLINE) else int(seconds)


def is_complete(deployment: Obj, status: Obj) -> bool:
    wanted = rules.desired(deployment)
    counts = [status.get(field, 0) for field in ("updatedReplicas", "replicas", "availableReplicas")]
    observed = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    return observed and counts == [wanted] * 3


def counters(deployment: Obj, replica_sets: Sequence[Obj], new: Obj | None, now: str) -> Obj:
    """The new status, but for the condition Progressing, which is the old one."""
    old = deployment.get("status") or {}
    available = rules.counted(replica_sets, "availableReplicas")
    counts = {
        "replicas": rules.counted(replica_sets, "replicas"),
        "updatedReplicas": rules.count(new, "replicas") if new is not None else 0,
        "readyReplicas": rules.counted(replica_sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, rules.total(replica_sets) - available),
    }
    status: Obj = {name: value for name, value in counts.items() if value}
    status["terminatingReplicas"] = rules.counted(replica_sets, "terminatingReplicas")
    status["observedGeneration"] = deployment["metadata"].get("generation", 0)
    if "collisionCount" in old:
        status["collisionCount"] = old["collisionCount"]
    status["conditions"] = old.get("conditions") or []
    if available >= rules.desired(deployment) - rules.max_unavailable(deployment):
        minimum = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        minimum = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    set_condition(status, "Available", *minimum, now=now)
    return status


def set_condition(status: Obj, kind: str, state: str, reason: str, message: str, *, now: str) -> None:
    """In place of the old one of this type, unless it says the same. Source: SetDeploymentCondition."""
    old = condition({"status": status}, kind)
    if old is not None and (old["status"], old["reason"]) == (state, reason):
        return
    since = old["lastTransitionTime"] if old is not None and old["status"] == state else now
    fresh = {
        "type": kind, "status": state, "reason": reason, "message": message, "lastUpdateTime": now,
        "lastTransitionTime": since,
    }  # fmt: skip
    status["conditions"] = [*(c for c in status["conditions"] if c["type"] != kind), fresh]


def drop_condition(status: Obj, kind: str) -> None:
    status["conditions"] = [entry for entry in status["conditions"] if entry["type"] != kind]


def report(deployment: Obj, status: Obj, replica_sets: Sequence[Obj], new: Obj | None, now: float) -> None:
    """Say in `status`, in place, how far the rollout is, and what stands in its way. Source: syncRolloutStatus."""
    if deadline(deployment) is None:
        drop_condition(status, "Progressing")
    current = condition({"status": status}, "Progressing")
    done = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if deadline(deployment) is not None and not (done and current is not None and current["reason"] == AVAILABLE):
        _report_progress(deployment, status, new, current, now)
    failure = _failure(replica_sets, new)
    if failure is None:
        drop_condition(status, "ReplicaFailure")
    else:
        text = timefmt.format_time(now)
        set_condition(status, "ReplicaFailure", failure["status"], failure["reason"], failure["message"], now=text)


def _report_progress(deployment: Obj, status: Obj, new: Obj | None, current: Obj | None, now: float) -> None:
    kind, subject = ("Deployment", deployment) if new is None else ("ReplicaSet", new)
    who, text = f'{kind} "{subject["metadata"]["name"]}"', timefmt.format_time(now)
    if is_complete(deployment, status):
        set_condition(status, "Progressing", "True", AVAILABLE, f"{who} has successfully progressed.", now=text)
    elif _has_progressed(deployment, status):
        since = text
        if current is not None:
            # The same reason again, with a new time: the deadline counts from the last progress.
            since = current["lastTransitionTime"] if current["status"] == "True" else text
            drop_condition(status, "Progressing")
        set_condition(status, "Progressing", "True", "ReplicaSetUpdated", f"{who} is progressing.", now=text)
        status["conditions"][-1]["lastTransitionTime"] = since
    elif has_timed_out(deployment, current, now):
        set_condition(status, "Progressing", "False", EXCEEDED, f"{who} has timed out progressing.", now=text)


def _has_progressed(deployment: Obj, status: Obj) -> bool:
    old = deployment.get("status") or {}

    def outdated(counts: Obj) -> int:
        return int(counts.get("replicas", 0)) - int(counts.get("updatedReplicas", 0))

    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return outdated(status) < outdated(old) or any(status.get(name, 0) > old.get(name, 0) for name in grown)


def has_timed_out(deployment: Obj, current: Obj | None, now: float) -> bool:
    seconds = deadline(deployment)
    if current is None or seconds is None or current["reason"] == AVAILABLE:
        return False
    return current["reason"] == EXCEEDED or timefmt.parse(current["lastUpdateTime"]) + seconds < now


def look_again_in(deployment: Obj, status: Obj, now: float) -> float | None:
    """Seconds until a rollout that does not progress is over its deadline. Source: requeueStuckDeployment."""
    current, seconds = condition({"status": status}, "Progressing"), deadline(deployment)
    if current is None or seconds is None or is_complete(deployment, status):
        return None
    if current["reason"] in (EXCEEDED, AVAILABLE):
        return None  # A rollout that was complete has no deadline any more, whatever becomes of its pods.
    return max(0.0, timefmt.parse(current["lastUpdateTime"]) + seconds - now) + 1


def _failure(replica_sets: Sequence[Obj], new: Obj | None) -> Obj | None:
    """Why a ReplicaSet cannot make pods; the new one's reason comes first."""
    for replica_set in [*([new] if new is not None else []), *replica_sets]:
        found = condition(replica_set, "ReplicaFailure")
        if found is not None:
            return found
    return None
