"""Ending containers: the preStop hook, the polite signal, the grace, the rude one.

Source: pkg/kubelet/kuberuntime/kuberuntime_container.go killContainer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Literal

from backend.kubelet.handlers import HandlerError, Target, run_hook
from backend.kubelet.runtime.api import ContainerState, Runtime, RuntimeFailure
from backend.machinery.clock import Clock
from backend.meta.types import Obj

log = logging.getLogger(__name__)

MIN_GRACE = 2.0
"""Seconds that a container gets after a slow preStop hook has used up its grace (minimumGracePeriodInSeconds)."""

Say = Callable[[str, Literal["Normal", "Warning"], str, str], None]
"""Records an event: container name, type, reason, message."""


class ContainerKiller:
    """The containers of one pod that are being ended, one task each. `done` is called when one of them ended."""

    def __init__(self, runtime: Runtime, clock: Clock, say: Say, done: Callable[[], None]) -> None:
        self._runtime = runtime
        self._clock = clock
        self._say = say
        self._done = done
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._deadlines: dict[str, float] = {}
        self._ended: set[str] = set()

    @property
    def busy(self) -> bool:
        return bool(self._tasks)

    def kill(self, container: ContainerState, spec: Obj, address: str, grace: float, message: str) -> None:
        """Begin to end `container` within `grace` seconds; a second call may only shorten that."""
        if container.id in self._ended:
            return
        deadline = self._clock.monotonic() + grace
        running = self._tasks.get(container.id)
        if running is not None and self._deadlines[container.id] <= deadline + 1:
            return
        if running is not None:
            running.cancel()
        else:
            self._say(container.name, "Normal", "Killing", message)
        self._deadlines[container.id] = deadline
        hook = None if running is not None else (spec.get("lifecycle") or {}).get("preStop")
        task = asyncio.create_task(
            self._end(container, Target(spec, container.id, address), hook, grace), name=f"kill {container.name}"
        )
        self._tasks[container.id] = task
        task.add_done_callback(lambda done: self._finish(container.id, done))

    async def close(self) -> None:
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _end(self, container: ContainerState, target: Target, hook: Obj | None, grace: float) -> None:
        if hook:
            began = self._clock.monotonic()
            await self._pre_stop(container, target, hook, grace)
            grace = max(MIN_GRACE, grace - (self._clock.monotonic() - began))
        try:
            await self._runtime.stop_container(container.id, grace)
            self._ended.add(container.id)
        except RuntimeFailure as error:
            self._say(container.name, "Warning", "FailedKillPod", f"error killing pod: {error}")
            log.warning("container %s of %s not stopped: %s", container.id, container.name, error)
            await self._clock.sleep(1)

    async def _pre_stop(self, container: ContainerState, target: Target, hook: Obj, grace: float) -> None:
        try:
            async with asyncio.timeout(grace):
                outcome = await run_hook(hook, target, grace, self._runtime, self._clock)
        except (TimeoutError, HandlerError, RuntimeFailure) as error:
            log.info("preStop hook of %s: %s", container.name, error)
            failed = not isinstance(error, TimeoutError)
        else:
            failed = not outcome.ok
        if failed:
            self._say(container.name, "Warning", "FailedPreStopHook", "PreStopHook failed")

    def _finish(self, container_id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(container_id) is task:
            del self._tasks[container_id]
            del self._deadlines[container_id]
            self._done()
