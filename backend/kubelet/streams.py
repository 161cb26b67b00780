"""What the kubelet serves besides objects: logs, exec, attach, ports and its own API (meta.streams.NodeStreams).

Source of rules and texts: pkg/kubelet/kubelet_pods.go (validateContainerLogStatus, GetExec, GetAttach).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backend.kubelet.podspec import find_container
from backend.kubelet.runtime.api import Runtime, RuntimeFailure
from backend.meta.errors import ApiError, bad_request, unavailable
from backend.meta.streams import ExecOptions, ExecSession, LogOptions, NodeAnswer, PortConnection
from backend.meta.types import Obj

if TYPE_CHECKING:
    from backend.kubelet.node_api import NodeApi

StatusOf = Callable[[Obj], Obj]
"""A pod -> its status as the kubelet knows it, which the API server may not have yet."""

_IMAGE_REASONS = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}


@dataclass(frozen=True, slots=True)
class NodeView:
    """The node that the kubelet's own API is about. `pods` gives its pods, with their newest statuses."""

    name: str
    root_dir: Path
    pods: Callable[[], list[Obj]]


class KubeletStreams:
    """`view` is what the kubelet's own API is about; without it nothing of that is found."""

    def __init__(
        self, runtime: Runtime, status_of: StatusOf = lambda pod: pod.get("status") or {},
        view: NodeView | None = None,
    ) -> None:  # fmt: skip
        self._runtime = runtime
        self._status_of = status_of
        self._view = view
        self._api: NodeApi | None = None

    async def logs(self, pod: Obj, options: LogOptions) -> AsyncIterator[bytes]:
        """Raises ApiError 400 where there is no log to read yet, or none any more."""
        status = self._status_of(pod)
        container_id = log_container(pod["metadata"]["name"], status, options.container, options.previous)
        try:
            return await self._runtime.logs(container_id, options)
        except RuntimeFailure as error:
            raise bad_request(str(error)) from error

    async def exec(self, pod: Obj, options: ExecOptions) -> ExecSession:
        """Raises ApiError 500, as the kubelet does where no such container runs."""
        container_id = await self._running(pod, options.container)
        try:
            return await self._runtime.exec(container_id, options.command, stdin=options.stdin, tty=options.tty)
        except RuntimeFailure as error:
            raise _failed(str(error)) from error

    async def attach(self, pod: Obj, options: ExecOptions) -> ExecSession:
        """The terminal is the container's own choice: that of the options is not asked for."""
        container_id = await self._running(pod, options.container)
        tty = bool((find_container(pod, options.container) or {}).get("tty"))
        try:
            return await self._runtime.attach(container_id, stdin=options.stdin, tty=tty)
        except RuntimeFailure as error:
            raise _failed(str(error)) from error

    async def connect(self, pod: Obj, port: int) -> PortConnection:
        """Raises ApiError 500 with the kubelet's text, which a client shows as it is."""
        meta = pod["metadata"]
        try:
            state = await self._runtime.pod(meta["uid"])
        except RuntimeFailure as error:
            raise _failed(str(error)) from error
        sandbox = next((sandbox for sandbox in state.sandboxes if sandbox.ready), None) if state else None
        if sandbox is None:
            name = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
            raise _failed(f'unable to find container sandbox for pod "{name}"')
        try:
            return await self._runtime.connect(sandbox.id, port)
        except RuntimeFailure as error:
            raise _failed(f"error forwarding port {port} to pod {sandbox.id}, uid : {error}") from error

    async def get(self, node: str, path: str, query: Mapping[str, str]) -> NodeAnswer:
        """The first who asks pays for loading it: most clusters never see one."""
        if self._view is None or node != self._view.name:
            raise unavailable(f"error trying to reach service: no kubelet of node {node} can be reached")
        if self._api is None:
            from backend.kubelet.node_api import NodeApi

            self._api = NodeApi(self._runtime, self._view, self.logs)
        try:
            return await self._api.get(path, query)
        except RuntimeFailure as error:
            raise _failed(str(error)) from error

    async def _running(self, pod: Obj, name: str) -> str:
        try:
            state = await self._runtime.pod(pod["metadata"]["uid"])
        except RuntimeFailure as error:
            raise _failed(str(error)) from error
        containers = state.containers if state else ()
        found = next((c.id for c in containers if c.name == name and c.state == "running"), None)
        if found is None:
            raise _failed(f'container not found ("{name}")')
        return found


def log_container(pod_name: str, status: Obj, name: str, previous: bool) -> str:
    """The engine's id of the container whose log is meant. Raises ApiError 400 where the kubelet would refuse."""
    container = _status(status, name)
    where = f'container "{name}" in pod "{pod_name}"'
    if container is None:
        raise bad_request(f"{where} is not available")
    state = container.get("state") or {}
    last = _id((container.get("lastState") or {}).get("terminated"))
    terminated = state.get("terminated")
    if previous:
        if not last:
            raise bad_request(f"previous terminated {where} not found")
        return last
    if state.get("running") is not None:
        return _id(container)
    if found := _id(terminated) or last:
        return found
    if terminated is not None or (container.get("lastState") or {}).get("terminated") is not None:
        raise bad_request(f"{where} is terminated")
    if state.get("waiting") is not None:
        reason = state["waiting"].get("reason", "")
        raise bad_request(f"{where} is waiting to start: {_IMAGE_REASONS.get(reason, reason)}")
    raise bad_request(f"{where} is waiting to start - no logs yet")


def _status(status: Obj, name: str) -> Obj | None:
    for kind in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for container in status.get(kind) or ():
            if container["name"] == name:
                found: Obj = container
                return found
    return None


def _id(state: Obj | None) -> str:
    """Without the runtime's scheme: docker://ID."""
    return str((state or {}).get("containerID") or "").partition("://")[2]


def _failed(message: str) -> ApiError:
    return ApiError(500, "InternalError", message)
