"""What a Job's podFailurePolicy says of a failed pod. Source: pkg/controller/job/pod_failure_policy.go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from backend.meta.types import Obj


class Verdict(NamedTuple):
    action: str
    """Ignore, Count, FailIndex or FailJob; "" where no rule says anything."""
    message: str
    """Why the Job fails, for FailJob."""

    @property
    def counts(self) -> bool:
        """Whether the failure is one of those that the backoff limits allow."""
        return self.action != "Ignore"


_NO_RULE = Verdict("", "")


def judge(job: Obj, pod: Obj) -> Verdict:
    """By the first rule that matches."""
    for index, rule in enumerate((job["spec"].get("podFailurePolicy") or {}).get("rules") or ()):
        why = _matches(rule, pod)
        if why:
            return Verdict(rule["action"], f"{why} matching {rule['action']} rule at index {index}")
    return _NO_RULE


def _matches(rule: Obj, pod: Obj) -> str:
    """What of the pod the rule matched; "" for nothing."""
    status, meta = pod.get("status") or {}, pod["metadata"]
    name = f"{meta['namespace']}/{meta['name']}"
    codes = rule.get("onExitCodes")
    if codes is not None:
        statuses = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
        failed = _matching_container(codes, statuses)
        if failed is None:
            return ""
        code = failed["state"]["terminated"]["exitCode"]
        return f"Container {failed['name']} for pod {name} failed with exit code {code}"
    patterns = {(pattern["type"], pattern["status"]) for pattern in rule.get("onPodConditions") or ()}
    for condition in status.get("conditions") or ():
        if (condition.get("type"), condition.get("status")) in patterns:
            return f"Pod {name} has condition {condition['type']}"
    return ""


def _matching_container(codes: Obj, statuses: Iterable[Obj]) -> Obj | None:
    name, values, among = codes.get("containerName"), codes.get("values") or (), codes["operator"] == "In"
    for status in statuses:
        ended = (status.get("state") or {}).get("terminated")
        if ended is None or name not in (None, status["name"]):
            continue
        code = ended.get("exitCode", 0)
        if code != 0 and (code in values) == among:
            return status
    return None
