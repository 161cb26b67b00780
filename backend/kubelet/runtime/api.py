"""The container runtime interface: all that the kubelet asks of an engine.

Modelled on the CRI (k8s.io/cri-api runtime.v1): a pod is a sandbox, which holds the network namespace, and
containers in it. What exists is found again by labels after a restart of the backend; the runtime itself keeps no
state that the engine does not. Methods that block run in threads of the implementation's own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from backend.meta.streams import ExecSession, LogOptions, PortConnection
from backend.network.bridge import PodBridge

DEFAULT_MAX_PODS = 110
"""Source: maxPods of kubelet.config.k8s.io/v1beta1 KubeletConfiguration."""


class RuntimeFailure(Exception):
    """The engine refused or failed; the message is for an event. `reason` is the kubelet's reason for a container
    that waits because of it (CreateContainerError, RunContainerError, ErrImagePull, ImageInspectError,
    InvalidImageName...)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class RuntimeUnavailable(RuntimeFailure):
    """No engine answers. Retried for as long as it lasts."""

    def __init__(self, message: str) -> None:
        super().__init__("RuntimeUnavailable", message)


@dataclass(frozen=True, slots=True)
class RuntimeInfo:
    name: str
    version: str
    kernel_version: str
    os_image: str
    architecture: str
    operating_system: str
    cpus: int
    memory_bytes: int
    max_pods: int = DEFAULT_MAX_PODS
    """How many pods the node offers."""


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """One per pod attempt. `labels` carry the io.kubernetes.pod.* labels by which the pod is found again."""

    pod_uid: str
    namespace: str
    name: str
    hostname: str
    attempt: int
    labels: Mapping[str, str]
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    share_process_namespace: bool = False
    domain: str = ""
    """What the hostname is followed by in the pod's full name."""
    dns_servers: Sequence[str] = ()
    dns_searches: Sequence[str] = ()
    dns_options: Sequence[str] = ()
    host_aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """IP -> names."""
    ports: Sequence[tuple[str, int, int, str]] = ()
    """Host ports: (host IP or "", host port, container port, tcp|udp|sctp)."""
    sysctls: Mapping[str, str] = field(default_factory=dict)
    cgroup_memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Mount:
    """A bind mount of a path on the host. `propagation` is Docker's (rprivate, rslave, rshared)."""

    host_path: str
    container_path: str
    read_only: bool = False
    propagation: str = "rprivate"


@dataclass(frozen=True, slots=True)
class ContainerConfig:
    """One container attempt. `command` and `args` replace the image's entrypoint and command when given.

    0 means "not limited" for every resource. `user` is Docker's `uid[:gid]`. Sizes are bytes.
    """

    name: str
    image_id: str
    attempt: int
    labels: Mapping[str, str]
    command: Sequence[str] | None = None
    args: Sequence[str] | None = None
    env: Sequence[tuple[str, str]] = ()
    mounts: Sequence[Mount] = ()
    working_dir: str = ""
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    user: str = ""
    groups: Sequence[int] = ()
    privileged: bool = False
    read_only_rootfs: bool = False
    no_new_privileges: bool = False
    cap_add: Sequence[str] = ()
    cap_drop: Sequence[str] = ()
    cpu_shares: int = 0
    cpu_quota: int = 0
    cpu_period: int = 100_000
    memory_bytes: int = 0
    oom_score_adj: int = 0
    stop_signal: str = ""
    process_namespace_of: str = ""
    """The container whose processes it sees, in place of what the sandbox says of that."""


@dataclass(frozen=True, slots=True)
class CgroupLimits:
    """What of a container's settings can be changed while it runs; as in ContainerConfig."""

    cpu_shares: int
    cpu_quota: int
    cpu_period: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class ContainerState:
    """What the engine says of one container. Times are seconds since the epoch, 0 when it did not happen."""

    id: str
    name: str
    attempt: int
    state: Literal["created", "running", "exited"]
    image_id: str
    labels: Mapping[str, str]
    created_at: float = 0
    started_at: float = 0
    finished_at: float = 0
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class SandboxState:
    id: str
    attempt: int
    ready: bool
    ip: str
    """The pod's address; the node's own address is the kubelet's business for host-network pods ("" here)."""
    labels: Mapping[str, str]
    created_at: float = 0
    ipv6: str = ""
    """Its other address, where the engine gives it one of each family."""

    @property
    def ips(self) -> list[str]:
        """All of its addresses, the first being `ip`."""
        return [address for address in (self.ip, self.ipv6) if address]


@dataclass(frozen=True, slots=True)
class PodState:
    """All that the engine has of one pod, newest attempt first."""

    uid: str
    namespace: str
    name: str
    sandboxes: Sequence[SandboxState]
    containers: Sequence[ContainerState]


