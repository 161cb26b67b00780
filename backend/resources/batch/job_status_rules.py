"""What a Job's status may say, which keeps the one who counts its pods honest.

Source: validateJobStatus, ValidateJobStatusUpdate, and the options of jobStatusStrategy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backend.meta import causes, timefmt
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.batch.job_indexes import parse_indexes
from backend.resources.core.pod_table import has_condition

_COUNTS = ("active", "succeeded", "failed", "ready", "terminating")
_CONDITIONS = "status.conditions"


def validate_status_update(job: Obj, old: Obj) -> Sequence[Cause]:
    status, before = job.get("status") or {}, old.get("status") or {}
    found: list[Cause] = []
    for field in _COUNTS:
        found += causes.nonnegative(f"status.{field}", status.get(field))
    found += _validate_uncounted(status.get("uncountedTerminatedPods") or {})
    found += [causes.invalid_as_whole(_CONDITIONS, text) for text in _contradictions(job, status)]
    found += _validate_times(status)
    found += _validate_finished(status)
    found += _validate_indexes(job["spec"], status)
    if status.get("ready", 0) > status.get("active", 0):
        detail = "cannot set more ready pods than active"
        found.append(causes.invalid_value("status.ready", status["ready"], detail))
    return found + _validate_history(job, status, before)


def _validate_uncounted(uncounted: Obj) -> list[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for field in ("succeeded", "failed"):
        for index, uid in enumerate(uncounted.get(field) or ()):
            path = f"status.uncountedTerminatedPods.{field}[{index}]"
            if not uid:
                found.append(causes.invalid_value(path, uid, "must not be empty"))
            elif uid in seen:
                found.append(causes.duplicate(path, uid))
            seen.add(uid)
    return found


def _contradictions(job: Obj, status: Obj) -> Iterator[str]:
    complete, failed = has_condition(status, "Complete"), has_condition(status, "Failed")
    target, criteria = has_condition(status, "FailureTarget"), has_condition(status, "SuccessCriteriaMet")
    if complete and failed:
        yield "cannot set Complete=True and Failed=true conditions"
    if complete and target:
        yield "cannot set Complete=True and FailureTarget=true conditions"
    if failed and not target:
        yield "cannot set Failed=True condition without the FailureTarget=true condition"
    if complete and not criteria:
        yield "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"
    if criteria and failed:
        yield "cannot set SuccessCriteriaMet=True and Failed=true conditions"
    if criteria and target:
        yield "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"
    if job["spec"].get("successPolicy") is not None and complete and not criteria:
        yield "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"


def _validate_times(status: Obj) -> list[Cause]:
    start, end, complete = status.get("startTime"), status.get("completionTime"), has_condition(status, "Complete")
    path = "status.completionTime"
    if end is None:
        return [causes.required(path, "completionTime is required for Complete jobs")] if complete else []
    found: list[Cause] = []
    if not complete:
        detail = "cannot set completionTime when there is no Complete=True condition"
        found.append(causes.invalid_value(path, end, detail))
    if start is not None and timefmt.parse(end) < timefmt.parse(start):
        found.append(causes.invalid_value(path, end, "completionTime cannot be set before startTime"))
    return found


def _validate_finished(status: Obj) -> list[Cause]:
    if not has_condition(status, "Complete") and not has_condition(status, "Failed"):
        return []
    found: list[Cause] = []
    uncounted = status.get("uncountedTerminatedPods") or {}
    if status.get("active"):
        found.append(
            causes.invalid_value("status.active", status["active"], "active>0 is invalid for finished job")
        )
    if status.get("startTime") is None:
        found.append(causes.required("status.startTime", "startTime is required for finished job"))
    if uncounted.get("failed") or uncounted.get("succeeded"):
        shown = causes.GoStruct(Succeeded=uncounted.get("succeeded"), Failed=uncounted.get("failed"))
        detail = "uncountedTerminatedPods needs to be empty for finished job"
        found.append(causes.invalid_value("status.uncountedTerminatedPods", shown, detail))
    if status.get("terminating"):
        detail = "terminating>0 is invalid for finished job"
        found.append(causes.invalid_value("status.terminating", status["terminating"], detail))
    return found


def _validate_indexes(spec: Obj, status: Obj) -> list[Cause]:
    completed, failed, completions = (
        status.get("completedIndexes", ""),
        status.get("failedIndexes"),
        spec.get("completions"),
    )
    per_index = spec.get("backoffLimitPerIndex") is not None
    found: list[Cause] = []
    done: list[tuple[int, int]] = []
    lost: list[tuple[int, int]] = []
    if completions is not None:
        try:
            done = parse_indexes(completed, completions)
        except ValueError as error:
            detail = f"error parsing completedIndexes: {error}"
            found.append(causes.invalid_value("status.completedIndexes", completed, detail))
        try:
            lost = parse_indexes(failed or "", completions) if per_index else []
        except ValueError as error:
            detail = f"error parsing failedIndexes: {error}"
            found.append(causes.invalid_value("status.failedIndexes", failed, detail))
    if completed and spec.get("completionMode") != "Indexed":
        detail = "cannot set non-empty completedIndexes when non-indexed completion mode"
        found.append(causes.invalid_value("status.completedIndexes", completed, detail))
    if failed is not None and not per_index:
        detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        found.append(causes.invalid_value("status.failedIndexes", failed, detail))
    both = [max(first, start) for first, last in lost for start, end in done if start <= last and first <= end]
    if both:
        detail = f"failedIndexes and completedIndexes overlap at index: {both[0]}"
        found.append(causes.invalid_value("status.failedIndexes", failed, detail))
    return found


def _validate_history(job: Obj, status: Obj, before: Obj) -> list[Cause]:
    """What has happened stays so, but for indexes that a Job has no more, and the start of one that is resumed."""
    spec = job["spec"]
    found = [
        causes.invalid_as_whole(_CONDITIONS, f"cannot disable the terminal {kind}=True condition")
        for kind in ("Failed", "Complete", "FailureTarget")
        if has_condition(before, kind) and not has_condition(status, kind)
    ]
    shrinks = spec.get("completionMode") == "Indexed" and spec.get("completions") == spec.get("parallelism")
    for field in ("failed",) if shrinks else ("failed", "succeeded"):
        if status.get(field, 0) < before.get(field, 0):
            detail = f"cannot decrease the {field} counter"
            found.append(causes.invalid_value(f"status.{field}", status.get(field, 0), detail))
    end, start = status.get("completionTime"), status.get("startTime")
    if end is not None and before.get("completionTime") not in (None, end):
        found.append(causes.invalid_value("status.completionTime", end, "completionTime cannot be mutated"))
    resumes = has_condition(before, "Suspended") and not has_condition(status, "Suspended")
    if before.get("startTime") not in (None, start) and not spec.get("suspend") and not resumes:
        found.append(causes.required("status.startTime", "startTime cannot be removed for unsuspended job"))
    met, was_met = has_condition(status, "SuccessCriteriaMet"), has_condition(before, "SuccessCriteriaMet")
    if was_met and not met:
        found.append(causes.invalid_as_whole(_CONDITIONS, "cannot disable the SuccessCriteriaMet=True condition"))
    if has_condition(before, "Complete") and met and not was_met:
        detail = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"
        found.append(causes.invalid_as_whole(_CONDITIONS, detail))
    return found
