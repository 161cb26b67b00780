"""One POST to a webhook, over TLS, within its time. What goes wrong is said as Go's HTTP client and client-go say it.

Sources: k8s.io/apiserver/pkg/util/webhook/client.go, NewGenericServerResponse of k8s.io/apimachinery/pkg/api/errors.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httptools
import orjson

from backend.meta.causes import go_quote

_READ_BYTES = 64 * 1024
_MAX_ANSWER = 10 << 20
_TEXTS = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    406: "the server was unable to respond with a content type that the client supports",
    413: "Request entity too large",
    415: "the server was unable to respond with a content type that the client supports",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}
_VERIFY_TEXTS = {
    10: "x509: certificate has expired or is not yet valid",
    18: "x509: certificate signed by unknown authority",
    19: "x509: certificate signed by unknown authority",
    20: "x509: certificate signed by unknown authority",
    21: "x509: certificate signed by unknown authority",
}


class CallFailed(Exception):
    """The webhook could not be asked, or gave no answer; the text says why."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`host` and `port` are in the URL, and the certificate must be for `host`; `address` is what is dialled."""

    host: str
    port: int | None
    path: str
    ca_bundle: str
    """Base64 of PEM text; "" for the system's own roots."""
    address: tuple[str, int]

    def url(self, seconds: int) -> str:
        return f"https://{self.authority}{self.path}?timeout={seconds}s"

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port is not None else host


async def post(endpoint: Endpoint, body: bytes, seconds: int) -> Any:
    """The answer's JSON. Raises CallFailed."""
    try:
        async with asyncio.timeout(seconds):
            status, answer = await _exchange(endpoint, body, seconds)
    except (OSError, EOFError, httptools.HttpParserError) as error:
        raise CallFailed(f"Post {go_quote(endpoint.url(seconds))}: {_why(error, endpoint)}") from None
    if not 200 <= status <= 206:
        raise CallFailed(_status_text(status, answer))
    try:
        return orjson.loads(answer)
    except orjson.JSONDecodeError as error:
        raise CallFailed(f"couldn't get version/kind; json parse error: {error}") from None


async def _exchange(endpoint: Endpoint, body: bytes, seconds: int) -> tuple[int, bytes]:
    context = await asyncio.to_thread(_tls, endpoint.ca_bundle)
    reader, writer = await asyncio.open_connection(
        *endpoint.address, ssl=context, server_hostname=endpoint.host, limit=_READ_BYTES
    )
    try:
        head = (
            f"POST {endpoint.path}?timeout={seconds}s HTTP/1.1\r\nHost: {endpoint.authority}\r\n"
            "User-Agent: kube-apiserver-admission\r\nAccept: application/json, */*\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = _Answer()
        parser = httptools.HttpResponseParser(answer)
        while not answer.complete:
            piece = await reader.read(_READ_BYTES)
            if not piece:
                # Without a length, the end of the connection is the end of the body.
                if parser.get_status_code() and not answer.sized:
                    break
                raise EOFError
            parser.feed_data(piece)
        return parser.get_status_code(), b"".join(answer.pieces)
    finally:
        writer.transport.abort()


class _Answer:
    """What the parser calls. Raises HttpParserError, through the parser, for a body that is too large."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.complete = False
        self.sized = False
        self._bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self.sized = self.sized or name.lower() in (b"content-length", b"transfer-encoding")

    def on_body(self, piece: bytes) -> None:
        self._bytes += len(piece)
        if self._bytes > _MAX_ANSWER:
            raise ValueError("the webhook's answer is too large")
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        self.complete = True


@lru_cache(maxsize=16)
def _tls(ca_bundle: str) -> ssl.SSLContext:
    """Reads certificates, and so is for a thread. Raises OSError for a bundle that holds none."""
    if not ca_bundle:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=base64.b64decode(ca_bundle).decode())
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OSError("unable to load root certificates: unable to parse bytes as PEM block") from error
    return context


def _why(error: Exception, endpoint: Endpoint) -> str:
    host, port = endpoint.address
    if isinstance(error, TimeoutError):
        return "context deadline exceeded"
    if isinstance(error, ssl.SSLCertVerificationError):
        text = _VERIFY_TEXTS.get(error.verify_code, f"x509: {error.verify_message}")
        return f"tls: failed to verify certificate: {text}"
    if isinstance(error, ssl.SSLError):
        return f"tls: {(error.reason or str(error)).lower().replace('_', ' ')}"
    if isinstance(error, socket.gaierror):
        return f"dial tcp: lookup {host}: no such host"
    if isinstance(error, ConnectionRefusedError):
        return f"dial tcp {host}:{port}: connect: connection refused"
    if isinstance(error, EOFError):
        return "EOF"
    return f"{error}"


def _status_text(status: int, answer: bytes) -> str:
    body = answer.decode(errors="replace").strip()
    if status in _TEXTS:
        return _TEXTS[status]
    if status == 403:
        return body or "unknown"
    if status >= 500:
        return f"an error on the server ({go_quote(body or 'unknown')}) has prevented the request from being successful"
    return f"the server responded with the status code {status} but did not return more information"
