"""uvicorn's HTTP protocol, with what our endpoints need to know of the connection, and one write per answer."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from backend.apiserver.authentication.authenticator import certificate_user

UPGRADE = "upgrade"
"""The extension of a scope whose client asks for another protocol: KubeProtocol.upgrade."""
_READ_AHEAD = 256 * 1024
"""Bytes that may wait for the reader of an upgraded connection before the client has to."""


class UpgradedConnection:
    """A connection whose bytes are no HTTP any more (spdy_session.Carrier)."""

    def __init__(self, transport: asyncio.Transport, flow: FlowControl) -> None:
        self._transport = transport
        self._flow = flow
        self._received = bytearray()
        self._ended = False
        self._news = asyncio.Event()

    def feed(self, data: bytes) -> None:
        """What came from the client; b"" for the end."""
        self._received += data
        self._ended = self._ended or not data
        if len(self._received) > _READ_AHEAD:
            self._flow.pause_reading()
        self._news.set()

    async def read(self) -> bytes:
        """What came next; b"" at the end."""
        while not (self._received or self._ended):
            self._news.clear()
            await self._news.wait()
        data = bytes(self._received)
        self._received.clear()
        self._flow.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Waits while the client reads slower than we write."""
        if self._flow.write_paused:
            await self._flow.drain()
        if not self._transport.is_closing():
            self._transport.write(data)

    async def close(self) -> None:
        self._transport.close()


class KubeProtocol(HttpToolsProtocol):
    """Puts the user of a verified client certificate into the connection's state, which every scope carries.

    The WebSocket library is loaded at the first upgrade: most processes never see one. An idle connection is closed
    by one timer, which looks how long it has been idle; uvicorn starts and stops one for every request.
    """

    _idle_since = math.inf
    _upgraded: UpgradedConnection | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        user = certificate_user(tls.getpeercert(), tls.getpeercert(True)) if tls is not None else None
        if user is not None:
            self.app_state = {**self.app_state, "user": user}

    def data_received(self, data: bytes) -> None:
        if self._upgraded is not None:
            self._upgraded.feed(data)
        else:
            super().data_received(data)

    def upgrade(self, protocol: bytes, headers: Sequence[tuple[bytes, bytes]] = ()) -> UpgradedConnection:
        """Answer 101: from now on the connection's bytes are the caller's, in `protocol`, until its request ends."""
        assert self.cycle is not None
        head = [b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ", protocol, b"\r\n"]
        for name, value in headers:
            head += (name, b": ", value, b"\r\n")
        self.transport.write(b"".join((*head, b"\r\n")))
        self.cycle.response_started = self.cycle.response_complete = True
        self._upgraded = UpgradedConnection(self.transport, self.flow)
        return self._upgraded

    def eof_received(self) -> None:
        if self._upgraded is not None:
            self._upgraded.feed(b"")

    def on_headers_complete(self) -> None:
        """As uvicorn's, for our own cycle, without a limit of concurrency."""
        version = self.parser.get_http_version()
        self.scope["method"] = self.parser.get_method().decode("ascii")
        if version != "1.1":
            self.scope["http_version"] = version
        if self.parser.should_upgrade() and self._should_upgrade():
            return
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = url.path
        self.scope["query_string"] = url.query or b""
        if self.parser.should_upgrade():
            self.scope["extensions"] = {UPGRADE: self.upgrade}  # type: ignore[dict-item]
        before = self.cycle
        self.cycle = KubeCycle(
            scope=self.scope, transport=self.transport, flow=self.flow, logger=self.logger,
            access_logger=self.access_logger, access_log=False, default_headers=[], message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(), on_response=self.on_response_complete,
        )  # fmt: skip
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_response_complete(self) -> None:
        """As uvicorn's, but for the timer."""
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_after(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        """uvicorn calls this when data comes: the connection is not idle until the next answer is complete."""
        self._idle_since = math.inf

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._upgraded is not None:
            self._upgraded.feed(b"")
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def timeout_keep_alive_handler(self) -> None:
        """Close what has been idle for long enough, or look again when it will have been."""
        self.timeout_keep_alive_task = None
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            super().timeout_keep_alive_handler()
        elif left < math.inf:
            self._look_after(left)

    def _look_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _should_upgrade_to_ws(self) -> bool:
        """What goes through a proxy is the business of whom it reaches."""
        return b"/proxy" not in self.url

    def _unsupported_upgrade_warning(self) -> None:
        """A client may ask for SPDY first or last; it is answered as any request, and that is no news."""

    def handle_websocket_upgrade(self) -> None:
        if self.ws_protocol_class is None:
            from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

            self.ws_protocol_class = WSProtocol
        super().handle_websocket_upgrade()


class KubeCycle(RequestResponseCycle):
    """Writes an answer that is given whole with one write: over TLS every write is a record of its own."""

    _start: Any = None

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        if start is None:
            await super().send(message)
        elif message.get("more_body"):
            await super().send(start)
            await super().send(message)
        else:
            await self._send_whole(start, message["body"])

    async def _send_whole(self, start: Any, body: bytes) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        parts = [STATUS_LINE[start["status"]]]
        for name, value in start["headers"]:
            parts += (name, b": ", value, b"\r\n")
        parts.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        if self.scope["method"] != "HEAD":
            parts.append(body)
        self.response_started = self.response_complete = True
        self.transport.write(b"".join(parts))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
