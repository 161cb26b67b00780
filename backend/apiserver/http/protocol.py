"""uvicorn's HTTP protocol, with what our endpoints need to know of the connection, and one write per answer."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from backend.apiserver.authentication.client_certificate import certificate_user
from backend.apiserver.http import request_head
from backend.apiserver.http.limits import Limits
from backend.apiserver.http.request_head import HEAD_LIMIT, Refused

UPGRADE = "upgrade"
"""The extension of a scope whose client asks for another protocol: KubeProtocol.upgrade."""
SINK = "sink"
"""The extension of a scope whose answer may be a watch: its KubeCycle, which takes frames."""
WHOLE = "http.response.whole"
"""A message that is an answer's start and all of its body (`status`, `headers`, `body`): one instead of two."""
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

    The WebSocket library is loaded at the first upgrade: most processes never see one. An idle connection, and one
    whose head does not come, is closed by one timer, which looks how long it has been so; uvicorn starts and stops one
    for every request.
    """

    limits = Limits()
    _idle_since = math.inf
    _upgraded: UpgradedConnection | None = None
    _in_head = True
    _head_bytes = 0
    _since = 0.0
    """When the head began that is coming, or the connection."""
    _refused = Refused(HTTPStatus.BAD_REQUEST)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = self.loop.time()
        self._look_after(min(self.limits.head_timeout, self.timeout_keep_alive))
        tls = transport.get_extra_info("ssl_object")
        user = certificate_user(tls.getpeercert(), tls.getpeercert(True)) if tls is not None else None
        if user is not None:
            self.app_state = {**self.app_state, "user": user}

    def data_received(self, data: bytes) -> None:
        if self._upgraded is not None:
            self._upgraded.feed(data)
            return
        if self._in_head:
            if not self._head_bytes:
                self._since = self.loop.time()
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > HEAD_LIMIT and not self.transport.is_closing():
            self._refused = request_head.too_large()
            self.send_400_response("")

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
        """As uvicorn's, for our own cycle, without a limit of concurrency. Raises Refused, which the parser catches."""
        version = self.parser.get_http_version()
        self._check_head(version)
        self.scope["method"] = self.parser.get_method().decode("ascii")
        if version != "1.1":
            self.scope["http_version"] = version
        upgrade = self.parser.should_upgrade()
        if upgrade and self._should_upgrade():
            return
        raw_path, query = _split(self.url)
        path = raw_path.decode("ascii")
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = raw_path
        self.scope["query_string"] = query
        if upgrade:
            self.scope["extensions"] = {UPGRADE: self.upgrade}  # type: ignore[dict-item]
        before = self.cycle
        self.cycle = KubeCycle(
            scope=self.scope, transport=self.transport, flow=self.flow, logger=self.logger,
            access_logger=self.access_logger, access_log=False, default_headers=[], message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(), on_response=self.on_response_complete,
        )  # fmt: skip
        self.cycle.patience = self.limits.request_timeout
        if query.find(b"watch") >= 0 and self.scope["method"] == "GET":
            self.scope.setdefault("extensions", {})[SINK] = self.cycle  # type: ignore[assignment]
        if "/proxy" not in path:
            self.cycle.deadline = self.loop.time() + self.limits.request_timeout
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _check_head(self, version: str) -> None:
        """Raises Refused, and remembers it for send_400_response."""
        size, self._head_bytes, self._in_head = self._head_bytes, 0, False
        try:
            request_head.check(version, self.url, self.headers)
            # What came with the head may be more of the body than of it.
            if size > HEAD_LIMIT and sum(len(name) + len(value) for name, value in self.headers) > HEAD_LIMIT:
                raise request_head.too_large()
            request_head.check_coding(self.headers)
        except Refused as refused:
            self._refused = refused
            raise

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True

    def send_400_response(self, msg: str) -> None:
        """uvicorn calls this for what it cannot parse: the answer is Go's, in plain text, and the connection ends."""
        code, body = self._refused.code, self._refused.body.encode()
        self.transport.write(
            b"HTTP/1.1 %d %b\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (code.value, code.phrase.encode(), len(body), body)
        )
        self.transport.close()

    def on_response_complete(self) -> None:
        """As uvicorn's, but for the timer."""
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self._since = self.loop.time()

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
        """Close what has been idle for long enough, or has begun a request and not gone on, or look again."""
        limit = self.limits.head_timeout
        left = at_most = min(limit, self.timeout_keep_alive)
        now = self.loop.time()
        if self._idle_since < math.inf:
            left = self._idle_since + self.timeout_keep_alive - now
        elif self._upgraded is None and (self.cycle is None or self.cycle.response_complete):
            left = self._since + limit - now
        if left <= 0:
            super().timeout_keep_alive_handler()
        else:
            self._look_after(min(left, at_most))

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
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().handle_websocket_upgrade()


