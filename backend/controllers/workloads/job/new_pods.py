"""The pods of a Job, before they are made. Source: manageJob; addCompletionIndex* of indexed_job_utils.go."""

from __future__ import annotations

from backend.controllers.workloads.job import per_index, rules
from backend.controllers.workloads.pods import pod_from
from backend.meta.types import Obj

_VARIABLE = "JOB_COMPLETION_INDEX"
_LONGEST_PREFIX = 58
"""With five random characters that is as long as a label may be. Source: MaxGeneratedNameLength."""


def new_pod(job: Obj, index: int | None = None, replaced: Obj | None = None) -> Obj:
    """For an index of an Indexed Job in the place of the pod that failed there, if one did."""
    pod = pod_from(job["spec"]["template"], job)
    meta = pod["metadata"]
    meta["finalizers"] = list(dict.fromkeys([*meta.get("finalizers", ()), rules.FINALIZER]))
    if index is None:
        return pod
    name = job["metadata"]["name"]
    meta["generateName"] = _prefix(name, index)
    meta["annotations"] = {**meta.get("annotations", {}), rules.INDEX: str(index)}
    meta["labels"] = {**meta.get("labels", {}), rules.INDEX: str(index)}
    if rules.is_limited_per_index(job):
        meta["annotations"].update(per_index.failure_counts(job, replaced))
    pod["spec"]["hostname"] = f"{name}-{index}"
    for kind in ("initContainers", "containers"):
        for container in pod["spec"].get(kind) or ():
            _add_variable(container)
    return pod


def _add_variable(container: Obj) -> None:
    """Unless the container has one of that name."""
    env = container.get("env") or []
    if all(variable["name"] != _VARIABLE for variable in env):
        field = {"fieldRef": {"fieldPath": f"metadata.labels['{rules.INDEX}']"}}
        container["env"] = [*env, {"name": _VARIABLE, "valueFrom": field}]


def _prefix(name: str, index: int) -> str:
    end = f"-{index}-"
    return f"{name[: _LONGEST_PREFIX - len(end)]}{end}"
