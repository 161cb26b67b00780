"""Whether an Indexed Job has succeeded before all its indexes have. Source: pkg/controller/job/success_policy.go."""

from __future__ import annotations

from backend.controllers.workloads.job.indexes import Indexes
from backend.meta.types import Obj


def met_by(job: Obj, succeeded: Indexes) -> str:
    """The message that names the first rule which is met; "" if none is."""
    if not succeeded:
        return ""
    for number, rule in enumerate((job["spec"].get("successPolicy") or {}).get("rules") or ()):
        if _is_met(rule, succeeded, job["spec"]["completions"]):
            return f"Matched rules at index {number}"
    return ""


def _is_met(rule: Obj, succeeded: Indexes, completions: int) -> bool:
    count = rule.get("succeededCount")
    if rule.get("succeededIndexes") is None:
        return count is not None and len(succeeded) >= count
    required = Indexes.parse(rule["succeededIndexes"], completions)
    present = succeeded.common(required)
    return bool(required) and (present == len(required) or (count is not None and present >= count))
