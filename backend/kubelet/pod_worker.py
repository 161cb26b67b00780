"""One pod's worker: looks at what should be and what is, does what is missing, tells the API server, and waits.

Level-triggered: every round reads the newest pod and asks the engine anew. A round never waits for what takes long
(pulls, grace periods, hooks); that runs beside it and wakes the worker when it ends. Source of the rules:
pkg/kubelet/pod_workers.go and kubelet.go (SyncPod, SyncTerminatingPod, SyncTerminatedPod).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Literal

from backend.kubelet.actions import Actions, View, compute
from backend.kubelet.alarm import Alarm
from backend.kubelet.container_killer import ContainerKiller
from backend.kubelet.container_status import Waiting
from backend.kubelet.pod_killer import PodKiller
from backend.kubelet.pod_observer import PodObserver
from backend.kubelet.pod_remover import PodRemover
from backend.kubelet.pod_starter import PodStarter, crash_key, set_up_volumes
from backend.kubelet.pod_status import PodVerdict
from backend.kubelet.podspec import (
    field_path,
    full_name,
    grace_period,
    is_deleted,
    is_terminal,
    written_by_others,
)  # fmt: skip
from backend.kubelet.probes import PodProbes
from backend.kubelet.resize import PodResizer
from backend.kubelet.runtime.api import PodState, RuntimeFailure, RuntimeUnavailable
from backend.kubelet.services import Services
from backend.kubelet.status_writer import StatusWriter
from backend.kubelet.volumes.manager import SetupFailure
from backend.machinery.backoff import go_duration
from backend.meta.errors import ApiError
from backend.meta.timefmt import parse
from backend.meta.types import Obj

log = logging.getLogger(__name__)

RETRY_SECONDS = 10.0

DEADLINE = PodVerdict("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")


class PodWorker:
    """`run` ends when the pod is gone from the API server and from the engine."""

    def __init__(self, services: Services, pod: Obj) -> None:
        """A pod of which only the engine knows is given as `orphan_pod` makes it, and then `gone` is called."""
        meta = pod["metadata"]
        self.uid: str = meta["uid"]
        self._services = services
        self._pod = pod
        self._vanished = False
        self._woken = asyncio.Event()
        self._alarm = Alarm(services.clock, self.wake)
        self._over = False
        self._failed: PodVerdict | None = None
        self._stale_volumes = False
        self._backing_off: set[str] = set()
        self._writer = StatusWriter(services.client, services.clock, meta["namespace"], meta["name"], self.uid)
        self._probes = PodProbes(services.runtime, services.clock, self._say_unhealthy, self.wake)
        containers = ContainerKiller(services.runtime, services.clock, self._say, self.wake)
        self._killer = PodKiller(containers, services.node_ip)
        self._resizer = PodResizer(services.runtime, self._say)
        self._starter = PodStarter(services, self._say, self.wake, self._resizer.made)
        self._remover = PodRemover(services)
        self._observer = PodObserver(services, self._writer, self._probes)

    @property
    def status(self) -> Obj:
        """The newest status, written or on its way."""
        status: Obj = self._observer.current(self._pod).get("status") or {}
        return status

    def wake(self) -> None:
        """Something may have changed: look again."""
        self._woken.set()

    def retry(self) -> None:
        """As `wake`, and what failed before may succeed now: its backoff is over."""
        self._starter.retry_now()
        self.wake()

    def references_changed(self) -> None:
        """A Secret or ConfigMap that the pod names is not what it was."""
        self._stale_volumes = True
        self.retry()

    def update(self, pod: Obj) -> None:
        """The API server has it as `pod` now. The echo of this kubelet's own status wakes nobody."""
        old = self._pod
        self._pod = pod
        if old["spec"] != pod["spec"]:
            self._starter.retry_now()
        if any(old["metadata"].get(key) != pod["metadata"].get(key) for key in ("labels", "annotations")):
            self._stale_volumes = True  # The downward API shows them.
        if written_by_others(old) != written_by_others(pod) or is_terminal(pod):
            self.wake()

    def engine_event(self, action: str) -> None:
        """The engine did something to the pod; what was started by this worker it knows of itself."""
        if action != "start" or not self._starter.busy:
            self.wake()

    def gone(self, pod: Obj | None = None) -> None:
        """The API server has it no more; `pod` is its last state."""
        if pod is not None:
            self._pod = pod
        self._vanished = True
        self.wake()

    async def run(self) -> None:
        try:
            while not self._over:
                await self._woken.wait()
                self._woken.clear()
                await self._round()
        finally:
            self._alarm.cancel()
            await self._starter.cancel()
            await self._killer.close()
            await self._probes.close()
            await self._writer.close()

    async def _round(self) -> None:
        self._alarm.cancel()
        try:
            await self._sync()
        except RuntimeUnavailable as error:
            await self._tell_why_it_waits(error)
        except Exception as error:
            if isinstance(error, RuntimeFailure | ApiError | OSError):
                log.warning("pod %s: %s; again in %gs", full_name(self._pod), error, RETRY_SECONDS)
            else:
                log.exception("pod %s: sync failed; again in %gs", full_name(self._pod), RETRY_SECONDS)
            self._alarm.within(RETRY_SECONDS)

    async def _sync(self) -> None:
        # A start that ends while the engine is asked may have made what the answer does not show.
        starting = self._starter.busy
        state = await self._services.runtime.pod(self.uid) or self._nothing()
        pod = self._observer.current(self._pod)
        view = View.of(pod, state)
        self._observer.watch_probes(view, self._killer.address(view))
        self._check_deadline(pod)
        if self._vanished or is_deleted(pod) or is_terminal(pod) or self._failed is not None:
            await self._end(view, state)
        else:
            await self._converge(view, may_start=not starting)

    async def _converge(self, view: View, *, may_start: bool) -> None:
        actions = compute(view, self._probes.failed(), self._probes.started, self._remaining)
        if view.sandbox is not None and not actions.finished:
            actions.kill += await self._resizer.resize(view, self._services.allocatable)
        for kill in actions.kill:
            self._killer.kill(view, kill.container, float(grace_period(view.pod)), kill.message)
        if actions.finished and not actions.kill and not self._killer.busy:
            await self._finish(view)
            return
        waiting = self._waiting(view, actions)
        if may_start:
            self._begin(view, actions)
        await self._observer.publish(
            view, self._pod, waiting, hooked=self._starter.hooked, sandbox_problem=self._sandbox_problem(),
            resizer=self._resizer,
        )  # fmt: skip
        if view.sandbox is not None and not self._starter.busy:
            await self._look_after_volumes(view)

    async def _finish(self, view: View) -> None:
        """Every container ended for good: tell so, and give the network back."""
        await self._observer.publish(view, self._pod, {}, over=True)
        await self._stop_sandboxes(view)

    def _begin(self, view: View, actions: Actions) -> None:
        now = self._services.clock.monotonic()
        retry_at = self._starter.retry_at
        for name, due in retry_at.items():
            if due > now and (not name or name in actions.start):
                self._alarm.within(due - now)
        blocked = {name for name, due in retry_at.items() if due > now}
        if "" in blocked or (actions.new_sandbox and (actions.kill or self._killer.busy)):
            return
        dying = {kill.container.name for kill in actions.kill}
        start = {name: n for name, n in actions.start.items() if name not in blocked and name not in dying}
        if start or actions.new_sandbox:
            if actions.new_sandbox and view.newest:
                text = "Pod sandbox changed, it will be killed and re-created."
                self._say("", "Normal", "SandboxChanged", text)
            self._starter.begin(view, Actions(actions.new_sandbox, actions.sandbox_attempt, start))

    def _waiting(self, view: View, actions: Actions) -> dict[str, Waiting]:
        """Why containers do not run: failed starts, and crashes that wait for their backoff."""
        waiting = dict(self._starter.waiting)
        # One that is being started has been counted as crashed once more, and may look as if it had to wait.
        backoff = {name: wait for name, wait in actions.backoff.items() if name not in self._starter.starting}
        for name, seconds in backoff.items():
            self._alarm.within(seconds)
            delay = go_duration(self._services.crashes.delay(crash_key(view.pod, name)))
            text = f"restarting failed container={name} pod={full_name(view.pod)}"
            waiting[name] = Waiting("CrashLoopBackOff", f"back-off {delay} {text}")
            if name not in self._backing_off:
                text = f"Back-off restarting failed container {name} in pod {full_name(view.pod)}"
                self._say(name, "Warning", "BackOff", text)
        self._backing_off = set(backoff)
        return waiting

    def _remaining(self, name: str, finished_at: float) -> float:
        return self._services.crashes.remaining(crash_key(self._pod, name), finished_at)

    async def _look_after_volumes(self, view: View) -> None:
        """Bring what they show up to date. Of a pod that runs already, as after a restart of this process, no token is
        known: it is time for one."""
        tokens = self._services.tokens
        due = tokens.due(view.pod)
        if self._stale_volumes or (due is not None and due <= 0):
            await self._update_volumes(view)
            due = tokens.due(view.pod)
        if due is not None:
            self._alarm.within(due if due > 0 else RETRY_SECONDS)

    async def _update_volumes(self, view: View) -> None:
        services = self._services
        self._stale_volumes = False
        try:
            await set_up_volumes(services, view.pod)
        except SetupFailure as error:
            for message in error.messages:
                self._say("", "Warning", "FailedMount", message)

    # The end of a pod.

    async def _end(self, view: View, state: PodState) -> None:
        if self._starter.busy:
            await self._starter.cancel()
            self.wake()  # Look again: the engine may have more of it by now.
            return
        running = [c for c in state.containers if c.state == "running"]
        if running:
            self._killer.kill_in_order(view, running)
            await self._publish_end(view, over=False)
            return
        if not self._vanished and not is_deleted(self._pod):
            await self._stop_sandboxes(view)
            await self._publish_end(view, over=True)
            return
        await self._publish_end(view, over=True)
        await self._remove(state)

    async def _publish_end(self, view: View, *, over: bool) -> None:
        if not self._vanished:
            waiting = self._starter.waiting
            await self._observer.publish(view, self._pod, waiting, over=over, failed=self._failed)

    async def _stop_sandboxes(self, view: View) -> None:
        if view.sandbox is not None:
            await self._services.runtime.stop_sandbox(view.sandbox.id)

    async def _remove(self, state: PodState) -> None:
        await asyncio.gather(self._writer.flush(), self._remover.free(state))
        if self._vanished:
            self._over = True
        else:
            await self._remover.tell(self._pod)

    # What keeps it from going on.

    async def _tell_why_it_waits(self, error: RuntimeUnavailable) -> None:
        """The engine is away. What runs may run on, and is not judged; what never ran says why it does not."""
        statuses = self._pod.get("status", {}).get("containerStatuses") or ()
        if any(status.get("containerID") for status in statuses):
            return
        if self._vanished or is_deleted(self._pod):
            # Should the engine have something of it after all, it is ended as an orphan's when the engine is back.
            await self._remove(self._nothing())
            return
        view = View.of(self._observer.current(self._pod), self._nothing())
        why = f"container runtime is down: {error}"
        waits = {c["name"]: Waiting("ContainerCreating", why) for c in self._pod["spec"]["containers"]}
        if self._starter.sandbox_problem != why:
            self._say("", "Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {why}")
        self._starter.sandbox_problem = why
        await self._observer.publish(view, self._pod, waits, sandbox_problem=self._sandbox_problem())

    def _sandbox_problem(self) -> tuple[bool, str, str] | None:
        problem = self._starter.sandbox_problem
        return (False, "SandboxNotReady", problem) if problem else None

    def _check_deadline(self, pod: Obj) -> None:
        seconds = pod["spec"].get("activeDeadlineSeconds")
        started = pod.get("status", {}).get("startTime")
        if seconds is None or not started or is_terminal(pod) or self._failed is not None:
            return
        left = parse(started) + seconds - self._services.clock.now()
        if left > 0:
            self._alarm.within(left)
            return
        self._failed = DEADLINE
        self._say("", "Normal", DEADLINE.reason, DEADLINE.message)

    def _nothing(self) -> PodState:
        meta = self._pod["metadata"]
        return PodState(self.uid, meta["namespace"], meta["name"], (), ())

    def _say(self, container: str, type_: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        where = field_path(self._pod, container) if container else ""
        about = {"apiVersion": "v1", "kind": "Pod", "metadata": self._pod["metadata"]}
        self._services.recorder.event(about, type_, reason, message, where)

    def _say_unhealthy(self, container: Obj, reason: str, message: str) -> None:
        self._say(container["name"], "Warning", reason, message)
