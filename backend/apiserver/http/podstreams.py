"""pods/log over HTTP; pods/exec, attach and portforward over WebSocket and SPDY: from a client to the pod's node."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl

import orjson

from backend.apiserver.http.exchange import TEXT, Exchange
from backend.apiserver.http.podoptions import exec_options, log_options
from backend.apiserver.http.routes import Target
from backend.apiserver.http.websocket import CLOSE, ERROR, RESIZE, STDERR, STDIN, STDOUT, Messages, WebSocket
from backend.meta.errors import ApiError, bad_request
from backend.meta.streams import ExecOptions, ExecSession, NodeStreams, PortConnection
from backend.meta.types import ApiRequest, Obj

if TYPE_CHECKING:
    from backend.apiserver.handler import Handler
    from backend.apiserver.http.portforward import Connect
    from backend.apiserver.http.protocol import UpgradedConnection
    from backend.apiserver.http.spdy_exec import SpdyChannels

PLAIN = b"text/plain"
SUCCESS: Obj = {"metadata": {}, "status": "Success"}
SPDY = b"SPDY/3.1"
STREAM_PROTOCOL = b"x-stream-protocol-version"


class Channels(Protocol):
    """The client's end of an exec or attach: one channel for each of the process' streams."""

    def messages(self) -> AsyncIterator[tuple[int, bytes]]:
        """(channel, data), and (CLOSE, channel) when the client closes one, until it is gone."""

    async def write(self, channel: int, data: bytes) -> None: ...

    async def end(self, status: Obj) -> None:
        """The outcome, then the end."""


class PodStreams:
    """`node` is set once the kubelet can be asked; until then streams fail as with a kubelet that is away."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.node: NodeStreams | None = None

    async def serve(self, exchange: Exchange, target: Target) -> None:
        """pods/log, or what a client does by SPDY on this connection. Raises 400 where it asks for no upgrade."""
        pod = await self._pod(target)
        if target.subresource == "log":
            await self._log(exchange, pod)
        elif target.subresource == "portforward":
            await self._spdy_portforward(exchange, pod)
        else:
            await self._spdy_exec(exchange, pod, target.subresource == "attach")

    async def serve_websocket(self, socket: WebSocket, target: Target) -> None:
        """exec, attach or portforward, to its end.

        Raises ApiError before the socket is accepted where a kubelet refuses to stream, and after it where the
        streaming failed: a client tells the two apart, and would ask again by SPDY after the first.
        """
        pod = await self._pod(target)
        parameters = parse_qsl(socket.query_string.decode("latin-1"), keep_blank_values=True)
        if target.subresource == "portforward":
            await self._websocket_portforward(socket, pod, [v for name, v in parameters if name == "ports"])
            return
        attach = target.subresource == "attach"
        options = exec_options(pod, parameters, attach)
        try:
            session = await self._open(pod, options, attach)
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

    async def _log(self, exchange: Exchange, pod: Obj) -> None:
        options = log_options(pod, exchange.query)
        if not pod["spec"].get("nodeName"):
            await exchange.respond(200, b"", PLAIN)
            return
        chunks = await self._node().logs(pod, options)
        async with exchange.until_disconnect():
            await exchange.start_stream(PLAIN if options.follow else TEXT, patient=True)
            async for chunk in chunks:
                await exchange.write(chunk)
        with contextlib.suppress(AttributeError):
            await chunks.aclose()  # type: ignore[attr-defined]
        await exchange.end_stream()

    async def _spdy_exec(self, exchange: Exchange, pod: Obj, attach: bool) -> None:
        """A kubelet's own refusals are plain text, and kubectl shows them as such."""
        from backend.apiserver.http import spdy_exec

        options = exec_options(pod, exchange.query_values(), attach)
        self._node()
        if not _is_running(pod, options.container):
            await exchange.respond_text(404, f'container not found ("{options.container}")\n')
            return
        connection = _upgrade(exchange, spdy_exec.PROTOCOL)
        channels = spdy_exec.SpdyChannels(connection, options)
        serving = asyncio.create_task(channels.run())
        streaming = asyncio.create_task(self._exec_on(channels, pod, options, attach))
        await _first_of(exchange, connection, serving, streaming)

    async def _exec_on(self, channels: SpdyChannels, pod: Obj, options: ExecOptions, attach: bool) -> None:
        session: ExecSession | None = None
        try:
            await channels.ready()
            session = await self._open(pod, options, attach)
            await _carry(channels, session, options)
        except ApiError as error:
            await channels.end(error.status)
        finally:
            if session is not None:
                await session.close()

    async def _spdy_portforward(self, exchange: Exchange, pod: Obj) -> None:
        from backend.apiserver.http import portforward

        connect = self._connector(pod)
        connection = _upgrade(exchange, portforward.PROTOCOL)
        serving = asyncio.create_task(portforward.forward_streams(connection, connect))
        await _first_of(exchange, connection, serving)

    async def _websocket_portforward(self, socket: WebSocket, pod: Obj, ports: list[str]) -> None:
        from backend.apiserver.http import portforward

        connect = self._connector(pod)
        if socket.offers(portforward.TUNNEL):
            await socket.accept((portforward.TUNNEL,))
            await portforward.forward_streams(Messages(socket), connect)
        else:
            numbers = portforward.parse_ports(ports)
            await socket.accept(portforward.CHANNELS)
            await portforward.forward_channels(socket, numbers, connect)

    def _connector(self, pod: Obj) -> Connect:
        """Raises 400 for a pod that is nowhere."""
        node = self._node()
        if not pod["spec"].get("nodeName"):
            raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")

        async def connect(port: int) -> PortConnection:
            return await node.connect(pod, port)

        return connect

    async def _open(self, pod: Obj, options: ExecOptions, attach: bool) -> ExecSession:
        node = self._node()
        return await (node.attach(pod, options) if attach else node.exec(pod, options))

    def _node(self) -> NodeStreams:
        if self.node is None:
            text = "error dialing backend: the kubelet of this machine does not answer"
            raise ApiError(500, "InternalError", text)
        return self.node

    async def _pod(self, target: Target) -> Obj:
        return await self._handler.request(
            ApiRequest("get", "", target.resource.version, "pods", target.namespace, target.name)
        )


