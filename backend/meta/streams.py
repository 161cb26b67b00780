"""How the API server reaches a node for what is not an object: logs, exec, attach and ports.

The kubelet implements NodeStreams; the wiring hands it to the API server, as kube-apiserver reaches a kubelet's
port 10250. Errors are ApiError, with the kubelet's texts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.meta.types import Obj


@dataclass(frozen=True, slots=True)
class LogOptions:
    """core/v1 PodLogOptions; None is "not given". Times are RFC 3339 in `since_time`, seconds otherwise."""

    container: str
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    since_seconds: int | None = None
    since_time: str | None = None
    limit_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ExecOptions:
    """core/v1 PodExecOptions, and PodAttachOptions when `command` is empty."""

    container: str
    command: Sequence[str]
    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    tty: bool = False


class ExecSession(Protocol):
    """One running exec or attach."""

    async def write_stdin(self, data: bytes) -> None: ...

    async def close_stdin(self) -> None: ...

    async def resize(self, width: int, height: int) -> None: ...

    def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """(1 stdout or 2 stderr, data) until the process ends; with a terminal all is on 1."""

    async def exit_code(self) -> int:
        """Waits for the end."""

    async def close(self) -> None:
        """Give up: the reader is gone. Frees what the session holds; idempotent."""


class PortConnection(Protocol):
    """One connection to a port of a pod. Neither end needs to close first."""

    async def read(self) -> bytes:
        """What came next; b"" at the end."""

    async def write(self, data: bytes) -> None:
        """Waits while the pod reads slower than we write. Raises OSError once the pod has closed."""

    def close_write(self) -> None:
        """Let the pod see the end of its input."""

    def close(self) -> None:
        """Frees what the connection holds; idempotent."""


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """What a node answers to a GET of its own API; `body` is read once."""

    code: int
    content_type: str
    body: AsyncIterator[bytes]


class NodeStreams(Protocol):
    async def logs(self, pod: Obj, options: LogOptions) -> AsyncIterator[bytes]:
        """Chunks of the container's log, stdout and stderr as Docker interleaved them. Raises before the
        first chunk where the kubelet would refuse (400: container "x" in pod "y" is waiting to start: REASON)."""

    async def exec(self, pod: Obj, options: ExecOptions) -> ExecSession: ...

    async def attach(self, pod: Obj, options: ExecOptions) -> ExecSession: ...

    async def connect(self, pod: Obj, port: int) -> PortConnection:
        """A connection to a port of the pod, as its own processes would reach it on localhost. Raises ApiError."""

    async def get(self, node: str, path: str, query: Mapping[str, str]) -> NodeAnswer:
        """The kubelet's own API, of which only reading is served: `/pods`, `/stats/summary`... Raises ApiError."""
