"""Failures that are counted for each index of a Job (backoffLimitPerIndex). The count travels in annotations, from each
failed pod to the one in its place. Source: pkg/controller/job/indexed_job_utils.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backend.controllers.workloads.job import rules
from backend.controllers.workloads.job.backoff import Failures, finish_time
from backend.controllers.workloads.job.failure_policy import judge
from backend.controllers.workloads.job.indexes import Indexes
from backend.meta.types import Obj

FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count"


def has_failed_for_good(pod: Obj, job: Obj) -> bool:
    """Whether the pod's index gets no other pod. Source: isIndexFailed."""
    if not rules.has_failed(pod, job):
        return False
    verdict = judge(job, pod)
    if verdict.action == "FailIndex":
        return True
    return verdict.counts and _number(pod, FAILURES) >= int(job["spec"]["backoffLimitPerIndex"])


def waiting(tracked: Iterable[Obj], job: Obj, over: Indexes) -> dict[int, Obj]:
    """By index, the last failed pod of each that is not `over`. They keep their finalizer, so that none goes before
    the pod in its place has its count. Source: getPodsWithDelayedDeletionPerIndex."""
    found: dict[int, Obj] = {}
    for pod in tracked:
        index = rules.index_of(pod)
        if index in over or not rules.has_failed(pod, job):
            continue
        known = found.get(index)
        if known is None or (
            _all_failures(known) <= _all_failures(pod) and finish_time(known) <= finish_time(pod)
        ):
            found[index] = pod
    return found


def wait(failed: Obj | None, now: float) -> float:
    """Seconds until the index of a failed pod may have another."""
    return Failures(_all_failures(failed) + 1, finish_time(failed)).wait(now) if failed is not None else 0.0


def failure_counts(job: Obj, replaced: Obj | None) -> Mapping[str, str]:
    """The annotations with which a new pod tells of the failures of its index. Source: getNewIndexFailureCounts."""
    if replaced is None:
        return {FAILURES: "0"}
    failures, ignored = _number(replaced, FAILURES), _number(replaced, IGNORED_FAILURES)
    if judge(job, replaced).counts:
        failures += 1
    else:
        ignored += 1
    return {FAILURES: str(failures)} | ({IGNORED_FAILURES: str(ignored)} if ignored else {})


def _all_failures(pod: Obj) -> int:
    return _number(pod, FAILURES) + _number(pod, IGNORED_FAILURES)


def _number(pod: Obj, annotation: str) -> int:
    """0 for what is no int32."""
    text = (pod["metadata"].get("annotations") or {}).get(annotation, "")
    return int(text) if text.isascii() and text.isdecimal() and int(text) < 2**31 else 0
