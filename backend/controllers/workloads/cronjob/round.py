"""One look at a CronJob and its runs. Source: syncCronJob of pkg/controller/cronjob/cronjob_controllerv2.go."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from backend.controllers.workloads.cronjob import runs
from backend.controllers.workloads.cronjob.timetable import MANY_MISSED, Timetable
from backend.controllers.workloads.expected import Expected
from backend.controllers.workloads.job import rules
from backend.controllers.workloads.job.controller import JOBS
from backend.controllers.workloads.ownership import controller_reference
from backend.controllers.workloads.pods import is_terminating_namespace
from backend.machinery.client import Client
from backend.machinery.controller import Key
from backend.machinery.events import EventRecorder
from backend.meta import timefmt
from backend.meta.errors import ApiError
from backend.meta.types import Obj


@dataclass(frozen=True, slots=True)
class Tools:
    client: Client
    recorder: EventRecorder
    expected: Expected
    """About the informer of Jobs."""


class Round:
    """`status` is what becomes of the CronJob's; its writer writes it also if `run` fails."""

    def __init__(self, tools: Tools, key: Key, cron_job: Obj, jobs: Sequence[Obj], now: float) -> None:
        self.status: Obj = copy.deepcopy(cron_job.get("status") or {})
        self._tools = tools
        self._key = key
        self._cron_job = cron_job
        self._jobs = jobs
        self._now = now

    async def run(self) -> float | None:
        """Seconds until the next run is due; None if none is. Raises ApiError."""
        cron_job, spec = self._cron_job, self._cron_job["spec"]
        await self._clean_up()
        for job in self._jobs:
            self._look_at(job)
        await self._drop_missing()
        if cron_job["metadata"].get("deletionTimestamp") or spec.get("suspend"):
            return None
        try:
            timetable = Timetable(cron_job)
        except ValueError as error:
            self._warn("UnknownTimeZone", f'invalid timeZone: "{spec.get("timeZone", "")}": {error}')
            return None
        try:
            missed = timetable.missed(cron_job, self._now, deadline=spec.get("startingDeadlineSeconds"))
        except ValueError as error:
            self._warn("InvalidSchedule", f"invalid schedule: {spec['schedule']} : {error}")
            return None
        if missed.latest is not None:
            if missed.number > MANY_MISSED:
                text = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
                self._warn("TooManyMissedTimes", text)
            await self._start(timetable, missed.latest)
        due = timetable.next_due({**cron_job, "status": self.status}, self._now)
        return None if due is None else due - self._now

    async def _clean_up(self) -> None:
        for job in runs.beyond_history(self._cron_job, self._jobs):
            try:
                await self._delete(job["metadata"])
            except ApiError:  # An event says it, and the next round tries again.
                continue

    def _look_at(self, job: Obj) -> None:
        name, uid = job["metadata"]["name"], job["metadata"]["uid"]
        active = uid in [run["uid"] for run in self._active()]
        if not rules.is_finished(job):
            if not active:
                self._warn("UnexpectedJob", f"Saw a job that the controller did not create or forgot: {name}")
            return
        result = "Complete" if rules.has(job, "Complete") else "Failed"
        if active:
            self._forget(uid)
            self._tell("SawCompletedJob", f"Saw completed job: {name}, condition: {result}")
        end, latest = job["status"].get("completionTime"), self.status.get("lastSuccessfulTime")
        if result == "Complete" and end and (latest is None or timefmt.parse(end) > timefmt.parse(latest)):
            self.status["lastSuccessfulTime"] = end

    async def _drop_missing(self) -> None:
        """A run may have been deleted by somebody: it must not forbid others for ever."""
        known = {job["metadata"]["uid"] for job in self._jobs}
        for run in [run for run in self._active() if run["uid"] not in known]:
            try:
                await self._tools.client.get(JOBS, run["name"], run["namespace"])
            except ApiError as error:
                if error.code != 404:
                    raise
                self._tell("MissingJob", f"Active job went missing: {run['name']}")
                self._forget(run["uid"])

    async def _start(self, timetable: Timetable, due: float) -> None:
        """Make the run that is due, unless it was made, or another keeps it from being made."""
        policy, moment = self._cron_job["spec"].get("concurrencyPolicy"), timefmt.format_time(due)
        name = runs.name_of(self._cron_job, due)
        if self.status.get("lastScheduleTime") == moment or name in [run["name"] for run in self._active()]:
            return
        if policy == "Forbid" and self._active():
            text = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self._tell("JobAlreadyActive", text)
            return
        if policy == "Replace":
            for run in self._active():
                await self._delete(run)
        job = await self._create(runs.new_job(self._cron_job, due, timetable))
        if job is not None:
            self.status["active"] = [*self._active(), runs.reference(job)]
            self.status["lastScheduleTime"] = moment

    async def _create(self, wanted: Obj) -> Obj | None:
        """The run as it was made, now or before we were ended; None if another's Job has its name."""
        namespace = self._cron_job["metadata"]["namespace"]
        try:
            made = await self._tools.client.create(JOBS, wanted, namespace)
        except ApiError as error:
            if error.code != 409:
                if not is_terminating_namespace(error):
                    self._warn("FailedCreate", f"Error creating job: {error}")
                raise
            present = await self._tools.client.get(JOBS, wanted["metadata"]["name"], namespace)
            owner = controller_reference(present)
            ours = owner is not None and owner["uid"] == self._cron_job["metadata"]["uid"]
            return present if ours else None
        self._tools.expected.wrote(self._key, made)
        self._tell("SuccessfulCreate", f"Created job {made['metadata']['name']}")
        return made

    async def _delete(self, run: Obj) -> None:
        """`run` is the Job's metadata, or a reference to it. Raises ApiError, also as an event."""
        options = {"propagationPolicy": "Background", "preconditions": {"uid": run["uid"]}}
        try:
            await self._tools.client.delete(JOBS, run["name"], run["namespace"], options)
        except ApiError as error:
            self._warn("FailedDelete", f"Deleted job: {error}")
            raise
        self._tools.expected.deleted(self._key, {"metadata": run})
        self._forget(run["uid"])
        self._tell("SuccessfulDelete", f"Deleted job {run['name']}")

    def _active(self) -> list[Obj]:
        return list(self.status.get("active") or ())

    def _forget(self, uid: str) -> None:
        left = [run for run in self._active() if run["uid"] != uid]
        self.status.pop("active", None)
        if left:
            self.status["active"] = left

    def _tell(self, reason: str, message: str) -> None:
        self._tools.recorder.event(self._cron_job, "Normal", reason, message)

    def _warn(self, reason: str, message: str) -> None:
        self._tools.recorder.event(self._cron_job, "Warning", reason, message)
