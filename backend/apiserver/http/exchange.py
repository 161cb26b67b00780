"""One HTTP request and its answer: what all endpoints read, and the ways in which they write."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from backend.apiserver.http.protocol import WHOLE
from backend.meta.errors import ApiError, bad_request
from backend.meta.uids import new_uid

if TYPE_CHECKING:
    from backend.apiserver.frames import Sink
    from backend.apiserver.http.protocol import UpgradedConnection
    from backend.apiserver.http.routes import Target

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Header = tuple[bytes, bytes]
Upgrade = Callable[[bytes, Sequence[Header]], "UpgradedConnection"]

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"
GZIP_FROM = 128 * 1024
"""Bytes from which an answer is compressed. Source: endpoints/handlers/responsewriters."""
SLICE = 256 * 1024
"""Bytes that are given to the transport at once: encrypting more would hold the event loop."""
MAX_PARAMETERS = 10_000
PRETTY_AGENTS = (b"curl", b"Wget", b"Mozilla/5.0")
NO_CACHE: Header = (b"cache-control", b"no-cache, private")

_date = (0, b"")


def _date_header() -> Header:
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = (now, formatdate(now, usegmt=True).encode())
    return (b"date", _date[1])


class Exchange:
    """A request on its way. `streams` holds the tasks of answers that do not end by themselves."""

    __slots__ = (
        "_query", "audit_id", "code", "header_pairs", "headers", "method", "path", "query_string",
        "raw_path", "receive", "send", "sink",
        "state", "streaming", "streams", "target", "upgrade", "verb",
    )  # fmt: skip

    def __init__(
        self, scope: Mapping[str, Any], receive: Receive, send: Send, streams: set[asyncio.Task[Any]]
    ) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: bytes = scope["raw_path"]
        self.query_string: bytes = scope["query_string"]
        self.header_pairs: Sequence[Header] = scope["headers"]
        self.headers: dict[bytes, bytes] = dict(reversed(self.header_pairs))  # of one that is repeated, the first
        self.state: Mapping[str, Any] = scope["state"]
        extensions = scope.get("extensions") or {}
        self.upgrade: Upgrade | None = extensions.get("upgrade")
        """Present where the client asks for another protocol: KubeProtocol.upgrade."""
        self.sink: Sink | None = extensions.get("sink")
        """Present where the answer may be a watch: KubeCycle."""
        self.receive = receive
        self.send = send
        self.streams = streams
        self.streaming = False
        self.code = 200
        """The answer's, once it began."""
        self.target: Target | None = None
        """The resource, and `verb` what is done to it; None for other paths."""
        self.verb = ""
        self._query: dict[str, str] | None = None
        self.audit_id: bytes = self.headers.get(b"audit-id") or new_uid().encode()

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of one that is repeated, the first."""
        if self._query is None:
            self._query = {}
            if self.query_string:
                for name, value in self.query_values():
                    self._query.setdefault(name, value)
        return self._query

    def query_values(self) -> list[tuple[str, str]]:
        """Raises 400 for more parameters than Go's net/url reads."""
        try:
            return parse_qsl(
                self.query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_PARAMETERS
            )
        except ValueError:
            raise bad_request("number of URL query parameters exceeded limit") from None

    async def respond(
        self, code: int, body: bytes | Sequence[bytes], content_type: bytes = JSON,
        extra: Sequence[Header] = (), cache: Header = NO_CACHE,
    ) -> None:  # fmt: skip
        """`body` is whole or in pieces."""
        self.code = code
        pieces = (body,) if isinstance(body, bytes) else body
        if content_type == JSON and self._wants_pretty():
            pieces = (_pretty(pieces),)
        size = sum(map(len, pieces))
        headers = [
            (b"content-type", content_type), (b"audit-id", self.audit_id), cache, _date_header(), *extra,
        ]  # fmt: skip
        if size >= GZIP_FROM and b"gzip" in self.headers.get(b"accept-encoding", b""):
            pieces = (await asyncio.to_thread(_gzip, pieces),)
            size = len(pieces[0])
            headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
        headers.append((b"content-length", b"%d" % size))
        if size <= SLICE:
            whole = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            await self.send({"type": WHOLE, "status": code, "headers": headers, "body": whole})
            return
        await self.send({"type": "http.response.start", "status": code, "headers": headers})
        for piece in pieces:
            view = memoryview(piece)
            for start in range(0, len(view), SLICE):
                await self.write(view[start : start + SLICE])
                await asyncio.sleep(0)
        await self.send({"type": "http.response.body", "body": b""})

    async def respond_json(self, document: Any, code: int = 200) -> None:
        await self.respond(code, orjson.dumps(document))

    async def respond_error(self, error: ApiError) -> None:
        extra: list[Header] = []
        seconds = (error.details or {}).get("retryAfterSeconds")
        if seconds:
            extra.append((b"retry-after", b"%d" % seconds))
        await self.respond(error.code, orjson.dumps(error.status), extra=extra)

    async def respond_text(self, code: int, text: str, extra: Sequence[Header] = ()) -> None:
        await self.respond(code, text.encode(), TEXT, (*extra, (b"x-content-type-options", b"nosniff")))

    async def start_stream(
        self, content_type: bytes, extra: Sequence[Header] = (), *, patient: bool = False
    ) -> None:  # fmt: skip
        """A `patient` stream waits for good while the client reads nothing; of any other the client is dropped."""
        headers = [(b"content-type", content_type), (b"audit-id", self.audit_id), NO_CACHE, _date_header(), *extra]
        start = {"type": "http.response.start", "status": 200, "headers": headers, "patient": patient}
        await self.send(start)
        self.streaming = True
        await self.write(b"")  # the head goes out now, not with the first chunk

    async def write(self, chunk: bytes | memoryview) -> None:
        """One chunk of an answer; waits while the client reads slower than we write."""
        await self.send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end_stream(self) -> None:
        """Ends a stream that was started."""
        if self.streaming:
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    @asynccontextmanager
    async def until_disconnect(self) -> AsyncIterator[None]:
        """A block that ends quietly, by cancellation, when the client goes or the server stops."""
        task = asyncio.current_task()
        assert task is not None
        watcher = asyncio.create_task(self._cancel_at_disconnect(task))
        self.streams.add(task)
        try:
            yield
        except asyncio.CancelledError:
            task.uncancel()
        finally:
            self.streams.discard(task)
            watcher.cancel()

    async def _cancel_at_disconnect(self, task: asyncio.Task[Any]) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        task.cancel()

    def _wants_pretty(self) -> bool:
        if self.query_string and "pretty" in self.query:
            return self.query["pretty"] in ("", "1", "t", "T", "true", "TRUE", "True")
        return self.headers.get(b"user-agent", b"").startswith(PRETTY_AGENTS)


def warning_header(text: str) -> Header:
    """RFC 7234's header as kube-apiserver sends it: code 299, no agent, the text quoted."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\r", " ")
    return (b"warning", f'299 - "{quoted}"'.encode())


def _pretty(pieces: Sequence[bytes]) -> bytes:
    document = orjson.loads(b"".join(pieces))
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _gzip(pieces: Sequence[bytes]) -> bytes:
    compressor = zlib.compressobj(level=1, wbits=31)
    return b"".join([*map(compressor.compress, pieces), compressor.flush()])