@dataclass(frozen=True, slots=True)
class Image:
    """`id` is the engine's sha256:...; `digest` is a repo digest (name@sha256:...) or "" for a local image."""

    id: str
    digest: str
    tags: Sequence[str]
    user: str
    size: int


@dataclass(frozen=True, slots=True)
class RegistryAuth:
    username: str
    password: str
    server: str = ""


@dataclass(frozen=True, slots=True)
class RuntimeEvent:
    """Something happened to a pod's sandbox or container. `pod_uid` is "" when it is about the engine."""

    pod_uid: str
    container_id: str
    action: str
    """start, die, oom, destroy... as Docker names it; of no pod, "disconnected" when the stream is lost, and
    "reconnected" when it is there (again)."""


@dataclass(frozen=True, slots=True)
class NetworkUsage:
    received_bytes: int
    receive_errors: int
    sent_bytes: int
    send_errors: int


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """What a running container uses at `time` (seconds since the epoch); processor time since its start, in ns.

    `networks` is by interface, of the network that it shares with its sandbox.
    """

    time: float
    cpu_nanoseconds: int = 0
    memory_bytes: int = 0
    working_set_bytes: int = 0
    rss_bytes: int = 0
    page_faults: int = 0
    major_page_faults: int = 0
    processes: int = 0
    networks: Mapping[str, NetworkUsage] = field(default_factory=dict)


def ignore(_sandbox: SandboxState) -> None:
    """For who has nothing to do before a sandbox runs."""


class Runtime(Protocol):
    async def info(self) -> RuntimeInfo:
        """Raises RuntimeUnavailable."""

    async def prepare(self) -> None:
        """Make what any pod will need and what costs nothing to keep (the sandbox's image), so that the first is
        about as quick as the others. Nobody has to call it: what is not made yet is made, or fails, with the pod.
        """

    async def pod_bridge(self) -> PodBridge:
        """Where pods without the host's network are. Raises RuntimeUnavailable."""
        ...

    async def pods(self) -> list[PodState]: ...

    async def pod(self, uid: str) -> PodState | None:
        """One pod, inspected fresh."""

    async def run_sandbox(
        self, config: SandboxConfig, created: Callable[[SandboxState], None] = ignore
    ) -> SandboxState:
        """Create and start; a leftover of the same attempt is removed first, and this one when it does not start.

        `created` is called in between, with a sandbox that is not ready yet and has no address: containers can be
        created in it from then on, and started once it runs.
        """

    async def stop_sandbox(self, sandbox_id: str) -> None: ...

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """Idempotent, forced."""

    async def create_container(self, sandbox: SandboxState, config: ContainerConfig) -> tuple[str, list[str]]:
        """The container's id, and a sentence for each setting that this engine refused and that was left out."""

    async def start_container(self, container_id: str) -> list[str]:
        """Sentences for what was refused, as above. Raises RuntimeFailure(RunContainerError or StartError)."""

    async def update_container(self, container_id: str, limits: CgroupLimits) -> None:
        """Of a running container; it goes on as it is. Raises RuntimeFailure(ResizeError)."""

    async def stop_container(self, container_id: str, grace_seconds: float) -> None:
        """SIGTERM (or the stop signal), then SIGKILL after the grace. Returns when it has exited. Idempotent."""

    async def remove_container(self, container_id: str) -> None:
        """Idempotent, forced."""

    async def image(self, reference: str) -> Image | None: ...

    async def images(self) -> list[Image]: ...

    async def pull(self, reference: str, auth: RegistryAuth | None) -> Image:
        """Raises RuntimeFailure(ErrImagePull) with the engine's text."""

    def events(self) -> AsyncIterator[RuntimeEvent]:
        """Engine events of our pods, for ever. It reconnects by itself, and says when it lost the engine and when it
        has it."""

    async def logs(self, container_id: str, options: LogOptions) -> AsyncIterator[bytes]: ...

    async def exec(self, container_id: str, command: Sequence[str], *, stdin: bool, tty: bool) -> ExecSession: ...

    async def attach(self, container_id: str, *, stdin: bool, tty: bool) -> ExecSession: ...

    async def connect(self, sandbox_id: str, port: int) -> PortConnection:
        """A TCP connection to a port inside of the sandbox's network. Raises RuntimeFailure(PortForwardError)."""

    async def exec_probe(self, container_id: str, command: Sequence[str], timeout: float) -> tuple[int, bytes]:
        """(exit code, output) of a probe or a lifecycle hook; raises TimeoutError."""

    async def usage(self, ids: Sequence[str]) -> dict[str, ContainerUsage]:
        """Of containers and sandboxes, without those that do not run (any more)."""

    async def termination_message(self, container_id: str, path: str) -> str:
        """The file's text, at most 4096 bytes; "" when there is none."""

    async def close(self) -> None: ...
