"""One WebSocket: of channels, as v4 and v5.channel.k8s.io of exec and attach, or of messages that are plain bytes.

The first byte of a channel's message is its number. Source: k8s.io/apimachinery pkg/util/httpstream/wsstream and
k8s.io/streaming; v5 adds that [255, channel] from the client closes that channel.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson

from backend.apiserver.http.exchange import Receive, Send
from backend.meta.errors import ApiError, bad_request
from backend.meta.types import Obj

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
CLOSE = 255
V5 = "v5.channel.k8s.io"
V4 = "v4.channel.k8s.io"
NORMAL_CLOSURE = 1000


class WebSocket:
    """Not accepted until `accept`; until then `refuse` answers over HTTP."""

    def __init__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.query_string: bytes = scope["query_string"]
        self._offered: list[str] = list(scope["subprotocols"])
        self._receive = receive
        self._send = send
        self._accepted = False
        self._closed = False

    def offers(self, protocol: str) -> bool:
        return protocol in self._offered

    async def accept(self, protocols: Sequence[str] = (V5, V4)) -> None:
        """Agree on the first protocol that the client knows; raises 400 when there is none."""
        chosen = next(filter(self.offers, protocols), None)
        if chosen is None:
            raise bad_request(f"unable to upgrade: none of {self._offered} is a protocol of {list(protocols)}")
        await self._receive()
        await self._send({"type": "websocket.accept", "subprotocol": chosen})
        self._accepted = True

    async def refuse(self, error: ApiError) -> None:
        """A Status: as the HTTP answer, or on the error channel once the socket is open."""
        if self._accepted:
            await self.end(error.status)
            return
        body = orjson.dumps(error.status)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await self._send({"type": "websocket.http.response.start", "status": error.code, "headers": headers})
        await self._send({"type": "websocket.http.response.body", "body": body})

    async def read(self) -> bytes:
        """The next message that is not empty; b"" once the client has closed."""
        while not self._closed:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                self._closed = True
                break
            data: bytes = message.get("bytes") or (message.get("text") or "").encode()
            if data:
                return data
        return b""

    async def messages(self) -> AsyncIterator[tuple[int, bytes]]:
        """(channel, data) until the client closes."""
        while data := await self.read():
            yield data[0], data[1:]

    async def write_message(self, data: bytes) -> None:
        """Waits while the client reads slower than we write."""
        if not self._closed:
            await self._send({"type": "websocket.send", "bytes": data})

    async def write(self, channel: int, data: bytes) -> None:
        await self.write_message(bytes((channel,)) + data)

    async def end(self, status: Obj) -> None:
        """The outcome on the error channel, then the close."""
        await self.write(ERROR, orjson.dumps(status))
        await self.close()

    async def close(self) -> None:
        if self._accepted and not self._closed:
            self._closed = True
            await self._send({"type": "websocket.close", "code": NORMAL_CLOSURE})


class Messages:
    """A WebSocket as a carrier of bytes (spdy_session.Carrier): where messages begin means nothing."""

    def __init__(self, socket: WebSocket) -> None:
        self.read = socket.read
        self.write = socket.write_message
        self.close = socket.close
