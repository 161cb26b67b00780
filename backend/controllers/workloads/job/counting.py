"""Counts each pod of a Job once, whatever happens to the pod or to us.

A pod has a finalizer until it is counted. First the uid of one that has ended is written into the Job's status, then
the finalizer goes, and then the uid becomes one more in a count: at whatever point we are killed, what is stored
tells how to go on. An Indexed Job's status names the indexes that are done, which is enough for those that succeed.
Source: trackJobStatusAndRemoveFinalizers of pkg/controller/job/job_controller.go.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

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
    count_released(view, {pod["metadata"]["uid"] for pod in view.pods if rules.is_tracked(pod)})
    released: list[Obj] = []
    everything = True
    for pod in filter(rules.is_tracked, view.pods):
        if len(released) >= MAX_UNCOUNTED:
            everything = False
            break
        if _may_go(view, pod, end):
            released.append(pod)
            _note(view, pod, end)
    if rules.is_indexed(view.job):
        _put(view.status, "succeeded", len(view.done))
        _put(view.status, "completedIndexes", str(view.done))
        if view.lost is not None:
            view.status["failedIndexes"] = str(view.lost)
    _put(view.status, "active", len(view.active))
    view.status["ready"] = view.ready
    view.status["terminating"] = view.terminating
    return released, everything


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


def _note(view: View, pod: Obj, end: End | None) -> None:
    uid, uncounted = pod["metadata"]["uid"], view.status["uncountedTerminatedPods"]
    failed = uncounted.get("failed") or []
    if uid in failed:
        return
    if rules.has_succeeded(pod):
        succeeded = uncounted.get("succeeded") or []
        if not rules.is_indexed(view.job) and uid not in succeeded:
            uncounted["succeeded"] = [*succeeded, uid]
        return
    lost_with_job = end is not None and end.failed
    over = rules.has_failed(pod, view.job) or lost_with_job
    if over and rules.counts_for(pod, view.job) and judge(view.job, pod).counts:
        uncounted["failed"] = [*failed, uid]


def _put(status: Obj, field: str, value: int | str) -> None:
    """As kube-apiserver shows it: nothing for zero."""
    if value:
        status[field] = value
    else:
        status.pop(field, None)
