"""Counts each pod of a Job once, whatever happens to the pod or to us.

A pod has a finalizer until it is counted. First the uid of one that has ended is written into the Job's status, then
the finalizer goes, and then the uid becomes one more in a count: at whatever point we are killed, what is stored
tells how to go on. An Indexed Job's status names the indexes that are done, which is enough for those that succeed.
Source: trackJobStatusAndRemoveFinalizers of pkg/controller/job/job_controller.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from backend.controllers.workloads.job import rules
from backend.controllers.workloads.job.ending import End
from backend.controllers.workloads.job.failure_policy import judge
from backend.controllers.workloads.job.view import View
from backend.meta.types import Obj

MAX_UNCOUNTED = 500
"""So that the uids in a status stay below 20 KB. Source: MaxUncountedPods."""


def note_ended(view: View, end: End | None) -> tuple[list[Obj], bool]:
    """Write into the view's status what has ended and is not counted. Returns the pods to be let go of, and whether
    that is all of them."""
    tracked = [pod for pod in view.pods if rules.is_tracked(pod)]
    count_released(view, {pod["metadata"]["uid"] for pod in tracked})
    released = [pod for pod in tracked if _may_go(view, pod, end)]
    noted = released[:MAX_UNCOUNTED]
    _note(view, noted, end)
    if rules.is_indexed(view.job):
        _put(view.status, "succeeded", len(view.done))
        _put(view.status, "completedIndexes", str(view.done))
        if view.lost is not None:
            view.status["failedIndexes"] = str(view.lost)
    _put(view.status, "active", len(view.active))
    view.status["ready"] = view.ready
    view.status["terminating"] = view.terminating
    return noted, len(noted) == len(released)


def count_released(view: View, tracked: Collection[str]) -> None:
    """Make numbers of the uids that are not `tracked` any more. Source: cleanUncountedPodsWithoutFinalizers."""
    uncounted: dict[str, Sequence[str]] = view.status["uncountedTerminatedPods"]
    for field in ("succeeded", "failed"):
        known = uncounted.get(field) or []
        left = [uid for uid in known if uid in tracked]
        if len(left) < len(known):
            view.status[field] = view.status.get(field, 0) + len(known) - len(left)
            uncounted = {**uncounted, field: left}
    view.status["uncountedTerminatedPods"] = {field: uids for field, uids in uncounted.items() if uids}


def _may_go(view: View, pod: Obj, end: End | None) -> bool:
    """Source: canRemoveFinalizer."""
    if view.job["metadata"].get("deletionTimestamp") or end is not None or rules.has_succeeded(pod):
        return True
    return rules.has_failed(pod, view.job) and view.waiting.get(rules.index_of(pod)) is not pod


def _note(view: View, ended: Iterable[Obj], end: End | None) -> None:
    """Add the uids of those that are not in the status yet, nor among the indexes that are done."""
    uncounted, job = view.status["uncountedTerminatedPods"], view.job
    failed = dict.fromkeys(uncounted.get("failed") or ())
    succeeded = dict.fromkeys(uncounted.get("succeeded") or ())
    lost_with_job = end is not None and end.failed
    for pod in ended:
        uid = pod["metadata"]["uid"]
        if uid in failed:
            continue
        if rules.has_succeeded(pod):
            if not rules.is_indexed(job):
                succeeded[uid] = None
            continue
        over = lost_with_job or rules.has_failed(pod, job)
        if over and rules.counts_for(pod, job) and judge(job, pod).counts:
            failed[uid] = None
    lists = {"succeeded": list(succeeded), "failed": list(failed)}
    view.status["uncountedTerminatedPods"] = {field: uids for field, uids in lists.items() if uids}


def _put(status: Obj, field: str, value: int | str) -> None:
    """As kube-apiserver shows it: nothing for zero."""
    if value:
        status[field] = value
    else:
        status.pop(field, None)
