"""Makes Jobs at the times of CronJobs. Source: pkg/controller/cronjob/cronjob_controllerv2.go."""

from __future__ import annotations

from backend.controllers.workloads.cronjob.round import Round, Tools
from backend.controllers.workloads.cronjob.timetable import Timetable
from backend.controllers.workloads.expected import Expected
from backend.controllers.workloads.ownership import (
    BY_CONTROLLER,
    enqueue_owners,
    owned_by,
)
from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.types import Obj

CRON_JOBS = GVR("batch", "v1", "cronjobs")
NAME = "cronjob-controller"
WORKERS = 5


class CronJobController:
    """Keys are (namespace, name). It sleeps until a run is due. The informers are run by the wiring."""

    def __init__(self, client: Client, *, cron_jobs: Informer, jobs: Informer, clock: Clock | None = None) -> None:
        self._client = client
        self._cron_jobs = cron_jobs
        self._jobs = jobs
        self._clock = clock or RealClock()
        self.recorder = EventRecorder(client, NAME, clock=clock)
        self._tools = Tools(client, self.recorder, Expected(jobs))
        self._expected_cron_jobs = Expected(cron_jobs)
        informers = (cron_jobs, jobs)
        self.controller = Controller(NAME, self.reconcile, clock=clock, workers=WORKERS, informers=informers)
        jobs.add_index(BY_CONTROLLER, owned_by)
        cron_jobs.on_change(self._changed)
        jobs.on_change(enqueue_owners(self.controller.enqueue, "CronJob", "batch", lambda _orphan: ()))

    def _changed(self, new: Obj | None, old: Obj | None) -> None:
        """A new schedule starts with its next time, not with those before the change. Source: updateCronJob."""
        if new is None or old is None or _schedule(new) == _schedule(old):
            self.controller.enqueue_changed(new, old)
            return
        now, meta = self._clock.now(), new["metadata"]
        try:
            due = Timetable(new).next_due(new, now)
        except ValueError:
            text = f"unparseable schedule for cronjob: {new['spec']['schedule']}"
            self.recorder.event(new, "Warning", "UnParseableCronJobSchedule", text)
            return
        if due is not None:
            self.controller.enqueue_after(meta["namespace"], meta["name"], due - now)

    async def reconcile(self, key: Key) -> float | None:
        cron_job = self._cron_jobs.get(*key)
        if cron_job is None:
            self._tools.expected.forget(key)
            self._expected_cron_jobs.forget(key)
            return None
        if not (self._tools.expected.met(key) and self._expected_cron_jobs.met(key)):
            return None
        jobs = self._jobs.by_index(BY_CONTROLLER, cron_job["metadata"]["uid"])
        round_ = Round(self._tools, key, cron_job, jobs, self._clock.now())
        failure: ApiError | None = None
        again = None
        try:
            again = await round_.run()
        except ApiError as error:
            failure = error
        await self._write(key, cron_job, round_.status)
        if failure is not None:
            raise failure
        return again

    async def _write(self, key: Key, cron_job: Obj, status: Obj) -> None:
        if status == (cron_job.get("status") or {}):
            return
        try:
            updated = await self._client.update(CRON_JOBS, {**cron_job, "status": status}, "status")
        except ApiError as error:
            if error.code != 404:
                raise
            return
        self._expected_cron_jobs.wrote(key, updated)


def _schedule(cron_job: Obj) -> tuple[str, str | None]:
    return cron_job["spec"]["schedule"], cron_job["spec"].get("timeZone")
