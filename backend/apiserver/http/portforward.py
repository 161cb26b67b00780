"""pods/portforward: connections of a client to ports of a pod.

Three forms: SPDY streams on an upgraded connection or inside of a WebSocket (what kubectl does), and channels of a
WebSocket, two for each port, for one connection each (what client libraries do).
Source: k8s.io/kubelet pkg/cri/streaming/portforward (httpstream.go, websocket.go).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from backend.apiserver.http.spdy_session import Carrier, Session, Stream
from backend.apiserver.http.websocket import UNNAMED, V4, V4_BASE64
from backend.meta.errors import ApiError, bad_request
from backend.meta.streams import PortConnection

if TYPE_CHECKING:
    from backend.apiserver.http.websocket import WebSocket

PROTOCOL = "portforward.k8s.io"
TUNNEL = f"SPDY/3.1+{PROTOCOL}"
CHANNELS = (V4, V4_BASE64, UNNAMED)
"""WebSocket protocols."""
MAX_PORTS = 128
"""Ports in one request for channels, of which there are 256."""

Connect = Callable[[int], Awaitable[PortConnection]]
"""A port -> a connection to it. Raises ApiError."""


def parse_ports(values: list[str]) -> list[int]:
    """The `ports` of a request for channels. Raises 400."""
    texts = [text for value in values for text in value.split(",")]
    if not texts or texts == [""]:
        raise bad_request('query parameter "port" is required')
    if len(texts) > MAX_PORTS:
        raise bad_request(f"at most {MAX_PORTS} ports can be forwarded by one request")
    for text in texts:
        if not (text.isdecimal() and 0 < int(text) < 65536):
            raise bad_request(f'unable to parse "{text}" as a port')
    return [int(text) for text in texts]


async def forward_streams(carrier: Carrier, connect: Connect) -> None:
    """Serve a SPDY connection until its client ends it; each pair of its streams is one connection to the pod."""
    pairs = _Pairs(connect)
    try:
        await Session(carrier, pairs.opened).run()
    finally:
        await pairs.stop()


class _Pairs:
    """The streams of one client: a data stream and an error stream with the same request ID belong together."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._waiting: dict[str, Stream] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def opened(self, stream: Stream) -> None:
        headers = stream.headers
        is_data = headers.get("streamtype") == "data"
        # Old clients have no IDs: they open the error stream first, and the data stream right after it.
        request = headers.get("requestid") or str(stream.number - 2 if is_data else stream.number)
        other = self._waiting.pop(request, None)
        if other is None:
            self._waiting[request] = stream
            return
        data, errors = (stream, other) if is_data else (other, stream)
        task = asyncio.create_task(self._serve(data, errors))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, data: Stream, errors: Stream) -> None:
        port = data.headers.get("port", "")
        with contextlib.suppress(OSError):
            try:
                (number,) = parse_ports([port])
                connection = await self._connect(number)
            except ApiError as error:
                await errors.write(error.message.encode())
            else:
                try:
                    await _join(data.read, data.write, connection)
                finally:
                    connection.close()
            data.ignore()
            await data.close()
            await errors.close()


async def _join(
    read: Callable[[], Awaitable[bytes]], write: Callable[[bytes], Awaitable[None]], connection: PortConnection
) -> None:
    """Copy both ways until the pod closes, or both have: a client that has sent all may still wait for the answer."""

    async def to_pod() -> None:
        try:
            while data := await read():
                await connection.write(data)
            connection.close_write()
        except OSError:
            return  # The pod has closed: what it said before is still to be read.

    async def from_pod() -> None:
        while data := await connection.read():
            await write(data)

    sending = asyncio.create_task(to_pod())
    try:
        await from_pod()
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def forward_channels(socket: WebSocket, ports: list[int], connect: Connect) -> None:
    """Serve a WebSocket of channels: 2i has the data of the i-th port, 2i+1 its error. Each says its port first."""
    inputs: dict[int, asyncio.Queue[bytes]] = {2 * index: asyncio.Queue(32) for index in range(len(ports))}
    for index, port in enumerate(ports):
        for channel in (2 * index, 2 * index + 1):
            await socket.write(channel, port.to_bytes(2, "little"))
    tasks = [
        asyncio.create_task(_serve_channel(socket, channel, port, inputs, connect))
        for channel, port in zip(list(inputs), ports, strict=True)
    ]
    receiving = asyncio.create_task(_distribute(socket, inputs))
    try:
        await asyncio.wait((receiving, asyncio.gather(*tasks)), return_when=asyncio.FIRST_COMPLETED)
        await socket.close()
    finally:
        for task in (*tasks, receiving):
            task.cancel()
        await asyncio.gather(*tasks, receiving, return_exceptions=True)


async def _distribute(socket: WebSocket, inputs: Mapping[int, asyncio.Queue[bytes]]) -> None:
    async for channel, data in socket.messages():
        received = inputs.get(channel)
        if received is not None and data:
            await received.put(data)


async def _serve_channel(
    socket: WebSocket, channel: int, port: int, inputs: dict[int, asyncio.Queue[bytes]], connect: Connect
) -> None:
    async def write(data: bytes) -> None:
        await socket.write(channel, data)

    try:
        connection = await connect(port)
    except ApiError as error:
        await socket.write(channel + 1, error.message.encode())
    else:
        try:
            await _join(inputs[channel].get, write, connection)
        finally:
            connection.close()
    finally:
        ended = inputs.pop(channel)  # What still comes for it must not hold the other ports up.
        while not ended.empty():
            ended.get_nowait()
