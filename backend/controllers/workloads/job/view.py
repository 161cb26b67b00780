"""A Job and its pods at one moment: who is active, what has ended, and what that makes of the counts.

Source: syncJob of pkg/controller/job/job_controller.go, up to where it acts.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

from backend.controllers.workloads import pods as pod_rules
from backend.controllers.workloads.job import per_index, rules
from backend.controllers.workloads.job.backoff import Failures
from backend.controllers.workloads.job.failure_policy import judge
from backend.controllers.workloads.job.indexes import Indexes
from backend.meta import timefmt
from backend.meta.types import Obj


class View:
    """Nothing of `job` or `pods` is changed; `status` is what will become the Job's."""

    def __init__(self, job: Obj, pods: Iterable[Obj], known: Failures | None, now: float) -> None:
        """`known` are the failures up to the last time, None if nobody remembers."""
        self.job = job
        self.now = now
        self.news = ""
        """Of the Job's suspension: "suspended" or "resumed"."""
        self.pods = sorted(pods, key=rules.index_of) if rules.is_indexed(job) else list(pods)
        self.status: Obj = {"uncountedTerminatedPods": {}, **copy.deepcopy(job.get("status") or {})}
        self._start()
        self.active = [pod for pod in self.pods if pod_rules.is_active(pod)]
        self.ready = sum(map(pod_rules.is_ready, self.active))
        self.terminating = sum(map(pod_rules.is_terminating, self.pods))
        succeeded, failed = self._newly_ended()
        self.failures = self._failures(known, succeeded, failed)
        self.failed = self._count("failed") + sum(judge(job, pod).counts for pod in failed)
        self.succeeded = self._count("succeeded") + len(succeeded)
        self.done = Indexes()
        self.lost: Indexes | None = None
        """The failed indexes, of a Job with a limit for each."""
        self.waiting: dict[int, Obj] = {}
        """Failed pods that wait for one in their place, by index: its failures go on from theirs."""
        if rules.is_indexed(job):
            self._look_at_indexes()

    def _start(self) -> None:
        """A Job that is resumed starts anew, so that the time in which it could not run is not held against it."""
        if rules.is_suspended(self.job):
            return
        resumes = rules.has(self.job, "Suspended")
        if resumes:
            self.note_suspension()
        if resumes or not self.status.get("startTime"):
            self.status["startTime"] = timefmt.format_time(self.now)

    def note_suspension(self) -> None:
        """Say in the status whether the Job is suspended, as far as that is news."""
        what, status = ("suspended", "True") if rules.is_suspended(self.job) else ("resumed", "False")
        new = rules.new_condition("Suspended", status, f"Job{what.capitalize()}", f"Job {what}", self.now)
        conditions = rules.with_condition(self.status.get("conditions") or (), new)
        if conditions is not None:
            self.status["conditions"] = conditions
            self.news = what

    @property
    def missing(self) -> int:
        """How many pods are too few, or, if negative, too many. Source: manageJob."""
        spec = self.job["spec"]
        if rules.is_suspended(self.job):
            return -len(self.active)
        wanted = int(spec["parallelism"])
        if spec.get("completions") is not None:
            wanted = max(0, min(wanted, spec["completions"] - self.succeeded))
        elif self.succeeded:
            wanted = len(self.active)
        lacking = wanted - len(self.active)
        if lacking > 0 and rules.replaces_only_failed(self.job):
            lacking = max(0, lacking - self.terminating)
        return lacking

    def is_complete(self, active: int) -> bool:
        """Whether all that was asked for has succeeded; without a number of completions that is one success."""
        wanted = self.job["spec"].get("completions")
        return active == 0 and (self.succeeded > 0 if wanted is None else self.succeeded >= wanted)

    def pending_indexes(self) -> Iterable[int]:
        """Those that nobody has done, does, or has failed for good; the lowest come first."""
        taken = self.done | Indexes.of(_indexes(self.active))
        if rules.replaces_only_failed(self.job):
            taken |= Indexes.of(_indexes(filter(pod_rules.is_terminating, self.pods)))
        if self.lost is not None:
            taken |= self.lost
        return taken.missing(self.job["spec"]["completions"])

    def _count(self, field: str) -> int:
        uncounted = self.status["uncountedTerminatedPods"].get(field) or ()
        return int(self.status.get(field, 0)) + len(uncounted)

    def _newly_ended(self) -> tuple[list[Obj], list[Obj]]:
        """The pods that have succeeded, and those that have failed, and that the status knows nothing of."""
        uncounted = self.status["uncountedTerminatedPods"]
        known = {field: set(uncounted.get(field) or ()) for field in ("succeeded", "failed")}
        tracked = [pod for pod in self.pods if rules.is_tracked(pod) and rules.counts_for(pod, self.job)]
        return (
            [pod for pod in tracked if rules.has_succeeded(pod) and _uid(pod) not in known["succeeded"]],
            [pod for pod in tracked if rules.has_failed(pod, self.job) and _uid(pod) not in known["failed"]],
        )

    def _failures(self, known: Failures | None, succeeded: Sequence[Obj], failed: Sequence[Obj]) -> Failures:
        if known is not None:
            return known.and_then(succeeded, failed)
        everything = [pod for pod in self.pods if rules.counts_for(pod, self.job)]
        return Failures().and_then(
            [pod for pod in everything if rules.has_succeeded(pod)],
            [pod for pod in everything if rules.has_failed(pod, self.job)],
        )

    def _look_at_indexes(self) -> None:
        spec = self.job["spec"]
        tracked = [pod for pod in self.pods if rules.is_tracked(pod) and rules.counts_for(pod, self.job)]
        self.done = Indexes.parse(self.status.get("completedIndexes", ""), spec["completions"])
        self.done |= Indexes.of(rules.index_of(pod) for pod in tracked if rules.has_succeeded(pod))
        self.succeeded = len(self.done)
        if rules.is_limited_per_index(self.job):
            lost = Indexes.parse(self.status.get("failedIndexes") or "", spec["completions"])
            failed = (rules.index_of(pod) for pod in tracked if per_index.has_failed_for_good(pod, self.job))
            self.lost = lost | Indexes.of(failed)
            over = self.done | self.lost | Indexes.of(_indexes(self.active))
            self.waiting = per_index.waiting(tracked, self.job, over)


def _uid(pod: Obj) -> str:
    uid: str = pod["metadata"]["uid"]
    return uid


def _indexes(pods: Iterable[Obj]) -> Iterable[int]:
    return (index for index in map(rules.index_of, pods) if index >= 0)
