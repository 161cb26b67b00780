"""Runs Jobs to their end. Source: pkg/controller/job/job_controller.go."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from backend.controllers.workloads.expected import Expected
from backend.controllers.workloads.job import counting, rules
from backend.controllers.workloads.job.backoff import Failures
from backend.controllers.workloads.job.ending import ALL_DONE, End, end_of, final_condition, target_condition
from backend.controllers.workloads.job.pod_control import JobPodControl, release, surplus
from backend.controllers.workloads.job.view import View
from backend.controllers.workloads.ownership import (
    BY_CONTROLLER,
    Claims,
    controller_reference,
    enqueue_owners,
    owned_by,
)
from backend.controllers.workloads.pods import PodControl
from backend.machinery.client import GVR, PODS, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj

JOBS = GVR("batch", "v1", "jobs")
NAME = "job-controller"
WORKERS = 5
BATCH_SECONDS = 0.1
"""After a change of a pod, for more of them: many end together. kube's controller waits for a second."""


class JobController:
    """Keys are (namespace, name): of Jobs, and for `orphans` of pods. The informers are run by the wiring."""

    def __init__(self, client: Client, *, jobs: Informer, pods: Informer, clock: Clock | None = None) -> None:
        self._client = client
        self._jobs = jobs
        self._pods = pods
        self._clock = clock or RealClock()
        self.recorder = EventRecorder(client, NAME, clock=clock)
        self._claims = Claims(client, PODS, JOBS, pods, finalizer=rules.FINALIZER)
        self._expected_pods = Expected(pods)
        self._expected_jobs = Expected(jobs)
        self._control = JobPodControl(client, PodControl(client, self.recorder), self._expected_pods)
        self._failures: dict[str, Failures] = {}
        informers = (jobs, pods)
        self.controller = Controller(NAME, self.reconcile, clock=clock, workers=WORKERS, informers=informers)
        self.orphans = Controller("job-orphan-pods", self.reconcile_orphan, clock=clock, informers=informers)
        pods.add_index(BY_CONTROLLER, owned_by)
        jobs.on_change(self._job_changed)
        pods.on_change(enqueue_owners(self._enqueue_batched, "Job", "batch", self._selecting))
        pods.on_change(self._pod_changed)

    def _enqueue_batched(self, namespace: str, name: str) -> None:
        self.controller.enqueue_after(namespace, name, BATCH_SECONDS)

    def _selecting(self, pod: Obj) -> Iterable[Obj]:
        labels = pod["metadata"].get("labels") or {}
        for job in self._jobs.list(pod["metadata"]["namespace"]) if labels else ():
            if not rules.is_finished(job) and as_selector(job["spec"].get("selector")).matches(labels):
                yield job

    def _job_changed(self, new: Obj | None, old: Obj | None) -> None:
        self.controller.enqueue_changed(new, old)
        job = new if new is not None else old
        if job is not None and (new is None or rules.is_finished(new)):
            self._failures.pop(job["metadata"]["uid"], None)
            for pod in self._pods.by_index(BY_CONTROLLER, job["metadata"]["uid"]):
                self._pod_changed(pod, None)

    def _pod_changed(self, new: Obj | None, _old: Obj | None) -> None:
        if new is not None and rules.is_tracked(new) and not self._is_watched_over(new):
            self.orphans.enqueue(new["metadata"]["namespace"], new["metadata"]["name"])

    def _is_watched_over(self, pod: Obj) -> bool:
        """Whether the finalizer of a tracked pod is somebody's. Source: syncOrphanPod."""
        reference = controller_reference(pod)
        if reference is None:
            return False
        if (reference["kind"], reference["apiVersion"]) != ("Job", "batch/v1"):
            return True
        job = self._jobs.get(pod["metadata"]["namespace"], reference["name"])
        if job is None or job["metadata"]["uid"] != reference["uid"]:
            return False
        return rules.is_managed_elsewhere(job) or not rules.is_finished(job)

    async def reconcile_orphan(self, key: Key) -> None:
        """Let go of a pod that no Job will count: its Job is gone, or has ended without it."""
        pod = self._pods.get(*key)
        if pod is not None and not self._is_watched_over(pod):
            await release(self._client, pod)

    async def reconcile(self, key: Key) -> float | None:
        job = self._jobs.get(*key)
        if job is None or rules.is_finished(job) or rules.is_managed_elsewhere(job):
            if job is None:
                self._expected_pods.forget(key)
                self._expected_jobs.forget(key)
            return None
        if not (self._expected_pods.met(key) and self._expected_jobs.met(key)):
            return None
        pods = await self._claims.claim(job, as_selector(job["spec"].get("selector")))
        view = View(job, pods, self._failures.get(job["metadata"]["uid"]), self._clock.now())
        return await self._act(key, view)

    async def _act(self, key: Key, view: View) -> float | None:
        """Make and delete pods, then write what has become of them."""
        end, failure, again = end_of(view), None, None
        try:
            if end is not None:
                await self._control.end(key, view)
            elif not view.job["metadata"].get("deletionTimestamp"):
                again = await self._manage(key, view)
        except ApiError as error:
            failure = error
        if end is None and view.is_complete(len(view.active)):
            end = ALL_DONE
        elif end is None and rules.is_suspended(view.job):
            view.note_suspension()
        await self._report(key, view, end if not view.active else None)
        if view.news:
            self.recorder.event(view.job, "Normal", view.news.capitalize(), f"Job {view.news}")
        if failure is not None:
            raise failure
        left = rules.deadline_in(view.job, view.status, view.now)
        return min((seconds for seconds in (again, left) if seconds is not None), default=None)

    async def _manage(self, key: Key, view: View) -> float | None:
        doomed = surplus(view)
        if doomed:
            await self._control.remove(key, view, doomed)
        elif view.missing > 0:
            return await self._control.create(key, view)
        return None

    async def _report(self, key: Key, view: View, end: End | None) -> None:
        """Count what has ended, and the end of the Job once everything is counted."""
        released, everything = counting.note_ended(view, end)
        if end is not None and not rules.has(view.job, end.target):
            self._add(view, target_condition(end, view.now))
        await self._write(key, view)
        self._failures[view.job["metadata"]["uid"]] = view.failures
        free, failure = await self._control.let_go(key, released)
        tracked = {pod["metadata"]["uid"] for pod in view.pods if rules.is_tracked(pod)}
        counting.count_released(view, tracked - free)
        finished = end if everything and self._may_finish(view) else None
        if finished is not None:
            self._add(view, final_condition(finished, view.now))
            if not finished.failed:
                view.status["completionTime"] = view.status["conditions"][-1]["lastTransitionTime"]
        await self._write(key, view)
        if finished is not None:
            self._tell_end(view, finished)
        if failure is not None:
            raise failure

    @staticmethod
    def _add(view: View, new: Obj) -> None:
        conditions = view.status.get("conditions") or []
        view.status["conditions"] = rules.with_condition(conditions, new) or conditions

    @staticmethod
    def _may_finish(view: View) -> bool:
        return not view.status["uncountedTerminatedPods"] and not view.terminating

    async def _write(self, key: Key, view: View) -> None:
        """Raises 409 if somebody changed the Job since it was looked at; that it is gone, its informer will tell."""
        if view.status == view.job.get("status"):
            return
        try:
            updated = await self._client.update(JOBS, {**view.job, "status": copy.deepcopy(view.status)}, "status")
        except ApiError as error:
            if error.code != 404:
                raise
            return
        self._expected_jobs.wrote(key, updated)
        view.job = updated

    def _tell_end(self, view: View, end: End) -> None:
        if end.failed:
            self.recorder.event(view.job, "Warning", end.reason, end.message)
            return
        completions = view.job["spec"].get("completions")
        if completions is not None and view.status.get("succeeded", 0) > completions:
            text = "Too many succeeded pods running after completion count reached"
            self.recorder.event(view.job, "Warning", "TooManySucceededPods", text)
        self.recorder.event(view.job, "Normal", "Completed", "Job completed")
