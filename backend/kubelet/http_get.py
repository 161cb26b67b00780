"""One HTTP GET, as probes and lifecycle hooks make it, with Go's error texts.

Source: pkg/probe/http. No certificate is checked, redirects within the host are followed, and at most 10 KiB of
the body are read.
"""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urljoin, urlsplit

MAX_BODY = 10 * 1024
MAX_REDIRECTS = 10
USER_AGENT = "kube-probe/1.37"


class HttpGetError(Exception):
    """No answer; the text is Go's net/http's."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """`location` is the target of a redirect to another host, which is not followed."""

    status: int
    body: str
    location: str = ""


async def http_get(url: str, headers: Mapping[str, str], timeout: float) -> HttpAnswer:
    """Raises HttpGetError, such as `Get "http://10.0.0.1:80/": dial tcp 10.0.0.1:80: connect: connection refused`."""
    try:
        async with asyncio.timeout(timeout):
            return await _follow(url, headers)
    except TimeoutError:
        text = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        raise HttpGetError(f'Get "{url}": {text}') from None


async def dial(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A TCP connection. Raises ConnectionError with Go's text."""
    try:
        return await asyncio.open_connection(host, port)
    except OSError as error:
        raise ConnectionError(f"dial tcp {join(host, port)}: {dial_error(error)}") from error


def dial_error(error: OSError) -> str:
    if error.errno is None or error.errno <= 0:
        return f"lookup: {error}"
    if error.errno == errno.ETIMEDOUT:
        return "i/o timeout"
    return f"connect: {os.strerror(error.errno).lower()}"


def join(host: str, port: int) -> str:
    """host:port, with brackets around an IPv6 address (Go's net.JoinHostPort)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _follow(url: str, headers: Mapping[str, str]) -> HttpAnswer:
    target = url
    for _ in range(MAX_REDIRECTS):
        try:
            status, location, body = await _request(target, headers)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            raise HttpGetError(f'Get "{target}": {_reason(error)}') from error
        if status not in (301, 302, 303, 307, 308) or not location:
            return HttpAnswer(status, body)
        following = urljoin(target, location)
        if urlsplit(following).hostname != urlsplit(target).hostname:
            return HttpAnswer(status, body, following)
        target = following
    raise HttpGetError(f'Get "{target}": stopped after {MAX_REDIRECTS} redirects')


def _reason(error: Exception) -> str:
    if isinstance(error, asyncio.IncompleteReadError):
        return "EOF"
    if isinstance(error, ConnectionResetError):
        return "read: connection reset by peer"
    return str(error)


async def _request(url: str, headers: Mapping[str, str]) -> tuple[int, str, str]:
    """(status, Location, body) of one exchange."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    reader, writer = await dial(host, port)
    try:
        if secure:
            await writer.start_tls(_unverified(), server_hostname=host)
        writer.write(_head(parts.path or "/", parts.query, join(host, port), headers))
        status, location, length = await _answer_head(reader)
        return status, location, await _body(reader, length)
    finally:
        writer.close()


def _head(path: str, query: str, host: str, headers: Mapping[str, str]) -> bytes:
    fields = {"host": host, "user-agent": USER_AGENT, "accept": "*/*", "connection": "close"}
    fields.update({name.lower(): value for name, value in headers.items()})
    lines = [f"GET {path}{'?' + query if query else ''} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items() if v)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _answer_head(reader: asyncio.StreamReader) -> tuple[int, str, int | None]:
    line = await reader.readuntil(b"\n")
    words = line.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ValueError(f'malformed HTTP response "{line.decode("latin-1").strip()}"')
    location, length = "", None
    while (line := await reader.readuntil(b"\n")).strip():
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower() == "location":
            location = value.strip()
        elif name.lower() == "content-length" and value.strip().isdigit():
            length = int(value)
    return int(words[1]), location, length


async def _body(reader: asyncio.StreamReader, length: int | None) -> str:
    wanted = MAX_BODY if length is None else min(length, MAX_BODY)
    body = b""
    while len(body) < wanted and (chunk := await reader.read(wanted - len(body))):
        body += chunk
    return body.decode(errors="replace")


@cache
def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
