"""Rules of batch/v1 CronJob. Source: SetDefaults_CronJob; ValidateCronJobCreate, ValidateCronJobUpdate."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backend.meta import causes
from backend.meta.cron import parse_schedule
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.batch.job_spec_rules import job_spec_warnings, validate_job_spec
from backend.resources.core.pod_template_spec import default_template
from backend.resources.core.pod_warnings import name_warnings

_POLICIES = ("Allow", "Forbid", "Replace")
_MAX_NAME = 52
"""A job is named after it and the minute of its run, in at most 63 characters."""
_ZONE_PART = re.compile(r"(?!-)[A-Za-z._0-9+-]{1,14}").fullmatch


def default(cron_job: Obj) -> None:
    spec = cron_job.setdefault("spec", {})
    job = spec.setdefault("jobTemplate", {})
    job.setdefault("metadata", {})
    default_template(job.setdefault("spec", {}))
    for rule in (job["spec"].get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            pattern["status"] = pattern.get("status") or "True"
    if not spec.get("concurrencyPolicy"):
        spec["concurrencyPolicy"] = "Allow"
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)
    cron_job.setdefault("status", {})


def validate(cron_job: Obj) -> Sequence[Cause]:
    found = _validate_spec(cron_job["spec"], None)
    name = cron_job["metadata"].get("name", "")
    if len(name) > _MAX_NAME:
        found.append(causes.invalid_value("metadata.name", name, f"must be no more than {_MAX_NAME} characters"))
    return found


def validate_update(cron_job: Obj, old: Obj) -> Sequence[Cause]:
    return _validate_spec(cron_job["spec"], old["spec"])


def _validate_spec(spec: Obj, before: Obj | None) -> list[Cause]:
    found = _validate_schedule(spec, before)
    found += causes.nonnegative("spec.startingDeadlineSeconds", spec.get("startingDeadlineSeconds"))
    zone = spec.get("timeZone")
    if zone is not None and (before is None or before.get("timeZone") != zone):
        found += _validate_zone(zone)
    policy = spec["concurrencyPolicy"]
    if policy not in _POLICIES:
        found.append(causes.not_supported("spec.concurrencyPolicy", policy, _POLICIES))
    found += _validate_template(spec["jobTemplate"]["spec"], "spec.jobTemplate.spec")
    for field in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        found += causes.nonnegative(f"spec.{field}", spec.get(field))
    return found


def _validate_template(job: Obj, path: str) -> list[Cause]:
    found = validate_job_spec(job, path)
    if job.get("selector") is not None:
        detail = "`selector` will be auto-generated"
        found.append(causes.invalid_value(f"{path}.selector", job["selector"], detail))
    if job.get("manualSelector"):
        found.append(causes.not_supported(f"{path}.manualSelector", True, ("nil", "false")))
    return found


def _validate_schedule(spec: Obj, before: Obj | None) -> list[Cause]:
    path, schedule = "spec.schedule", spec.get("schedule", "")
    if not schedule:
        return [causes.required(path)]
    found: list[Cause] = []
    try:
        parse_schedule(schedule)
    except ValueError as error:
        found.append(causes.invalid_value(path, schedule, str(error)))
    if "TZ" not in schedule:
        return found
    if "TZ" not in (before or {}).get("schedule", ""):
        detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        found.append(causes.invalid_value(path, schedule, detail))
    elif spec.get("timeZone") is not None:
        detail = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
        found.append(causes.invalid_value(path, schedule, detail))
    return found


def _validate_zone(zone: str) -> list[Cause]:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    path, unknown = "spec.timeZone", f"unknown time zone {zone}"
    if not zone:
        return [causes.invalid_value(path, zone, "timeZone must be nil or non-empty string")]
    if any(part in (".", "..") or not _ZONE_PART(part) for part in zone.split("/")):
        return [causes.invalid_value(path, zone, unknown)]
    if zone.lower() == "local":
        detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        return [causes.invalid_value(path, zone, detail)]
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [causes.invalid_value(path, zone, unknown)]
    return []


def warnings(cron_job: Obj, old: Obj | None) -> list[str]:
    """Source: WarningsOnCreate, WarningsOnUpdate of pkg/registry/batch/cronjob/strategy.go."""
    found = name_warnings(cron_job, "Pod names and hostnames") if old is None else []
    if "TZ" in cron_job["spec"].get("schedule", ""):
        text = (
            "is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/"
        )
        found.append(f"CRON_TZ or TZ used in spec.schedule {text} for more details")
    return found + job_spec_warnings(cron_job["spec"]["jobTemplate"]["spec"], "spec.jobTemplate.spec")
