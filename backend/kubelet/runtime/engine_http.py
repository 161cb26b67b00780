"""The engine's long answers, without a thread for each: HTTP/1.1 on asyncio streams.

Logs, events, pulls, stops, and the hijacked connections of exec and attach. One connection serves one request;
closing it is what ends the engine's side.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from backend.kubelet.runtime.api import RuntimeUnavailable
from backend.kubelet.runtime.engine import EngineRefused, unreachable

_READ_BYTES = 64 * 1024


class Endpoint:
    """Where the engine listens, as Docker's client reads DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.url = environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        self._verify = bool(environ.get("DOCKER_TLS_VERIFY"))
        self._certificates = Path(environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises RuntimeUnavailable, also for what cannot be spoken from here (ssh, npipe)."""
        parts = urlsplit(self.url)
        try:
            if parts.scheme in ("unix", "http+unix"):
                return await asyncio.open_unix_connection(parts.path)
            if parts.scheme not in ("tcp", "http", "https"):
                raise RuntimeUnavailable(f"DOCKER_HOST {self.url}: only unix:// and tcp:// are supported")
            tls = self._tls() if self._verify or parts.scheme == "https" else None
            port = parts.port or (2376 if tls else 2375)
            return await asyncio.open_connection(parts.hostname, port, ssl=tls)
        except OSError as error:
            raise unreachable(self.url) from error

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._certificates / "ca.pem"))
        context.load_cert_chain(self._certificates / "cert.pem", self._certificates / "key.pem")
        return context


class Exchange:
    """One request and its answer, which is read as it comes. `close` may be called at any time, repeatedly."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.status = 0
        self.headers: dict[str, str] = {}

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces of any size, until its end. A connection that breaks ends it, too."""
        try:
            if self.headers.get("transfer-encoding") == "chunked":
                async for piece in self._chunked():
                    yield piece
            elif (length := self.headers.get("content-length")) is not None:
                async for piece in self._sized(int(length)):
                    yield piece
            elif self.status not in (204, 304):
                while piece := await self._reader.read(_READ_BYTES):
                    yield piece
        except (OSError, asyncio.IncompleteReadError):
            return

    async def body(self) -> bytes:
        return b"".join([piece async for piece in self.chunks()])

    async def write(self, data: bytes) -> None:
        """Sends on a hijacked connection; waits while the other side does not read."""
        self._writer.write(data)
        await self._writer.drain()

    def write_eof(self) -> None:
        """Half-closes a hijacked connection. TLS has no half-close: there, standard input stays open."""
        if self._writer.can_write_eof():
            self._writer.write_eof()

    def close(self) -> None:
        self._writer.transport.abort()

    async def read_head(self) -> None:
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ", 2)[1])
        for line in filter(None, lines):
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()

    async def _sized(self, left: int) -> AsyncIterator[bytes]:
        while left > 0 and (piece := await self._reader.read(min(left, _READ_BYTES))):
            left -= len(piece)
            yield piece

    async def _chunked(self) -> AsyncIterator[bytes]:
        while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
            async for piece in self._sized(size):
                yield piece
            await self._reader.readexactly(2)


async def request(
    endpoint: Endpoint,
    method: str,
    path: str,
    *,
    reason: str,
    query: Mapping[str, str] | None = None,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    hijack: bool = False,
) -> Exchange:
    """Sends a request, and returns when the answer's head is here; the caller closes the Exchange.

    Raises RuntimeUnavailable where no engine answers, EngineRefused with `reason` for a status of 400 and more.
    """
    reader, writer = await endpoint.connect()
    exchange = Exchange(reader, writer)
    try:
        writer.write(_head_and_body(method, path, query, body, headers, hijack))
        await writer.drain()
        await exchange.read_head()
        if exchange.status >= 400:
            raise EngineRefused(reason, _message(await exchange.body()), exchange.status)
    except (OSError, asyncio.IncompleteReadError) as error:
        exchange.close()
        raise unreachable(endpoint.url) from error
    except BaseException:
        exchange.close()
        raise
    return exchange


def _head_and_body(
    method: str,
    path: str,
    query: Mapping[str, str] | None,
    body: Any,
    headers: Mapping[str, str] | None,
    hijack: bool,
) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    target = f"{path}?{urlencode(query)}" if query else path
    lines = [f"{method} {target} HTTP/1.1", "Host: docker", f"Content-Length: {len(content)}"]
    if body is not None:
        lines.append("Content-Type: application/json")
    lines += ["Connection: Upgrade", "Upgrade: tcp"] if hijack else ["Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()
