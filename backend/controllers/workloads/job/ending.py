"""Whether a Job comes to its end, and which. Source: syncJob of pkg/controller/job/job_controller.go.

First a condition says what the end will be (FailureTarget, SuccessCriteriaMet); once all pods have ended and are
counted, another says that it is (Failed, Complete).
"""

from __future__ import annotations

from typing import NamedTuple

from backend.controllers.workloads.job import rules, success_policy
from backend.controllers.workloads.job.failure_policy import judge
from backend.controllers.workloads.job.view import View
from backend.controllers.workloads.pods import condition
from backend.meta.types import Obj

_FAILED = ("FailureTarget", "Failed")
_SUCCEEDED = ("SuccessCriteriaMet", "Complete")


class End(NamedTuple):
    target: str
    kind: str
    reason: str
    message: str

    @property
    def failed(self) -> bool:
        return self.kind == "Failed"


ALL_DONE = End(*_SUCCEEDED, "CompletionsReached", "Reached expected number of succeeded pods")


def end_of(view: View) -> End | None:
    """None for a Job that goes on, or that is complete (see View.is_complete)."""
    job = view.job
    for kinds in (_SUCCEEDED, _FAILED):
        if rules.has(job, kinds[0]):
            decided = condition(job, kinds[0]) or {}
            return End(*kinds, decided.get("reason", ""), decided.get("message", ""))
    return _policy_failure(view) or _limit_failure(view) or _index_failure(view) or _early_success(view)


def _failure(reason: str, message: str) -> End:
    return End(*_FAILED, reason, message)


def _policy_failure(view: View) -> End | None:
    if view.job["spec"].get("podFailurePolicy") is None:
        return None
    for pod in view.pods:
        if rules.has_failed(pod, view.job):
            verdict = judge(view.job, pod)
            if verdict.action == "FailJob":
                return _failure("PodFailurePolicy", verdict.message)
    return None


def _limit_failure(view: View) -> End | None:
    if view.failed > view.job["spec"]["backoffLimit"] or rules.exceeds_restarts(view.job, view.pods):
        return _failure("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    left = rules.deadline_in(view.job, view.status, view.now)
    if left is not None and left <= 0:
        return _failure("DeadlineExceeded", "Job was active longer than specified deadline")
    return None


def _index_failure(view: View) -> End | None:
    if not view.lost:
        return None
    spec = view.job["spec"]
    if spec.get("maxFailedIndexes") is not None and len(view.lost) > spec["maxFailedIndexes"]:
        text = "Job has exceeded the specified maximal number of failed indexes"
        return _failure("MaxFailedIndexesExceeded", text)
    if len(view.lost) + len(view.done) >= spec["completions"]:
        return _failure("FailedIndexes", "Job has failed indexes")
    return None


def _early_success(view: View) -> End | None:
    if not rules.is_indexed(view.job):
        return None
    message = success_policy.met_by(view.job, view.done)
    return End(*_SUCCEEDED, "SuccessPolicy", message) if message else None


def target_condition(end: End, now: float) -> Obj:
    return rules.new_condition(end.target, "True", end.reason, end.message, now)


def final_condition(end: End, now: float) -> Obj:
    return rules.new_condition(end.kind, "True", end.reason, end.message, now)
