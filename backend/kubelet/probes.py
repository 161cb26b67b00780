"""Liveness, readiness and startup probes of one pod's containers.

One task per probe, which waits on the clock between its tries; no thread. Source: pkg/kubelet/prober.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from backend.kubelet.actions import ProbeFailure
from backend.kubelet.handlers import HandlerError, Outcome, Target, run_handler
from backend.kubelet.runtime.api import Runtime, RuntimeFailure
from backend.machinery.clock import Clock
from backend.meta.types import Obj

Kind = Literal["startup", "liveness", "readiness"]
KINDS: tuple[Kind, ...] = ("startup", "liveness", "readiness")


@dataclass(frozen=True, slots=True)
class Subject:
    """A running container whose probes run, and since when it does (epoch seconds)."""

    target: Target
    started_at: float
    ready_before: bool
    """It was ready before this kubelet started: it stays so until a probe says otherwise."""


Say = Callable[[Obj, str, str], None]
"""Records a warning about a container: (container, reason, message)."""


class PodProbes:
    """`changed` is called when a result turns; then `failed`, `started` and `ready` tell the new state."""

    def __init__(self, runtime: Runtime, clock: Clock, say: Say, changed: Callable[[], None]) -> None:
        self._runtime = runtime
        self._clock = clock
        self._say = say
        self._changed = changed
        self._tasks: dict[tuple[str, Kind], asyncio.Task[None]] = {}
        self._results: dict[tuple[str, Kind], bool] = {}
        self._has: dict[str, set[Kind]] = {}
        self._up: dict[str, asyncio.Event] = {}

    def watch(self, subjects: Mapping[str, Subject]) -> None:
        """Probe exactly these containers, by id; what ended is forgotten."""
        for key in [key for key in self._tasks if key[0] not in subjects]:
            self._tasks.pop(key).cancel()
        for container_id in [known for known in self._has if known not in subjects]:
            del self._has[container_id], self._up[container_id]
            for kind in KINDS:
                self._results.pop((container_id, kind), None)
        for container_id, subject in subjects.items():
            if container_id not in self._has:
                self._begin(container_id, subject)

    def failed(self) -> dict[str, ProbeFailure]:
        """Containers, by id, that their startup or liveness probe found dead."""
        found: dict[str, ProbeFailure] = {}
        for (container_id, kind), result in self._results.items():
            if not result and kind != "readiness" and (container_id, kind) not in self._tasks:
                found[container_id] = "startup" if kind == "startup" else "liveness"
        return found

    def started(self, container_id: str) -> bool:
        """Whether the container's startup is over; before its probes are known it is not."""
        kinds = self._has.get(container_id)
        return kinds is not None and (
            "startup" not in kinds or self._results.get((container_id, "startup"), False)
        )

    def ready(self, container_id: str) -> bool:
        kinds = self._has.get(container_id)
        return kinds is not None and (
            "readiness" not in kinds or self._results.get((container_id, "readiness"), False)
        )

    async def close(self) -> None:
        tasks = [*self._tasks.values()]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _begin(self, container_id: str, subject: Subject) -> None:
        container = subject.target.container
        self._has[container_id] = {kind for kind in KINDS if container.get(f"{kind}Probe")}
        up = self._up[container_id] = asyncio.Event()
        if subject.ready_before:
            self._results[container_id, "startup"] = True
            self._results[container_id, "readiness"] = True
        if self.started(container_id):
            up.set()
        for kind in self._has[container_id]:
            name = f"{kind} probe of {container['name']}"
            self._tasks[container_id, kind] = asyncio.create_task(
                self._run(kind, container_id, subject), name=name
            )

    async def _run(self, kind: Kind, container_id: str, subject: Subject) -> None:
        probe = subject.target.container[f"{kind}Probe"]
        up = self._up[container_id]
        await self._wait_initially(probe, subject)
        if kind != "startup":
            await up.wait()
        successes = failures = 0
        while True:
            ok = await self._try(kind, probe, subject.target)
            if ok is not None:
                successes, failures = (successes + 1, 0) if ok else (0, failures + 1)
            if self._judge(kind, container_id, probe, successes, failures):
                result = self._results[container_id, kind]
                # A startup probe ends with its first verdict, a failed liveness probe with its container.
                over = kind == "startup" or (kind == "liveness" and not result)
                if over:
                    self._tasks.pop((container_id, kind), None)
                if kind == "startup" and result:
                    up.set()
                self._changed()
                if over:
                    return
            await self._clock.sleep(float(probe.get("periodSeconds") or 10))

    async def _wait_initially(self, probe: Obj, subject: Subject) -> None:
        ran = self._clock.now() - subject.started_at
        delay = float(probe.get("initialDelaySeconds") or 0) - ran
        if delay > 0:
            await self._clock.sleep(delay)

    def _judge(self, kind: Kind, container_id: str, probe: Obj, successes: int, failures: int) -> bool:
        """Whether the result turned, once enough tries in a row agree."""
        before = self._results.get((container_id, kind))
        if successes and successes >= (probe.get("successThreshold") or 1):
            self._results[container_id, kind] = True
        elif failures and failures >= (probe.get("failureThreshold") or 3):
            self._results[container_id, kind] = False
        return self._results.get((container_id, kind)) is not before

    async def _try(self, kind: Kind, probe: Obj, target: Target) -> bool | None:
        """Whether the container passed; None when that could not be found out, which counts for neither."""
        outcome = await self._outcome(probe, target)
        title = f"{kind.capitalize()} probe"
        if isinstance(outcome, str):
            self._say(target.container, "Unhealthy", f"{title} errored and resulted in unknown state: {outcome}")
            return None
        if outcome.warning:
            self._say(target.container, "ProbeWarning", f"{title} warning: {outcome.output}")
        if not outcome.ok:
            self._say(target.container, "Unhealthy", f"{title} failed: {outcome.output}")
        return outcome.ok

    async def _outcome(self, probe: Obj, target: Target) -> Outcome | str:
        try:
            return await run_handler(probe, target, float(probe.get("timeoutSeconds") or 1), self._runtime)
        except (HandlerError, RuntimeFailure) as error:
            return str(error)
