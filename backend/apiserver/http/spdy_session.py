"""A SPDY connection that a client opened: over an upgraded HTTP connection, or as the payload of a WebSocket.

Source: k8s.io/streaming spdy (the upgrade) and k8s.io/apimachinery pkg/util/httpstream (what streams carry).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Protocol

from backend.meta import spdy

PIECE = 32 * 1024
"""Bytes of data in one frame, as Go's io.Copy sends them."""
_WAITING_FRAMES = 32
"""What may wait for the reader of a stream before the whole connection waits."""


class Carrier(Protocol):
    """What a connection's bytes travel on."""

    async def read(self) -> bytes:
        """What came next; b"" at the end."""

    async def write(self, data: bytes) -> None:
        """Waits while the client reads slower than we write."""

    async def close(self) -> None: ...


class Stream:
    """One stream of a session. `headers` are the client's, their names in lower case."""

    def __init__(self, session: Session, number: int, headers: Mapping[str, str]) -> None:
        self.number = number
        self.headers = headers
        self._session = session
        self._received: asyncio.Queue[bytes] = asyncio.Queue(_WAITING_FRAMES)
        self._wanted = True
        self._ended = False
        self._closed = False

    async def read(self) -> bytes:
        """b"" once the client has closed its side."""
        if self._ended:
            return b""
        data = await self._received.get()
        self._ended = not data
        return data

    async def write(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            await self._send(data[start : start + PIECE], fin=False)

    async def close(self) -> None:
        """Nothing more comes from here. Idempotent."""
        if not self._closed:
            await self._send(b"", fin=True)
            self._closed = True

    def ignore(self) -> None:
        """Nobody reads this any more: what still comes must not hold the others up."""
        self._wanted = False
        while not self._received.empty():
            self._received.get_nowait()

    def abort(self) -> None:
        """For the session: nothing comes or goes any more, and whoever reads sees the end."""
        self._closed = True
        self.ignore()
        self._received.put_nowait(b"")

    async def deliver(self, data: bytes) -> None:
        """For the session: what the client sent; b"" for the end."""
        if self._wanted:
            await self._received.put(data)

    async def _send(self, data: bytes, *, fin: bool) -> None:
        if not self._closed:
            await self._session.send(self._session.protocol.data(self.number, data, fin=fin))


class Session:
    """`run` serves the connection until its end; `opened` is called with every stream, already accepted."""

    def __init__(self, carrier: Carrier, opened: Callable[[Stream], None]) -> None:
        self.protocol = spdy.Connection(client=False)
        self._carrier = carrier
        self._opened = opened
        self._streams: dict[int, Stream] = {}

    async def send(self, frame: bytes) -> None:
        await self._carrier.write(frame)

    async def run(self) -> None:
        try:
            while data := await self._carrier.read():
                for event in self.protocol.receive(data):
                    await self._handle(event)
                answers = self.protocol.answers()
                if answers:
                    await self.send(answers)
        except spdy.SpdyError:
            with contextlib.suppress(OSError):
                await self.send(self.protocol.go_away())
        finally:
            for stream in self._streams.values():
                stream.abort()

    async def _handle(self, event: spdy.Event) -> None:
        if isinstance(event, spdy.Opened):
            stream = Stream(self, event.stream, event.headers)
            self._streams[event.stream] = stream
            await self.send(self.protocol.reply(event.stream))
            self._opened(stream)
            if event.fin:
                await stream.deliver(b"")
            return
        if isinstance(event, spdy.Data):
            known = self._streams.get(event.stream)
            if known is None:
                await self.send(self.protocol.reset(event.stream, spdy.INVALID_STREAM))
                return
            if event.data:
                await known.deliver(event.data)
            if event.fin:
                await known.deliver(b"")
        elif isinstance(event, spdy.Reset) and event.stream in self._streams:
            self._streams.pop(event.stream).abort()