def _upgrade(exchange: Exchange, protocol: str) -> UpgradedConnection:
    """The connection as SPDY, in the protocol of its streams. Raises 400 and 403 as k8s.io/streaming does."""
    wanted = exchange.headers.get(b"upgrade", b"").lower()
    if exchange.upgrade is None or SPDY.lower() not in wanted:
        raise bad_request("Upgrade request required")
    offered = [value.decode("latin-1") for name, value in exchange.header_pairs if name == STREAM_PROTOCOL]
    names = [name.strip() for value in offered for name in value.split(",")]
    if names and protocol not in names:
        text = f"unable to upgrade: unable to negotiate protocol: client supports {names}, server accepts"
        raise ApiError(403, "Forbidden", f"{text} [{protocol}]")
    return exchange.upgrade(SPDY, [(STREAM_PROTOCOL, protocol.encode())])


async def _first_of(exchange: Exchange, connection: UpgradedConnection, *tasks: asyncio.Task[None]) -> None:
    """Until one of the tasks ends or the server stops; then the connection is closed."""
    current = asyncio.current_task()
    assert current is not None
    exchange.streams.add(current)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        current.uncancel()
    finally:
        exchange.streams.discard(current)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await connection.close()


def _is_running(pod: Obj, container: str) -> bool:
    status = pod.get("status") or {}
    kinds = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    states = [state for kind in kinds for state in status.get(kind) or ()]
    return any(state["name"] == container and "running" in state.get("state", {}) for state in states)


async def _carry(channels: Channels, session: ExecSession, options: ExecOptions) -> None:
    """Both directions at once, until the process ends or the client goes."""
    outgoing = asyncio.create_task(_outgoing(channels, session, options))
    incoming = asyncio.create_task(_incoming(channels, session))
    try:
        await asyncio.wait((outgoing, incoming), return_when=asyncio.FIRST_COMPLETED)
        if incoming.done():
            incoming.result()
        if outgoing.done():
            await channels.end(outgoing.result())
    finally:
        for task in (outgoing, incoming):
            task.cancel()
        await asyncio.gather(outgoing, incoming, return_exceptions=True)


async def _outgoing(channels: Channels, session: ExecSession, options: ExecOptions) -> Obj:
    wanted = {STDOUT: options.stdout, STDERR: options.stderr}
    async for channel, data in session.output():
        if wanted[channel]:
            await channels.write(channel, data)
    return _outcome(await session.exit_code())


async def _incoming(channels: Channels, session: ExecSession) -> None:
    """Ends when the client is gone."""
    async for channel, data in channels.messages():
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
