"""A client's connection to the ingress, and one request of it: uvicorn's protocol as the API server uses it, with its
limits of heads and of idle connections, for requests that are another's business.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from backend.apiserver.http.limits import Limits
from backend.apiserver.http.protocol import KubeProtocol, UpgradedConnection
from backend.network.ingress.headers import Header, Origin
from backend.network.ingress.request_parser import RequestParser, body_framing

BODY_SECONDS = 60.0
"""How long a client may pause within a request's body. Source: client_body_timeout of nginx."""
LIMITS = Limits(request_timeout=60.0, head_timeout=60.0)
"""Sources: send_timeout and client_header_timeout of nginx."""


class IngressProtocol(KubeProtocol):
    """`on_lost` is called when the client goes, by whoever answers its request."""

    limits = LIMITS
    on_lost: Callable[[], None] | None = None
    body_to_come = b""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.parser = RequestParser(self)  # type: ignore[assignment]

    def on_headers_complete(self) -> None:
        """A body may come for as long as it keeps coming."""
        self.scope["state"]["connection"] = self
        self.body_to_come = body_framing(self.headers) if self.parser.should_upgrade() else b""
        super().on_headers_complete()
        self.scope["state"]["cycle"] = self.cycle
        self.cycle.deadline = math.inf  # type: ignore[attr-defined]

    def on_message_complete(self) -> None:
        if not self.body_to_come:
            super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost()

    def take_over(self, head: bytes) -> UpgradedConnection:
        """Write an answer's head: what follows is written as it is, and the connection's end is the answer's."""
        self.transport.write(head)
        self.cycle.response_started = self.cycle.response_complete = True
        self._upgraded = UpgradedConnection(self.transport, self.flow)
        return self._upgraded

    def _should_upgrade_to_ws(self) -> bool:
        return False


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class ClientLate(Exception):
    """The request's body does not come."""


class Exchange:
    """One request, and the ways to answer it."""

    __slots__ = (
        "_connection", "_cycle", "_receive", "_send", "body_read", "headers", "is_old", "method", "origin", "path",
        "target",
    )  # fmt: skip

    def __init__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        self._receive = receive
        self._send = send
        self._connection: IngressProtocol = scope["state"]["connection"]
        self._cycle = scope["state"]["cycle"]
        self.method: bytes = scope["method"].encode()
        self.headers: Sequence[Header] = scope["headers"]
        self.path: str = scope["path"]
        query: bytes = scope["query_string"]
        self.target: bytes = scope["raw_path"] + (b"?" + query if query else b"")
        self.is_old: bool = scope["http_version"] == "1.0"
        """Whether the client knows no chunks."""
        host, _ = scope["client"] or ("", 0)
        self.origin = Origin(host.removeprefix("::ffff:"), scope["scheme"], (scope["server"] or ("", 0))[1])
        self.body_read = False

    def header(self, name: bytes) -> bytes | None:
        return next((value for each, value in self.headers if each == name), None)

    def on_lost(self, callback: Callable[[], None] | None) -> None:
        """Call this when the client goes."""
        self._connection.on_lost = callback
        if callback is not None and self._cycle.disconnected:
            callback()

    @property
    def is_lost(self) -> bool:
        return bool(self._cycle.disconnected)

    async def read(self) -> tuple[bytes, bool]:
        """More of the body, and whether it was the last. Raises ClientGone, or ClientLate."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise ClientLate from None
        if message["type"] != "http.request":
            raise ClientGone
        self.body_read = not message.get("more_body", False)
        return message["body"], self.body_read

    async def answer(self, code: int, text: str, extra: Sequence[Header] = (), *, close: bool = False) -> None:
        """An answer of the proxy's own. `close`: what else comes over the connection is not waited for."""
        body = f"{code} {HTTPStatus(code).phrase}{': ' if text else ''}{text}\n".encode()
        headers = [
            (b"date", formatdate(usegmt=True).encode()), (b"content-type", b"text/plain; charset=utf-8"),
            (b"x-content-type-options", b"nosniff"), (b"content-length", b"%d" % len(body)), *extra,
        ]  # fmt: skip
        if close:
            self._cycle.keep_alive = False
        await self.start(code, headers)
        await self.write(body, last=True)

    async def start(self, code: int, headers: Sequence[Header]) -> None:
        """The head goes out with what is written first, be it nothing."""
        await self._send({"type": "http.response.start", "status": code, "headers": headers})

    async def write(self, body: bytes, *, last: bool) -> None:
        """Waits while the client reads slower than we write."""
        await self._send({"type": "http.response.body", "body": body, "more_body": not last})

    def cut(self) -> None:
        """End the connection: the answer has begun, and its rest will not come."""
        self._cycle.response_started = self._cycle.response_complete = True
        self._connection.transport.close()

    def upgrade(self, protocol: bytes, headers: Sequence[Header]) -> UpgradedConnection:
        """Answer 101; the bytes that follow are `protocol`'s."""
        return self._connection.upgrade(protocol, headers)

    def until_end(self, code: int, headers: Sequence[Header]) -> UpgradedConnection:
        """An answer that ends with the connection, for a client that knows no chunks."""
        lines = [b"HTTP/1.1 %d %b" % (code, HTTPStatus(code).phrase.encode() if code in _CODES else b"")]
        lines += [b"%b: %b" % header for header in headers]
        return self._connection.take_over(b"\r\n".join((*lines, b"connection: close\r\n\r\n")))


_CODES = frozenset(int(code) for code in HTTPStatus)
