"""Starting what a pod lacks: volumes, sandbox, containers in their order.

What the engine was asked for is waited for even when the start is given up, so that whoever ends the pod next sees
all that exists. Source of the order and the events: pkg/kubelet/kuberuntime SyncPod and startContainer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Set
from pathlib import Path
from typing import Any, Literal

from backend.kubelet.actions import Actions, View
from backend.kubelet.container_maker import ContainerMaker, Made, unbroken
from backend.kubelet.container_status import Waiting
from backend.kubelet.env import tells_pod_address
from backend.kubelet.handlers import HandlerError, Target, run_hook
from backend.kubelet.labels import SANDBOX_ID
from backend.kubelet.pod_dns import pod_dns
from backend.kubelet.podspec import find_container
from backend.kubelet.runtime.api import Image, RuntimeFailure, RuntimeUnavailable, SandboxState
from backend.kubelet.sandbox_config import sandbox_config
from backend.kubelet.services import Services
from backend.kubelet.start_failure import RETRY_SECONDS, StartFailure
from backend.kubelet.volumes.manager import SetupFailure
from backend.meta.types import Obj

log = logging.getLogger(__name__)

MAX_MOUNT_RETRY = 122.0
HOOK_TIMEOUT = 3600.0

Say = Callable[[str, Literal["Normal", "Warning"], str, str], None]
"""Records an event: container name or "" for the pod, type, reason, message."""


class PodStarter:
    """One pod's starts, one at a time. `progress` is called whenever a status may have changed.

    `waiting` says why containers do not run; `retry_at` when (monotonic) what failed may be tried again, by
    container name, "" for the pod's volumes and sandbox; `hooked` has the ids of containers whose postStart hook
    still runs, and that count as not started until then.
    """

    def __init__(
        self, services: Services, say: Say, progress: Callable[[], None],
        made: Callable[[str, Obj], None] = lambda _id, _spec: None,
    ) -> None:  # fmt: skip
        """`made` is told the id and the spec of each new container."""
        self._services = services
        self._say = say
        self._progress = progress
        self._made = made
        self._task: asyncio.Task[None] | None = None
        self._mount_failures = 0
        self.starting: Set[str] = frozenset()
        """The containers that are being started."""
        self.waiting: dict[str, Waiting] = {}
        self.retry_at: dict[str, float] = {}
        self.hooked: set[str] = set()
        self.sandbox_problem = ""

    @property
    def busy(self) -> bool:
        return self._task is not None

    def begin(self, view: View, actions: Actions) -> None:
        """Start what `actions` says; nothing while a start is under way."""
        if self._task is None:
            name = f"start {view.pod['metadata']['name']}"
            self.starting = actions.start.keys()
            self._task = asyncio.create_task(self._run(view, actions), name=name)

    async def cancel(self) -> None:
        task = self._task
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def retry_now(self) -> None:
        """Something that a failure may have been about has changed."""
        self.retry_at.clear()
        self._mount_failures = 0

    async def _run(self, view: View, actions: Actions) -> None:
        try:
            await self._start(view, actions)
        except RuntimeUnavailable as error:
            self._fail_sandbox(str(error))
        except Exception:
            log.exception("pod %s could not be started", view.pod["metadata"]["name"])
            self._retry("", RETRY_SECONDS)
        finally:
            self._task = None
            self.starting = frozenset()
            self.hooked.clear()
            self._progress()

    async def _start(self, view: View, actions: Actions) -> None:
        pod = view.pod
        volumes = await self._volumes(pod, actions.start)
        if volumes is None:
            return
        maker = ContainerMaker(self._services, pod, volumes, {name: c.id for name, c in view.current.items()})
        images = {name: asyncio.ensure_future(self._image(pod, name)) for name in actions.start}
        made: dict[str, asyncio.Future[Made]] = {}
        try:
            sandbox = view.sandbox
            if actions.new_sandbox:
                sandbox = await self._new_sandbox(view, actions, maker, images, made)
            if sandbox is None:
                return
            if actions.new_sandbox and sandbox.ips:
                await self._services.address_given(pod, sandbox.ips)
            await asyncio.sleep(0)  # An image that is there needs a turn of the loop to say so.
            if not all(image.done() for image in images.values()):
                self._progress()  # Tell the address while images are pulled.
            for name, attempt in actions.start.items():
                making = made.get(name) or maker.make(sandbox, _spec(pod, name), attempt, images[name])
                await self._start_container(view, sandbox, name, making)
        finally:
            await _end([*made.values(), *images.values()])

    async def _volumes(self, pod: Obj, attempts: Mapping[str, int]) -> Mapping[str, Path] | None:
        services = self._services
        try:
            paths = await set_up_volumes(services, pod, attempts)
        except SetupFailure as error:
            for message in error.messages:
                self._say("", "Warning", "FailedMount", message)
            self._retry("", min(0.5 * 2.0**self._mount_failures, MAX_MOUNT_RETRY))
            self._mount_failures += 1
            return None
        self._mount_failures = 0
        return paths

    async def _new_sandbox(
        self, view: View, actions: Actions, maker: ContainerMaker, images: Mapping[str, asyncio.Future[Image]],
        made: dict[str, asyncio.Future[Made]],
    ) -> SandboxState | None:  # fmt: skip
        """The first container is made meanwhile, into `made`, where it can be: starting a sandbox takes long."""
        services = self._services
        dns = pod_dns(view.pod, services.dns)
        for reason, message in dns.warnings:
            self._say("", "Warning", reason, message)
        domain = services.dns.domain
        config = sandbox_config(view.pod, actions.sandbox_attempt, services.node_name, domain, dns)

        born: list[str] = []

        def created(sandbox: SandboxState) -> None:
            born.append(sandbox.id)
            for name, attempt in [*actions.start.items()][:1]:
                spec = _spec(view.pod, name)
                if not tells_pod_address(spec):
                    made[name] = asyncio.ensure_future(maker.make(sandbox, spec, attempt, images[name]))

        try:
            sandbox = await unbroken(services.runtime.run_sandbox(config, created))
        except RuntimeFailure as error:
            await _end(made.values())
            await self._take_back(config.pod_uid, born)
            self._fail_sandbox(str(error))
            return None
        self.sandbox_problem = ""
        return sandbox

    async def _take_back(self, uid: str, sandboxes: list[str]) -> None:
        """Remove what was made in sandboxes that never ran: it would count as an attempt."""
        runtime = self._services.runtime
        with contextlib.suppress(RuntimeFailure):
            state = await runtime.pod(uid)
            for container in state.containers if state is not None else ():
                if container.labels.get(SANDBOX_ID) in sandboxes:
                    await unbroken(runtime.remove_container(container.id))

    def _fail_sandbox(self, why: str) -> None:
        self.sandbox_problem = why
        self._say("", "Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {why}")
        self._retry("", RETRY_SECONDS)

    async def _image(self, pod: Obj, name: str) -> Image:
        def say(type_: Literal["Normal", "Warning"], reason: str, message: str) -> None:
            self._say(name, type_, reason, message)

        image = await self._services.images.ensure(pod, _spec(pod, name), say)
        if image.digest:
            self._services.image_digests[image.id] = image.digest
        return image

    async def _start_container(
        self, view: View, sandbox: SandboxState, name: str, making: Awaitable[Made]
    ) -> None:
        spec = _spec(view.pod, name)
        try:
            made = await making
            self._made(made.container_id, spec)
            self._say(name, "Normal", "Created", "Container created")
            self._tell_refused(name, made.refused)
            await self._launch(view, spec, made.container_id)
        except StartFailure as error:
            self._failed(name, error)
            return
        self.waiting.pop(name, None)
        self.retry_at.pop(name, None)
        self._progress()
        address = sandbox.ip or self._services.node_ip
        await self._post_start(spec, Target(spec, made.container_id, address))
        await self._remove_old(view, name)

    async def _launch(self, view: View, spec: Obj, container_id: str) -> None:
        name = spec["name"]
        last = view.newest.get(name)
        if last is not None:
            self._services.crashes.advance(crash_key(view.pod, name), last.finished_at or last.created_at)
        if (spec.get("lifecycle") or {}).get("postStart"):
            self.hooked.add(container_id)
        try:
            refused = await unbroken(self._services.runtime.start_container(container_id))
        except RuntimeUnavailable:
            raise
        except RuntimeFailure as error:
            raise StartFailure("RunContainerError", str(error), retry_after=0) from error
        self._say(name, "Normal", "Started", "Container started")
        self._tell_refused(name, refused)

    def _tell_refused(self, name: str, refused: list[str]) -> None:
        for sentence in refused:
            self._say(name, "Warning", "SettingNotApplied", sentence)

    def _failed(self, name: str, error: StartFailure) -> None:
        shown = error.reason if error.reason in _BARE_REASONS else error.message
        self._say(name, "Warning", "Failed", f"Error: {shown}")
        self.waiting[name] = Waiting(error.reason, error.message)
        self._retry(name, error.retry_after)
        self._progress()

    async def _post_start(self, spec: Obj, target: Target) -> None:
        hook = (spec.get("lifecycle") or {}).get("postStart")
        if not hook:
            return
        services = self._services
        try:
            outcome = await run_hook(hook, target, HOOK_TIMEOUT, services.runtime, services.clock)
            problem = "" if outcome.ok else outcome.output or "the hook failed"
        except (HandlerError, RuntimeFailure) as error:
            problem = str(error)
        if problem:
            self._say(spec["name"], "Warning", "FailedPostStartHook", "PostStartHook failed")
            self._say(spec["name"], "Normal", "Killing", "FailedPostStartHook")
            self.waiting[spec["name"]] = Waiting("PostStartHookError", f"PostStartHook failed: {problem}")
            await unbroken(services.runtime.stop_container(target.container_id, 2))
        self.hooked.discard(target.container_id)
        self._progress()

    async def _remove_old(self, view: View, name: str) -> None:
        """Keep the attempt before this one, for its status and its log; older ones and old sandboxes go."""
        for container in view.attempts.get(name, ())[1:]:
            await unbroken(self._services.runtime.remove_container(container.id))
        for sandbox in view.dead_sandboxes:
            await unbroken(self._services.runtime.remove_sandbox(sandbox.id))

    def _retry(self, name: str, seconds: float) -> None:
        self.retry_at[name] = self._services.clock.monotonic() + seconds


async def set_up_volumes(
    services: Services, pod: Obj, attempts: Mapping[str, int] | None = None
) -> Mapping[str, Path]:
    """The volumes' paths, made or brought up to date with all that they show; `attempts` has the containers that are
    about to be made. Raises SetupFailure."""
    lookup = await services.referenced.lookup(pod)
    tokens = await services.tokens.lookup(pod)
    return await unbroken(services.volumes.setup(pod, lookup, tokens, services.allocatable, attempts))


def _spec(pod: Obj, name: str) -> Obj:
    container = find_container(pod, name)
    assert container is not None
    return container


async def _end(futures: Collection[asyncio.Future[Any]]) -> None:
    for future in futures:
        future.cancel()
    await asyncio.gather(*futures, return_exceptions=True)


_BARE_REASONS = (
    "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError",
)  # fmt: skip
"""Failures whose event names only the reason: the text is in an event of its own."""


def crash_key(pod: Obj, name: str) -> str:
    return f"{pod['metadata']['uid']}/{name}"
