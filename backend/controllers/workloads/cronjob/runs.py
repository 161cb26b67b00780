"""The Jobs of a CronJob: made from its template, and those to delete."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from datetime import datetime

from backend.controllers.workloads.cronjob.timetable import Timetable
from backend.controllers.workloads.job import rules
from backend.controllers.workloads.ownership import reference_to
from backend.meta.types import Obj

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"


def name_of(cron_job: Obj, due: float) -> str:
    """The same for the same time, so that it is not run twice. Source: getJobName."""
    return f"{cron_job['metadata']['name']}-{int(due) // 60}"


def new_job(cron_job: Obj, due: float, timetable: Timetable) -> Obj:
    """The run that is due. Source: getJobFromTemplate2."""
    template = cron_job["spec"]["jobTemplate"]
    given = template.get("metadata") or {}
    moment = datetime.fromtimestamp(due, timetable.zone).isoformat(timespec="seconds").replace("+00:00", "Z")
    meta: Obj = {
        "name": name_of(cron_job, due),
        "annotations": {**(given.get("annotations") or {}), SCHEDULED: moment},
        "ownerReferences": [reference_to(cron_job)],
    }
    if given.get("labels"):
        meta["labels"] = dict(given["labels"])
    return {"metadata": meta, "spec": copy.deepcopy(template["spec"])}


def reference(job: Obj) -> Obj:
    """As a CronJob's status lists a run."""
    meta = job["metadata"]
    return {
        "apiVersion": job["apiVersion"], "kind": job["kind"], "name": meta["name"],
        "namespace": meta["namespace"], "uid": meta["uid"], "resourceVersion": meta["resourceVersion"],
    }  # fmt: skip


def beyond_history(cron_job: Obj, jobs: Sequence[Obj]) -> list[Obj]:
    """The runs that have ended and are more than are to be kept, of each result. Source: cleanupFinishedJobs."""
    found: list[Obj] = []
    for result, field in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
        limit = cron_job["spec"].get(field)
        if limit is not None:
            ended = _oldest_first(job for job in jobs if rules.has(job, result))
            found += ended[: max(0, len(ended) - limit)]
    return found


def _oldest_first(jobs: Iterable[Obj]) -> list[Obj]:
    def started(job: Obj) -> tuple[bool, str, str]:
        start = (job.get("status") or {}).get("startTime")
        return start is None, start or "", job["metadata"]["name"]

    return sorted(jobs, key=started)
