"""Rules of batch/v1 Job.

Source: SetDefaults_Job; pkg/registry/batch/job/strategy.go; ValidateJob, ValidateJobUpdate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.label_selector import as_selector, validate_label_selector
from backend.meta.types import Obj
from backend.resources.batch.job_spec_rules import job_spec_warnings, validate_job_spec
from backend.resources.core.pod_template_spec import default_template, labels
from backend.resources.core.pod_warnings import name_warnings

_MAX_INT32 = 2**31 - 1
_NAME = "batch.kubernetes.io/job-name"
_UID = "batch.kubernetes.io/controller-uid"
_OLD_NAME = "job-name"
_OLD_UID = "controller-uid"
_IMMUTABLE = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")


def default(job: Obj) -> None:
    spec = job.setdefault("spec", {})
    template = default_template(spec)
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", 6 if spec.get("backoffLimitPerIndex") is None else _MAX_INT32)
    if labels(template) and not job["metadata"].get("labels"):
        job["metadata"]["labels"] = dict(labels(template) or {})
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("manualSelector", False)
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            pattern["status"] = pattern.get("status") or "True"
    spec.setdefault("podReplacementPolicy", "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed")
    job.setdefault("status", {})


def prepare_create(job: Obj) -> None:
    """Unless the job selects its pods itself, it gets a selector that no other has: its own uid."""
    job["status"] = {}
    spec = job["spec"]
    if spec["manualSelector"]:
        return
    meta = job["metadata"]
    template_meta = spec["template"].setdefault("metadata", {})
    given = dict(template_meta.get("labels") or {})
    for key, value in (
        (_OLD_NAME, meta["name"]),
        (_NAME, meta["name"]),
        (_OLD_UID, meta["uid"]),
        (_UID, meta["uid"]),
    ):
        # A label of the author's that says something else is left for the validation to refuse.
        given.setdefault(key, value)
    template_meta["labels"] = given
    selector = spec.get("selector") or {}
    spec["selector"] = {**selector, "matchLabels": {_UID: meta["uid"], **(selector.get("matchLabels") or {})}}


def validate(job: Obj) -> Sequence[Cause]:
    found = [*_validate_generated(job), *_validate_spec(job["spec"])]
    spec, name = job["spec"], job["metadata"].get("name", "")
    if spec["completionMode"] == "Indexed" and (spec.get("completions") or 0) > 0:
        hostname = f"{name}-{spec['completions'] - 1}"
        if names.dns1123_label(hostname):
            detail = f"will not able to create pod with invalid DNS label: {hostname}"
            found.append(causes.invalid_value("metadata.name", name, detail))
    return found


def _validate_generated(job: Obj) -> list[Cause]:
    spec, meta = job["spec"], job["metadata"]
    if spec["manualSelector"] or spec.get("selector") is None:
        return []
    expected = {_OLD_UID: meta["uid"], _OLD_NAME: meta.get("name", "")}
    expected |= {_UID: expected[_OLD_UID], _NAME: expected[_OLD_NAME]}
    found: list[Cause] = []
    for key, value in expected.items():
        found += _validate_label(labels(spec["template"]) or {}, key, value)
    try:
        if not as_selector(spec["selector"]).matches(expected):
            detail = "`selector` not auto-generated"
            found.append(causes.invalid_value("spec.selector", spec["selector"], detail))
    except ValueError:
        pass  # The fault of its operator is among the causes of the spec.
    return found


def _validate_label(present: Obj, key: str, value: str) -> list[Cause]:
    path = f"spec.template.metadata.labels[{key}]"
    if key not in present:
        return [causes.required(path, f"must be '{value}'")]
    if present[key] != value:
        return [causes.invalid_value(path, present, f"must be '{value}'")]
    return []


def _validate_spec(spec: Obj) -> list[Cause]:
    found = validate_job_spec(spec, "spec")
    selector = spec.get("selector")
    if selector is None:
        found.append(causes.required("spec.selector"))
    else:
        found += validate_label_selector(selector, "spec.selector")
    try:
        matches = as_selector(selector).matches(labels(spec["template"]))
    except ValueError:
        return found
    if not matches:
        detail = "`selector` does not match template `labels`"
        found.append(causes.invalid_value("spec.template.metadata.labels", labels(spec["template"]), detail))
    return found


def validate_update(job: Obj, old: Obj) -> Sequence[Cause]:
    spec, before = job["spec"], old["spec"]
    found = _validate_spec(spec)
    found += _validate_completions(spec, before)
    found += _kept(spec, before, "selector")
    template = _with_directives_undone(job, old)
    if template != before["template"]:
        found.append(causes.immutable("spec.template", spec["template"]))
    for field in _IMMUTABLE:
        found += _kept(spec, before, field)
    return found


def _kept(spec: Obj, before: Obj, field: str) -> list[Cause]:
    return [] if spec.get(field) == before.get(field) else [causes.immutable(f"spec.{field}", spec.get(field))]


def _validate_completions(spec: Obj, before: Obj) -> list[Cause]:
    """Only an indexed job may grow or shrink, with as many pods at once as it has indexes."""
    completions = spec.get("completions")
    if completions == before.get("completions"):
        return []
    if spec["completionMode"] != "Indexed":
        return [causes.immutable("spec.completions", completions)]
    if completions is None or completions == spec["parallelism"]:
        return []
    detail = "can only be modified in tandem with spec.parallelism"
    return [causes.invalid_value("spec.completions", completions, detail)]


def _with_directives_undone(job: Obj, old: Obj) -> Obj:
    """The new template, with the old scheduling directives if the job was suspended before it ever started."""
    template: Obj = job["spec"]["template"]
    if not old["spec"].get("suspend") or (old.get("status") or {}).get("startTime"):
        return template
    before = old["spec"]["template"]
    spec, meta = dict(template["spec"]), dict(template.get("metadata") or {})
    for field in ("nodeSelector", "tolerations", "schedulingGates"):
        _put_back(spec, before["spec"], field)
    for field in ("annotations", "labels"):
        _put_back(meta, before.get("metadata") or {}, field)
    affinity, old_affinity = dict(spec.get("affinity") or {}), before["spec"].get("affinity") or {}
    _put_back(affinity, old_affinity, "nodeAffinity")
    if affinity:
        spec["affinity"] = affinity
    else:
        _put_back(spec, before["spec"], "affinity")
    return {**template, "spec": spec, "metadata": meta}


def _put_back(target: dict[str, Any], source: Obj, field: str) -> None:
    if field in source:
        target[field] = source[field]
    else:
        target.pop(field, None)


def warnings(job: Obj, old: Obj | None) -> list[str]:
    found = name_warnings(job, "Pod names and hostnames") if old is None else []
    return found + job_spec_warnings(job["spec"], "spec")
