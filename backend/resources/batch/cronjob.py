"""batch/v1 CronJob. Source: pkg/registry/batch/cronjob/strategy.go; printCronJob."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.label_selector import format_selector
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later
from backend.resources.template_cells import CONTAINERS_COLUMN, IMAGES_COLUMN, containers_and_images

_SPEC = "io.k8s.api.batch.v1.CronJobSpec"
_STATUS = "io.k8s.api.batch.v1.CronJobStatus"


def _prepare_create(cron_job: Obj) -> None:
    cron_job["status"] = {}


def _row(cron_job: Obj, now: float) -> list[Any]:
    spec, status = cron_job["spec"], cron_job.get("status") or {}
    job = spec["jobTemplate"].get("spec") or {}
    last = status.get("lastScheduleTime")
    return [
        cron_job["metadata"]["name"], spec.get("schedule", ""), spec.get("timeZone") or cells.NONE,
        "True" if spec.get("suspend") else "False", len(status.get("active") or ()),
        cells.since(last, now) if last else cells.NONE, cells.age(cron_job, now),
        *containers_and_images(job.get("template") or {}), format_selector(job.get("selector")),
    ]  # fmt: skip


CRON_JOB = Resource(
    group="batch",
    version="v1",
    kind="CronJob",
    plural="cronjobs",
    singular="cronjob",
    namespaced=True,
    schema="io.k8s.api.batch.v1.CronJob",
    short_names=("cj",),
    categories=("all",),
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column("Schedule", described_by=f"{_SPEC}.schedule"),
        Column("Timezone", described_by=f"{_SPEC}.timeZone"),
        Column("Suspend", "boolean", described_by=f"{_SPEC}.suspend"),
        Column("Active", "integer", described_by=f"{_STATUS}.active"),
        Column("Last Schedule", described_by=f"{_STATUS}.lastScheduleTime"),
        AGE_COLUMN,
        CONTAINERS_COLUMN,
        IMAGES_COLUMN,
        Column("Selector", priority=1, described_by="io.k8s.api.batch.v1.JobSpec.selector"),
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=later("batch.cronjob_rules:default"),
    prepare_create=_prepare_create,
    validate=later("batch.cronjob_rules:validate"),
    validate_update=later("batch.cronjob_rules:validate_update"),
    warnings=later("batch.cronjob_rules:warnings"),
    generation=True,
)