def _split(url: bytes) -> tuple[bytes, bytes]:
    """Path and query. Nearly every URL begins with its path, and then needs no parser."""
    if url[:1] == b"/" and url.find(b"#") < 0:
        path, _, query = url.partition(b"?")
        return path, query
    parsed = httptools.parse_url(url)
    return parsed.path, parsed.query or b""


class KubeCycle(RequestResponseCycle):
    """Writes an answer that is given whole with one write: over TLS every write is a record of its own.

    A client that reads nothing of an answer for `patience` seconds is dropped: who answers waits for it, and may hold
    much. An answer whose start says `patient` waits for good.
    """

    patience = math.inf
    deadline = math.inf
    """When the body must have come, by the event loop's clock."""
    _start: Any = None
    _pushed: ClassVar[tuple[bytes, bytes]] = (b"", b"")
    """The newest frame that was pushed, by any cycle, and its chunk."""

    async def receive(self) -> Any:
        """As uvicorn's, but a body that is not there at the deadline ends in a disconnect that is marked `late`. What
        has come with its head costs nothing for that."""
        come = self.message_event.is_set()
        unusual = self.more_body or self.disconnected or self.response_complete or self.waiting_for_100_continue
        if come and not unusual:
            self.flow.resume_reading()
            self.message_event.clear()
            body, self.body = bytes(self.body), bytearray()
            return {"type": "http.request", "body": body, "more_body": False}
        if come or not self.more_body or self.deadline == math.inf:
            return await super().receive()
        loop = asyncio.get_running_loop()
        timer = loop.call_at(self.deadline, self.message_event.set)
        try:
            message = await super().receive()
        finally:
            timer.cancel()
        if self.more_body and loop.time() >= self.deadline:
            return {"type": "http.disconnect", "late": True}
        return message

    async def send(self, message: Any) -> None:
        """As uvicorn's; WHOLE is an answer that needs nothing more."""
        kind = message["type"]
        if kind == "http.response.start":
            self._start = message
            if message.get("patient"):
                self.patience = math.inf
            return
        if self.flow.write_paused:
            await self._drained()
        if kind == WHOLE:
            self._send_whole(message, message["body"])
            return
        start, self._start = self._start, None
        if start is None and self.chunked_encoding and message.get("more_body"):
            self._send_chunk(message["body"])
        elif start is None:
            await super().send(message)
        elif message.get("more_body"):
            await super().send(start)
            await super().send(message)
        else:
            self._send_whole(start, message["body"])

    async def _drained(self) -> None:
        """Returns when the client has read most of what was written, or is gone."""
        try:
            async with asyncio.timeout(self.patience if self.patience < math.inf else None):
                await self.flow.drain()
        except TimeoutError:
            self.transport.abort()
            self.disconnected = True
            self.message_event.set()

    def push(self, encode: Callable[[Any], bytes], change: object) -> bool:
        """See Sink. A change goes to one watch after the other, and is made a chunk once."""
        if self.flow.write_paused:
            return False
        if self.disconnected or self.response_complete:
            return True
        frame = encode(change)
        pushed, chunk = KubeCycle._pushed
        if frame is not pushed:
            chunk = b"%x\r\n%b\r\n" % (len(frame), frame)
            KubeCycle._pushed = (frame, chunk)
        self.transport.write(chunk)
        return True

    def _send_chunk(self, body: bytes) -> None:
        """As uvicorn's, which takes longer: a change is written once for each of its watches."""
        if body and not self.disconnected and not self.response_complete and self.scope["method"] != "HEAD":
            self.transport.write(b"%x\r\n%b\r\n" % (len(body), body))

    def _send_whole(self, start: Any, body: bytes) -> None:
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
