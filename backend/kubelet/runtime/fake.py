"""A runtime without an engine: containers are entries in memory that run until told to end.

For tests of everything above the runtime, and for clusters whose pods only have to exist. It keeps the promises of
`runtime.api`; nothing is executed, so that exec and attach refuse.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from backend.kubelet.runtime.api import (
    CgroupLimits,
    ContainerConfig,
    ContainerState,
    ContainerUsage,
    Image,
    PodState,
    RegistryAuth,
    RuntimeEvent,
    RuntimeFailure,
    RuntimeInfo,
    RuntimeUnavailable,
    SandboxConfig,
    SandboxState,
    ignore,
)  # fmt: skip
from backend.machinery.clock import Clock
from backend.meta.streams import ExecSession, LogOptions, PortConnection
from backend.network.bridge import PodBridge

POD_UID_LABEL = "io.kubernetes.pod.uid"
SIGTERM_EXIT = 143
SIGKILL_EXIT = 137


@dataclass(slots=True)
class _Pod:
    uid: str
    namespace: str
    name: str
    sandboxes: dict[str, SandboxState] = field(default_factory=dict)
    containers: dict[str, ContainerState] = field(default_factory=dict)
    configs: dict[str, ContainerConfig] = field(default_factory=dict)


async def _proceed(_operation: str, _subject: str) -> None:
    return None


def _runs(_config: ContainerConfig) -> int | None:
    return None


def _succeeds(_container: ContainerState, _command: Sequence[str]) -> tuple[int, bytes]:
    return 0, b""


class FakeRuntime:
    """What a test may set: `before(operation, subject)` is awaited before each operation, and may wait or raise;
    `on_start(config)` gives the code with which a container ends at once, or None to let it run; `on_exec` answers
    probes; `stubborn` has names of containers that ignore SIGTERM; `refused` has the
    sentences that come with every container that is created; `registry` what can be pulled;
    `termination_messages` and `usages` by container id; `log_bytes` what every log holds. `updates` is what running
    containers were given."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pods: dict[str, _Pod] = {}
        self._owners: dict[str, _Pod] = {}
        """By the id of a sandbox or a container."""
        self._ids = itertools.count(1)
        self._listeners: set[asyncio.Queue[RuntimeEvent]] = set()
        self._available = True
        self._ended: dict[str, asyncio.Event] = {}
        self.local_images: dict[str, Image] = {}
        self.registry: dict[str, Image] = {}
        self.auths: list[tuple[str, RegistryAuth | None]] = []
        self.before: Callable[[str, str], Awaitable[None]] = _proceed
        self.on_start: Callable[[ContainerConfig], int | None] = _runs
        self.on_exec: Callable[[ContainerState, Sequence[str]], tuple[int, bytes]] = _succeeds
        self.stubborn: set[str] = set()
        self.dual_stack = False
        self.refused: list[str] = []
        self.termination_messages: dict[str, str] = {}
        self.log_bytes = b""
        self.usages: dict[str, ContainerUsage] = {}
        self.updates: list[tuple[str, CgroupLimits]] = []

    # What a person or a test does to it.

    def add_image(self, reference: str, *, local: bool = True) -> Image:
        image = Image(
            f"sha256:{len(self.registry) + len(self.local_images) + 1:064x}", "", [reference], "", 4_000_000
        )
        (self.local_images if local else self.registry)[reference] = image
        return image

    def exit(self, pod_uid: str, name: str, code: int, *, oom: bool = False) -> None:
        """The newest attempt of a running container ends."""
        pod = self._pods[pod_uid]
        running = [c for c in pod.containers.values() if c.name == name and c.state == "running"]
        if not running:
            raise LookupError(f"no running container {name} in pod {pod_uid}")
        self._end(pod, running[-1].id, code, oom=oom)

    def end(self, container_id: str, code: int) -> None:
        """A running container ends, found by its own id."""
        pod = self._owner(container_id)
        if pod is not None and pod.containers[container_id].state == "running":
            self._end(pod, container_id, code)

    def kill_sandbox(self, pod_uid: str) -> None:
        """The sandbox dies, as by a reboot; its containers run on until somebody ends them."""
        pod = self._pods[pod_uid]
        for sandbox in pod.sandboxes.values():
            pod.sandboxes[sandbox.id] = replace(sandbox, ready=False)
        self._tell(pod_uid, "", "die")

    def reboot(self) -> None:
        """Everything stops; what is stored stays."""
        for pod in self._pods.values():
            for container in [*pod.containers.values()]:
                if container.state == "running":
                    self._end(pod, container.id, SIGKILL_EXIT)
            self.kill_sandbox(pod.uid)

    def set_available(self, available: bool) -> None:
        self._available = available
        self._tell("", "", "reconnected" if available else "disconnected")

    def config(self, container_id: str) -> ContainerConfig:
        """How a container was created."""
        return next(pod.configs[container_id] for pod in self._pods.values() if container_id in pod.configs)

    def states(self) -> list[PodState]:
        """All pods, without asking the engine whether it is there."""
        return [self._state(pod) for pod in self._pods.values()]

    # backend.kubelet.runtime.api.Runtime

    async def info(self) -> RuntimeInfo:
        await self._begin("info", "")
        return RuntimeInfo("fake", "1.0.0", "0.0.0", "fake", "amd64", "linux", 4, 8 << 30)

    async def prepare(self) -> None:
        await self._begin("prepare", "")

    async def pod_bridge(self) -> PodBridge:
        return PodBridge("none", ("10.88.0.0/16",), ("10.88.0.1",))

    async def pods(self) -> list[PodState]:
        await self._begin("pods", "")
        return self.states()

    async def pod(self, uid: str) -> PodState | None:
        await self._begin("pod", uid)
        return self._state(self._pods[uid]) if uid in self._pods else None

    async def run_sandbox(
        self, config: SandboxConfig, created: Callable[[SandboxState], None] = ignore
    ) -> SandboxState:
        await self._begin("run_sandbox", config.pod_uid)
        pod = self._pods.setdefault(config.pod_uid, _Pod(config.pod_uid, config.namespace, config.name))
        number = next(self._ids)
        address = "" if config.host_network else f"10.88.{number // 250}.{number % 250 + 2}"
        sandbox = SandboxState(
            f"sandbox{number}", config.attempt, True, address, config.labels, self._clock.now(),
            ipv6=f"fd00:88::{number:x}" if self.dual_stack and address else "",
        )  # fmt: skip
        pod.sandboxes[sandbox.id] = replace(sandbox, ready=False, ip="", ipv6="")
        self._owners[sandbox.id] = pod
        created(pod.sandboxes[sandbox.id])
        try:
            await self._begin("start_sandbox", config.pod_uid)
        except BaseException:
            del pod.sandboxes[sandbox.id], self._owners[sandbox.id]
            self._forget_empty(pod)
            raise
        pod.sandboxes[sandbox.id] = sandbox
        self._tell(pod.uid, sandbox.id, "start")
        return sandbox

    async def stop_sandbox(self, sandbox_id: str) -> None:
        await self._begin("stop_sandbox", sandbox_id)
        pod = self._owner(sandbox_id)
        if pod is not None and pod.sandboxes[sandbox_id].ready:
            pod.sandboxes[sandbox_id] = replace(pod.sandboxes[sandbox_id], ready=False)
            self._tell(pod.uid, sandbox_id, "die")

    async def remove_sandbox(self, sandbox_id: str) -> None:
        await self._begin("remove_sandbox", sandbox_id)
        pod = self._owner(sandbox_id)
        if pod is not None:
            del pod.sandboxes[sandbox_id], self._owners[sandbox_id]
            self._forget_empty(pod)

    async def create_container(self, sandbox: SandboxState, config: ContainerConfig) -> tuple[str, list[str]]:
        await self._begin("create_container", config.name)
        pod = self._owner(sandbox.id)
        if pod is None:
            raise RuntimeFailure("CreateContainerError", f"No such container: {sandbox.id}")
        container = ContainerState(
            f"{next(self._ids):064x}", config.name, config.attempt, "created", config.image_id,
            {**config.labels, "io.kubernetes.sandbox.id": sandbox.id}, self._clock.now(),
        )  # fmt: skip
        pod.containers[container.id] = container
        self._owners[container.id] = pod
        pod.configs[container.id] = config
        self._ended[container.id] = asyncio.Event()
        return container.id, list(self.refused)

    async def start_container(self, container_id: str) -> list[str]:
        await self._begin("start_container", container_id)
        pod = self._owner(container_id)
        if pod is None:
            raise RuntimeFailure("RunContainerError", f"No such container: {container_id}")
        now = self._clock.now()
        pod.containers[container_id] = replace(pod.containers[container_id], state="running", started_at=now)
        self._tell(pod.uid, container_id, "start")
        code = self.on_start(pod.configs[container_id])
        if code is not None:
            self._end(pod, container_id, code)
        return []

    async def update_container(self, container_id: str, limits: CgroupLimits) -> None:
        await self.before("update_container", container_id)
        self.updates.append((container_id, limits))

    async def stop_container(self, container_id: str, grace_seconds: float) -> None:
        await self._begin("stop_container", container_id)
        pod = self._owner(container_id)
        if pod is None or pod.containers[container_id].state != "running":
            return
        if pod.containers[container_id].name not in self.stubborn:
            self._end(pod, container_id, SIGTERM_EXIT)
            return
        await self._wait_for_end(container_id, grace_seconds)
        if container_id in pod.containers and pod.containers[container_id].state == "running":
            self._end(pod, container_id, SIGKILL_EXIT)

    async def remove_container(self, container_id: str) -> None:
        await self._begin("remove_container", container_id)
        pod = self._owner(container_id)
        if pod is not None:
            del pod.containers[container_id], self._owners[container_id]
            self._ended.pop(container_id).set()
            self._forget_empty(pod)

    async def image(self, reference: str) -> Image | None:
        await self._begin("image", reference)
        return self.local_images.get(reference)

    async def images(self) -> list[Image]:
        await self._begin("images", "")
        return [*self.local_images.values()]

    async def pull(self, reference: str, auth: RegistryAuth | None) -> Image:
        self.auths.append((reference, auth))
        await self._begin("pull", reference)
        if reference not in self.registry:
            raise RuntimeFailure("ErrImagePull", f"manifest for {reference} not found")
        image = self.local_images[reference] = self.registry[reference]
        return image

    async def events(self) -> AsyncIterator[RuntimeEvent]:
        queue: asyncio.Queue[RuntimeEvent] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    async def connect(self, sandbox_id: str, port: int) -> PortConnection:
        """No container of this runtime listens."""
        await self._begin("connect", sandbox_id)
        raise RuntimeFailure("PortForwardError", f"dial tcp4 127.0.0.1:{port}: connect: connection refused")

    async def logs(self, container_id: str, options: LogOptions) -> AsyncIterator[bytes]:
        await self._begin("logs", container_id)
        data = self.log_bytes

        async def chunks() -> AsyncIterator[bytes]:
            yield data

        return chunks()

    async def exec(self, container_id: str, command: Sequence[str], *, stdin: bool, tty: bool) -> ExecSession:
        raise RuntimeFailure("ExecNotSupported", "the fake runtime runs no processes")

    async def attach(self, container_id: str, *, stdin: bool, tty: bool) -> ExecSession:
        raise RuntimeFailure("AttachNotSupported", "the fake runtime runs no processes")

    async def exec_probe(self, container_id: str, command: Sequence[str], timeout: float) -> tuple[int, bytes]:
        await self._begin("exec_probe", container_id)
        pod = self._owner(container_id)
        if pod is None:
            raise RuntimeFailure("ExecFailed", f"No such container: {container_id}")
        return self.on_exec(pod.containers[container_id], command)

    async def usage(self, ids: Sequence[str]) -> dict[str, ContainerUsage]:
        now = self._clock.now()
        running = {c.id for pod in self._pods.values() for c in pod.containers.values() if c.state == "running"}
        return {id_: self.usages.get(id_, ContainerUsage(now)) for id_ in ids if id_ in running}

    async def termination_message(self, container_id: str, path: str) -> str:
        return self.termination_messages.get(container_id, "")

    async def close(self) -> None:
        self._listeners.clear()

    async def _begin(self, operation: str, subject: str) -> None:
        if not self._available:
            raise RuntimeUnavailable("Cannot connect to the fake engine. Is it running?")
        await self.before(operation, subject)

    def _owner(self, id_: str) -> _Pod | None:
        return self._owners.get(id_)

    def _end(self, pod: _Pod, container_id: str, code: int, *, oom: bool = False) -> None:
        pod.containers[container_id] = replace(
            pod.containers[container_id],
            state="exited",
            exit_code=code,
            finished_at=self._clock.now(),
            oom_killed=oom,
        )
        self._ended[container_id].set()
        self._tell(pod.uid, container_id, "die")

    async def _wait_for_end(self, container_id: str, seconds: float) -> None:
        ended = self._ended[container_id]
        timer = self._clock.call_later(seconds, ended.set)
        try:
            await ended.wait()
        finally:
            timer.cancel()

    def _forget_empty(self, pod: _Pod) -> None:
        if not pod.sandboxes and not pod.containers:
            self._pods.pop(pod.uid, None)

    def _state(self, pod: _Pod) -> PodState:
        sandboxes = sorted(pod.sandboxes.values(), key=lambda s: -s.attempt)
        containers = sorted(pod.containers.values(), key=lambda c: (-c.attempt, -c.created_at))
        return PodState(pod.uid, pod.namespace, pod.name, sandboxes, containers)

    def _tell(self, pod_uid: str, container_id: str, action: str) -> None:
        for queue in self._listeners:
            queue.put_nowait(RuntimeEvent(pod_uid, container_id, action))
