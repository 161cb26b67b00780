"""batch/v1 Job. Source: pkg/registry/batch/job/strategy.go; printJob."""

from __future__ import annotations

from typing import Any

from backend.meta import names, timefmt
from backend.meta.label_selector import format_selector
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.core.pod_table import has_condition
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later
from backend.resources.template_cells import CONTAINERS_COLUMN, IMAGES_COLUMN, containers_and_images

_SPEC = "io.k8s.api.batch.v1.JobSpec"


def _selectable(job: Obj) -> dict[str, str]:
    return {"status.successful": str((job.get("status") or {}).get("succeeded", 0))}


def _state(job: Obj, status: Obj) -> str:
    for condition in ("Complete", "Failed"):
        if has_condition(status, condition):
            return condition
    if job["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for condition in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if has_condition(status, condition):
            return condition
    return "Running"


def _completions(spec: Obj, status: Obj) -> str:
    succeeded = status.get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(status: Obj, now: float) -> str:
    start, end = status.get("startTime"), status.get("completionTime")
    if not start:
        return ""
    return timefmt.human_duration((timefmt.parse(end) if end else now) - timefmt.parse(start))


def _row(job: Obj, now: float) -> list[Any]:
    spec, status = job["spec"], job.get("status") or {}
    return [
        job["metadata"]["name"], _state(job, status), _completions(spec, status), _duration(status, now),
        cells.age(job, now), *containers_and_images(spec["template"]), format_selector(spec.get("selector")),
    ]  # fmt: skip


JOB = Resource(
    group="batch",
    version="v1",
    kind="Job",
    plural="jobs",
    singular="job",
    namespaced=True,
    schema="io.k8s.api.batch.v1.Job",
    categories=("all",),
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column("Status", description="Status of the job."),
        Column("Completions", described_by="io.k8s.api.batch.v1.JobStatus.succeeded"),
        Column("Duration", description="Time required to complete the job."),
        AGE_COLUMN,
        CONTAINERS_COLUMN,
        IMAGES_COLUMN,
        Column("Selector", priority=1, described_by=f"{_SPEC}.selector"),
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=later("batch.job_rules:default"),
    prepare_create=later("batch.job_rules:prepare_create"),
    validate=later("batch.job_rules:validate"),
    validate_update=later("batch.job_rules:validate_update"),
    validate_status_update=later("batch.job_status_rules:validate_status_update"),
    warnings=later("batch.job_rules:warnings"),
    selectable=_selectable,
    selectable_names=frozenset(_selectable({})),
    generation=True,
)
