"""pods/log over HTTP, pods/exec and pods/attach over WebSocket: from a client to the pod's node and back."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import orjson

from backend.apiserver.http.exchange import TEXT, Exchange
from backend.apiserver.http.podoptions import exec_options, log_options
from backend.apiserver.http.routes import Target
from backend.apiserver.http.websocket import CLOSE, ERROR, RESIZE, STDERR, STDIN, STDOUT, WebSocket
from backend.meta.errors import ApiError, bad_request
from backend.meta.streams import ExecOptions, ExecSession, NodeStreams
from backend.meta.types import ApiRequest, Obj

if TYPE_CHECKING:
    from backend.apiserver.handler import Handler

PLAIN = b"text/plain"
SUCCESS: Obj = {"metadata": {}, "status": "Success"}


class PodStreams:
    """`node` is set once the kubelet can be asked; until then streams fail as with a kubelet that is away."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.node: NodeStreams | None = None

    async def serve(self, exchange: Exchange, target: Target) -> None:
        """pods/log, or the refusal of an exec or attach that is not a WebSocket."""
        pod = await self._pod(target)
        if target.subresource != "log":
            await self._refuse(exchange, pod, target.subresource == "attach")
            return
        options = log_options(pod, exchange.query)
        if not pod["spec"].get("nodeName"):
            await exchange.respond(200, b"", PLAIN)
            return
        chunks = await self._node().logs(pod, options)
        async with exchange.until_disconnect():
            await exchange.start_stream(PLAIN if options.follow else TEXT)
            async for chunk in chunks:
                await exchange.write(chunk)
        with contextlib.suppress(AttributeError):
            await chunks.aclose()  # type: ignore[attr-defined]
        await exchange.end_stream()

    async def serve_websocket(self, socket: WebSocket, target: Target) -> None:
        """exec or attach, to its end.

        Raises ApiError before the socket is accepted where a kubelet refuses to stream, and after it where the
        streaming failed: a client tells the two apart, and would ask again by SPDY after the first.
        """
        pod = await self._pod(target)
        attach = target.subresource == "attach"
        parameters = parse_qsl(socket.query_string.decode("latin-1"), keep_blank_values=True)
        options = exec_options(pod, parameters, attach)
        node = self._node()
        try:
            session = await (node.attach(pod, options) if attach else node.exec(pod, options))
        except ApiError:
            if _is_running(pod, options.container):
                await socket.accept()
            raise
        try:
            await socket.accept()
            await socket.write(STDOUT if options.stdout else STDERR if options.stderr else ERROR, b"")
            await _carry(socket, session, options)
        finally:
            await session.close()

    async def _refuse(self, exchange: Exchange, pod: Obj, attach: bool) -> None:
        """Answer a client that asks by SPDY, which is what kubectl does after a refused WebSocket: it wants the
        reason. A kubelet's own refusals are plain text, and kubectl shows them as such."""
        options = exec_options(pod, exchange.query_values(), attach)
        self._node()
        if not _is_running(pod, options.container):
            await exchange.respond_text(404, f'container not found ("{options.container}")\n')
            return
        raise bad_request("Upgrade request required")

    def _node(self) -> NodeStreams:
        if self.node is None:
            text = "error dialing backend: the kubelet of this machine does not answer"
            raise ApiError(500, "InternalError", text)
        return self.node

    async def _pod(self, target: Target) -> Obj:
        return await self._handler.request(
            ApiRequest("get", "", target.resource.version, "pods", target.namespace, target.name)
        )


def _is_running(pod: Obj, container: str) -> bool:
    status = pod.get("status") or {}
    kinds = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    states = [state for kind in kinds for state in status.get(kind) or ()]
    return any(state["name"] == container and "running" in state.get("state", {}) for state in states)


async def _carry(socket: WebSocket, session: ExecSession, options: ExecOptions) -> None:
    """Both directions at once, until the process ends or the client goes."""
    outgoing = asyncio.create_task(_outgoing(socket, session, options))
    incoming = asyncio.create_task(_incoming(socket, session))
    try:
        await asyncio.wait((outgoing, incoming), return_when=asyncio.FIRST_COMPLETED)
        if incoming.done():
            incoming.result()
        if outgoing.done():
            await socket.end(outgoing.result())
    finally:
        for task in (outgoing, incoming):
            task.cancel()
        await asyncio.gather(outgoing, incoming, return_exceptions=True)


async def _outgoing(socket: WebSocket, session: ExecSession, options: ExecOptions) -> Obj:
    wanted = {STDOUT: options.stdout, STDERR: options.stderr}
    async for channel, data in session.output():
        if wanted[channel]:
            await socket.write(channel, data)
    return _outcome(await session.exit_code())


async def _incoming(socket: WebSocket, session: ExecSession) -> None:
    """Ends when the client has closed its side of the socket."""
    async for channel, data in socket.messages():
        if channel == STDIN:
            if data:
                await session.write_stdin(data)
        elif channel == CLOSE:
            if data == bytes((STDIN,)):
                await session.close_stdin()
        elif channel == RESIZE:
            with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError):
                size = orjson.loads(data)
                await session.resize(int(size["Width"]), int(size["Height"]))


def _outcome(exit_code: int) -> Obj:
    """The Status of a command's end. Source: k8s.io/kubelet remotecommand and client-go's v4 decoder."""
    if exit_code == 0:
        return SUCCESS
    return {
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {exit_code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(exit_code)}]},
    }  # fmt: skip
