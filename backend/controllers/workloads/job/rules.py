"""What a Job asks for, and what its pods are to it.

Source: pkg/controller/job/{job_controller,indexed_job_utils}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backend.controllers.workloads.pods import condition
from backend.meta import timefmt
from backend.meta.types import Obj

FINALIZER = "batch.kubernetes.io/job-tracking"
"""Holds a pod that has not been counted yet."""
INDEX = "batch.kubernetes.io/job-completion-index"
MANAGER = "kubernetes.io/job-controller"
_NO_INDEX = -1


def is_managed_elsewhere(job: Obj) -> bool:
    return job["spec"].get("managedBy") not in (None, MANAGER)


def has(job: Obj, kind: str) -> bool:
    """Whether the Job has a condition that is true."""
    found = condition(job, kind)
    return found is not None and found.get("status") == "True"


def is_finished(job: Obj) -> bool:
    return has(job, "Complete") or has(job, "Failed")


def is_suspended(job: Obj) -> bool:
    return bool(job["spec"].get("suspend"))


def is_indexed(job: Obj) -> bool:
    return bool(job["spec"].get("completionMode") == "Indexed")


def is_limited_per_index(job: Obj) -> bool:
    return job["spec"].get("backoffLimitPerIndex") is not None


def replaces_only_failed(job: Obj) -> bool:
    """Whether a pod on its way out is waited for before another takes its place."""
    spec = job["spec"]
    return spec.get("podReplacementPolicy") == "Failed" or spec.get("podFailurePolicy") is not None


def is_tracked(pod: Obj) -> bool:
    return FINALIZER in (pod["metadata"].get("finalizers") or ())


def has_succeeded(pod: Obj) -> bool:
    return bool((pod.get("status") or {}).get("phase") == "Succeeded")


def has_failed(pod: Obj, job: Obj) -> bool:
    """A deleted pod has failed too, since nobody may be left to say so, unless the Job waits for its end."""
    phase = (pod.get("status") or {}).get("phase")
    if phase == "Failed" or replaces_only_failed(job):
        return bool(phase == "Failed")
    return phase != "Succeeded" and bool(pod["metadata"].get("deletionTimestamp"))


def index_of(pod: Obj) -> int:
    """The pod's completion index; negative if it has none."""
    text = (pod["metadata"].get("annotations") or {}).get(INDEX, "")
    return int(text) if text.isascii() and text.isdecimal() else _NO_INDEX


def counts_for(pod: Obj, job: Obj) -> bool:
    """Whether an Indexed Job has the pod's index; a pod of another Job always counts."""
    return not is_indexed(job) or 0 <= index_of(pod) < job["spec"]["completions"]


def exceeds_restarts(job: Obj, pods: Iterable[Obj]) -> bool:
    """Whether containers that are restarted in place have failed too often. Source: pastBackoffLimitOnFailure."""
    if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    statuses = [pod.get("status") or {} for pod in pods]
    restarts = sum(
        container.get("restartCount", 0)
        for status in statuses
        if status.get("phase") in ("Running", "Pending")
        for field in ("initContainerStatuses", "containerStatuses")
        for container in status.get(field) or ()
    )
    limit = job["spec"]["backoffLimit"]
    return bool(restarts >= limit if limit else restarts > 0)


def deadline_in(job: Obj, status: Obj, now: float) -> float | None:
    """Seconds until the Job has been active for too long, negative if it has; None if that cannot be."""
    seconds, start = job["spec"].get("activeDeadlineSeconds"), status.get("startTime")
    if seconds is None or not start or is_suspended(job):
        return None
    return timefmt.parse(start) + float(seconds) - now


def new_condition(kind: str, status: str, reason: str, message: str, now: float) -> Obj:
    moment = timefmt.format_time(now)
    return {
        "type": kind, "status": status, "lastProbeTime": moment, "lastTransitionTime": moment,
        "reason": reason, "message": message,
    }  # fmt: skip


def with_condition(conditions: Sequence[Obj], new: Obj) -> list[Obj] | None:
    """The conditions with the new one in its place; None if it says nothing new. One that is false is not added, as
    it says what everybody assumes. Source: ensureJobConditionStatus."""
    fields = ("status", "reason", "message")
    for at, present in enumerate(conditions):
        if present["type"] == new["type"]:
            if all(present.get(field, "") == new[field] for field in fields):
                return None
            return [*conditions[:at], new, *conditions[at + 1 :]]
    return None if new["status"] == "False" else [*conditions, new]
