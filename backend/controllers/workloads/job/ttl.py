"""Deletes Jobs some time after they have ended. Source: pkg/controller/ttlafterfinished."""

from __future__ import annotations

from backend.controllers.workloads.job import rules
from backend.controllers.workloads.job.controller import JOBS
from backend.controllers.workloads.pods import condition
from backend.machinery.client import Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta import timefmt
from backend.meta.errors import ApiError
from backend.meta.types import Obj

NAME = "ttl-after-finished-controller"


class TtlAfterFinishedController:
    """Keys are (namespace, name) of Jobs."""

    def __init__(self, client: Client, *, jobs: Informer, clock: Clock | None = None) -> None:
        self._client = client
        self._jobs = jobs
        self._clock = clock or RealClock()
        self.controller = Controller(NAME, self.reconcile, clock=clock, informers=(jobs,))
        jobs.on_change(self._changed)

    def _changed(self, new: Obj | None, _old: Obj | None) -> None:
        if new is not None and _expiry(new) is not None:
            self.controller.enqueue_changed(new, None)

    async def reconcile(self, key: Key) -> float | None:
        job = self._jobs.get(*key)
        left = self._left(job)
        if job is None or left is None or left > 0:
            return left
        try:
            # A cache that lags must not cost a Job whose time was prolonged.
            left = self._left(await self._client.get(JOBS, key.name, key.namespace))
            if left is None or left > 0:
                return left
            options = {"propagationPolicy": "Foreground", "preconditions": {"uid": job["metadata"]["uid"]}}
            await self._client.delete(JOBS, key.name, key.namespace, options)
        except ApiError as error:
            if error.code != 404:
                raise
        return None

    def _left(self, job: Obj | None) -> float | None:
        expiry = _expiry(job) if job is not None else None
        return None if expiry is None else expiry - self._clock.now()


def _expiry(job: Obj) -> float | None:
    """When the Job is to go; None if it is not to, or goes already."""
    seconds = job["spec"].get("ttlSecondsAfterFinished")
    if seconds is None or job["metadata"].get("deletionTimestamp"):
        return None
    kind = next((kind for kind in ("Complete", "Failed") if rules.has(job, kind)), "")
    end = condition(job, kind)
    return timefmt.parse(end["lastTransitionTime"]) + float(seconds) if end is not None else None
