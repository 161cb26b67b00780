"""One connection to an endpoint, over httptools: HTTP/1.1, one request at a time, nothing held as a whole.

Framing that two parties could read in two ways (both a length and a coding, a length that is none, folded headers) is
refused by the parser.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httptools

Header = tuple[bytes, bytes]

READ_AHEAD = 256 * 1024
"""Bytes of a response that may wait for the client before the backend has to."""
_HEAD_LIMIT = 256 * 1024
"""Bytes of a response's headers."""
_NO_BODY = (204, 304)


class Broken(Exception):
    """The endpoint did not give a whole answer; `str` says why."""


class Late(Broken):
    """It gave none in time."""


class Upstream(asyncio.Protocol):
    """Made by the pool. For each request: `begin`, `write` its bytes, `response`, then `read` until that gives b""."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        self._news: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._fault: Broken | None = None
        self._raw = False
        self._last_write = 0.0
        self.sending = False
        """Whether more of the request is to come: until then nobody can expect an answer."""
        self.idle = True
        self.idle_since = 0.0
        self._reset(b"")

    def _reset(self, method: bytes) -> None:
        self._bodyless = method == b"HEAD"
        self._status = 0
        self._headers: list[Header] = []
        self._head_bytes = 0
        self._has_head = False
        self._keep_alive = False
        self._until_end = False
        self._body: list[bytes] = []
        self._waiting_bytes = 0
        self._complete = False
        self.answering = False
        """Whether anything of the answer came."""

    # What the forwarder does.

    def begin(self, method: bytes) -> None:
        self.idle = False
        self._reset(method)

    def write(self, data: bytes) -> None:
        self._last_write = self._loop.time()
        if not self._transport.is_closing():
            self._transport.write(data)

    async def drain(self, seconds: float | None) -> None:
        """Wait until most of what was written is on its way, but no longer. Raises Late."""
        if self._writable.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._writable.wait()
        except TimeoutError:
            raise Late("the backend reads nothing") from None

    async def response(self, seconds: float) -> tuple[int, Sequence[Header]]:
        """The status and headers, with names in lower case. Raises Broken, or Late after so many seconds."""
        while not self._has_head:
            await self._more(seconds)
        return self._status, self._headers

    async def read(self, seconds: float | None) -> bytes:
        """All that came of the body; b"" at its end. Raises Broken where it ended before, or Late."""
        while not self._body:
            if self._complete:
                return b""
            await self._more(seconds)
        data = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        if self._waiting_bytes > READ_AHEAD and not self._transport.is_closing():
            self._transport.resume_reading()
        self._waiting_bytes = 0
        return data

    @property
    def has_news(self) -> bool:
        """Whether `read` would answer at once."""
        return bool(self._body) or self._complete

    @property
    def is_complete(self) -> bool:
        """Whether the last of the body came. `read` gives all of it at once."""
        return self._complete

    @property
    def is_reusable(self) -> bool:
        return self._complete and self._keep_alive and self._fault is None and not self._transport.is_closing()

    def close(self, why: str = "the connection was closed") -> None:
        """Whoever waits for it gets Broken."""
        self._fail(Broken(why))

    async def _more(self, seconds: float | None) -> None:
        if self._fault is not None:
            raise self._fault
        self._news = self._loop.create_future()
        self._timer = self._loop.call_later(seconds, self._expect, seconds) if seconds is not None else None
        try:
            await self._news
        finally:
            self._news = None
            if self._timer is not None:
                self._timer.cancel()

    def _expect(self, seconds: float) -> None:
        """What was waited for did not come, unless there was more to send meanwhile."""
        left = seconds if self.sending else self._last_write + seconds - self._loop.time()
        if left <= 0:
            self._fail(Late("the backend did not answer in time"))
        else:
            self._timer = self._loop.call_later(left, self._expect, seconds)

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _fail(self, fault: Broken) -> None:
        if self._fault is None:
            self._fault = fault
        self._transport.abort()
        self._writable.set()
        self._wake()

    # What the event loop does.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's are no subclasses of asyncio.Transport

    def data_received(self, data: bytes) -> None:
        if self.idle:  # Nobody asked: whatever it is, it is no answer to the next request.
            self._fail(Broken("the backend spoke out of turn"))
            return
        self.answering = True
        if self._raw:
            self.on_body(data)
            return
        if not self._has_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._raw, self._complete = True, False
            if len(data) > (offset := upgrade.args[0]):
                self.on_body(data[offset:])
        except httptools.HttpParserError as error:
            self._fail(Broken(f"its answer is no HTTP: {error}"))
        if self._bodyless and self._complete:
            self._parser = httptools.HttpResponseParser(self)  # This one waits for a body.
        if self._head_bytes > _HEAD_LIMIT and not self._head_is_small():
            self._has_head = False
            self._fail(Broken("the headers of its answer are too large"))

    def _head_is_small(self) -> bool:
        """What came with the head may be more of the body than of it."""
        return self._has_head and sum(len(name) + len(value) for name, value in self._headers) <= _HEAD_LIMIT

    def connection_lost(self, error: Exception | None) -> None:
        if (self._until_end or self._raw) and error is None and self._fault is None:
            self._complete = True
        self._fail(Broken("the backend closed the connection"))

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # What the parser does. It takes an answer of 1xx for a whole message.

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("an answer to nothing")
        self._headers, self._status = [], 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_head:  # After it there are trailers, which are not passed on.
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 and status != 101:
            return
        self._status = status
        names = {name for name, _ in self._headers}
        codings = [value.strip().lower() for name, value in self._headers if name == b"transfer-encoding"]
        if codings not in ([], [b"chunked"]):
            raise ValueError("a coding that is not chunked")
        self._keep_alive = self._parser.should_keep_alive() and status != 101
        has_body = not self._bodyless and status not in _NO_BODY and status != 101
        self._until_end = has_body and not codings and b"content-length" not in names
        self._has_head = True
        self._complete = self._bodyless
        self._wake()

    def on_body(self, body: bytes) -> None:
        if self._complete:
            self._fail(Broken("the backend spoke out of turn"))
            return
        self._body.append(body)
        before, self._waiting_bytes = self._waiting_bytes, self._waiting_bytes + len(body)
        if before <= READ_AHEAD < self._waiting_bytes:
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        if self._has_head and self._status != 101:
            self._complete = True
            self._wake()
