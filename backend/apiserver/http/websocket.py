"""One WebSocket: of channels, as exec, attach and port-forward have them, or of messages that are plain bytes.

The first byte of a channel's message is its number; in a base64 protocol its digit, and the rest is base64 text. v5
adds that [255, channel] from the client closes that channel. A client that names no protocol speaks the oldest one,
and before v4 what went wrong is told as text. Source: k8s.io/apimachinery pkg/util/httpstream/wsstream and
k8s.io/streaming.
"""

from __future__ import annotations

import base64
import binascii
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
V4_BASE64 = "v4.base64.channel.k8s.io"
UNNAMED = ""
EXEC_PROTOCOLS = (V5, V4, V4_BASE64, "channel.k8s.io", "base64.channel.k8s.io", UNNAMED)
NORMAL_CLOSURE = 1000


class WebSocket:
    """Not accepted until `accept`; until then `refuse` answers over HTTP."""

    def __init__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.query_string: bytes = scope["query_string"]
        self._offered: list[str] = list(scope["subprotocols"]) or [UNNAMED]
        self._receive = receive
        self._send = send
        self._accepted = False
        self._closed = False
        self._base64 = False
        self._statuses = True

    def offers(self, protocol: str) -> bool:
        return protocol in self._offered

    async def accept(self, protocols: Sequence[str] = EXEC_PROTOCOLS) -> None:
        """Agree on the first protocol that the client knows; raises 400 when there is none."""
        chosen = next(filter(self.offers, protocols), None)
        if chosen is None:
            raise bad_request(f"unable to upgrade: none of {self._offered} is a protocol of {list(protocols)}")
        await self._receive()
        await self._send({"type": "websocket.accept", "subprotocol": chosen or None})
        self._accepted = True
        self._base64 = "base64." in chosen
        self._statuses = chosen.startswith("v")

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
        """(channel, data) until the client closes, or sends what is not base64 where it should be."""
        while data := await self.read():
            if not self._base64:
                yield data[0], data[1:]
                continue
            try:
                decoded = base64.b64decode(data[1:], validate=True)
            except binascii.Error:
                return
            yield data[0] - ord("0"), decoded

    async def write_message(self, data: bytes) -> None:
        """Waits while the client reads slower than we write."""
        if not self._closed:
            await self._send({"type": "websocket.send", "bytes": data})

    async def write(self, channel: int, data: bytes) -> None:
        if not self._base64:
            await self.write_message(bytes((channel,)) + data)
        elif not self._closed:
            await self._send({"type": "websocket.send", "text": f"{channel}{base64.b64encode(data).decode()}"})

    async def end(self, status: Obj) -> None:
        """The outcome on the error channel, then the close."""
        if self._statuses:
            await self.write(ERROR, orjson.dumps(status))
        elif status["status"] != "Success":
            await self.write(ERROR, status["message"].encode())
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
