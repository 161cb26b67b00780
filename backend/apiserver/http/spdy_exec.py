"""exec and attach over SPDY, as clients before WebSockets ask for them: one stream for each of the process' streams.

Source: k8s.io/kubelet pkg/cri/streaming/remotecommand/httpstream.go, protocol v4.channel.k8s.io.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson

from backend.apiserver.http.spdy_session import Carrier, Session, Stream
from backend.apiserver.http.websocket import CLOSE, ERROR, RESIZE, STDERR, STDIN, STDOUT
from backend.meta.errors import ApiError
from backend.meta.streams import ExecOptions
from backend.meta.types import Obj

PROTOCOL = "v4.channel.k8s.io"
CREATION_SECONDS = 30.0
"""How long a client may take to open its streams."""
_CHANNELS = {"stdin": STDIN, "stdout": STDOUT, "stderr": STDERR, "error": ERROR, "resize": RESIZE}


class SpdyChannels:
    """The streams as podstreams' Channels. `run` serves the connection, `ready` waits for the client's streams."""

    def __init__(self, carrier: Carrier, options: ExecOptions) -> None:
        wanted = {
            STDIN: options.stdin, STDOUT: options.stdout, STDERR: options.stderr, ERROR: True, RESIZE: options.tty,
        }  # fmt: skip
        self._expected = {channel for channel, is_wanted in wanted.items() if is_wanted}
        self._streams: dict[int, Stream] = {}
        self._complete = asyncio.Event()
        self._session = Session(carrier, self._opened)

    async def run(self) -> None:
        await self._session.run()

    async def ready(self) -> None:
        """Raises ApiError when the client does not open what it asked for."""
        try:
            async with asyncio.timeout(CREATION_SECONDS):
                await self._complete.wait()
        except TimeoutError:
            raise ApiError(408, "Timeout", "timed out waiting for client to create streams") from None

    async def messages(self) -> AsyncIterator[tuple[int, bytes]]:
        """(channel, data) of what the client sends; (CLOSE, channel) at an end. Ends with the connection."""
        queue: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(1)

        async def read(channel: int, stream: Stream) -> None:
            while data := await stream.read():
                await queue.put((channel, data))
            await queue.put((CLOSE, bytes((channel,))))

        readers = [
            asyncio.create_task(read(channel, stream))
            for channel, stream in self._streams.items()
            if channel in (STDIN, RESIZE)
        ]
        try:
            while True:
                yield await queue.get()
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

    async def write(self, channel: int, data: bytes) -> None:
        if channel in self._streams:
            await self._streams[channel].write(data)

    async def end(self, status: Obj) -> None:
        """The outcome on the error stream, then the end of all streams."""
        await self.write(ERROR, orjson.dumps(status))
        for stream in self._streams.values():
            stream.ignore()
            await stream.close()

    def _opened(self, stream: Stream) -> None:
        channel = _CHANNELS.get(stream.headers.get("streamtype", ""))
        if channel is None:
            stream.ignore()
            return
        self._streams[channel] = stream
        if self._expected <= self._streams.keys():
            self._complete.set()
