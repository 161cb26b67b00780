"""kubectl's describe of a CronJob. Source: describeCronJob of k8s.io/kubectl/pkg/describe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.meta.label_selector import as_selector
from minikctl.describe import common
from minikctl.describe.pod_template import pod_template
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]

_UNSET = "<unset>"


def describe(client: Client, cron_job: Obj, show_events: bool) -> str:
    writer = Writer()
    spec, status = cron_job["spec"], cron_job.get("status") or {}
    common.header(writer, cron_job)
    writer.write(0, f"Schedule:\t{spec.get('schedule', '')}\n")
    writer.write(0, f"Concurrency Policy:\t{spec.get('concurrencyPolicy', '')}\n")
    writer.write(0, f"Suspend:\t{common.title_bool(spec['suspend']) if 'suspend' in spec else _UNSET}\n")
    writer.write(0, f"Time Zone:\t{spec.get('timeZone', _UNSET)}\n")
    writer.write(0, f"Successful Job History Limit:\t{spec.get('successfulJobsHistoryLimit', _UNSET)}\n")
    writer.write(0, f"Failed Job History Limit:\t{spec.get('failedJobsHistoryLimit', _UNSET)}\n")
    deadline = spec.get("startingDeadlineSeconds")
    writer.write(0, f"Starting Deadline Seconds:\t{_UNSET if deadline is None else f'{deadline}s'}\n")
    _job_template(writer, spec["jobTemplate"].get("spec") or {})
    last = status.get("lastScheduleTime")
    writer.write(0, f"Last Schedule Time:\t{common.rfc1123z(last) if last else _UNSET}\n")
    active = ", ".join(job.get("name", "") for job in status.get("active") or [])
    writer.write(0, f"Active Jobs:\t{active or '<none>'}\n")
    if show_events:
        common.events(writer, common.find_events(client, cron_job))
    return writer.text()


def _job_template(writer: Writer, job: Obj) -> None:
    selector = job.get("selector")
    writer.write(0, f"Selector:\t{_UNSET if selector is None else as_selector(selector)}\n")
    writer.write(0, f"Parallelism:\t{job.get('parallelism', _UNSET)}\n")
    writer.write(0, f"Completions:\t{job.get('completions', _UNSET)}\n")
    if "activeDeadlineSeconds" in job:
        writer.write(0, f"Active Deadline Seconds:\t{job['activeDeadlineSeconds']}s\n")
    pod_template(writer, job.get("template"))
