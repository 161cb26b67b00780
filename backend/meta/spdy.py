"""SPDY/3.1, as Kubernetes' streaming protocols use it: frames in, events out, and no sockets.

Both ends are here: the API server serves streams that clients open, and `port-forward` opens them. Flow control is not
used, as in Kubernetes' own implementation: what carries the frames pushes back.

Source: the SPDY Protocol, draft 3.1 (dev.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

VERSION = 3
SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
FIN = 0x01
PROTOCOL_ERROR, INVALID_STREAM, REFUSED_STREAM, CANCEL = 1, 2, 3, 5
MAX_FRAME = 1 << 20
"""Bytes of one frame's content that are accepted: clients copy in pieces of 32 KB."""
_MAX_HEADERS = 64 * 1024

_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow"
    " authorization cache-control connection content-base content-encoding content-language content-length"
    " content-location content-md5 content-range content-type date etag expect expires from host if-match"
    " if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma"
    " proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade"
    " user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie"
    " keep-alive origin"
)
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = (
    b"".join(
        struct.pack(">I", len(word)) + word.encode()
        for word in (entry.replace("_", " ") for entry in _WORDS.split())
    )
    + _TAIL.encode()
)
"""What both ends' compression of headers begins with."""


class SpdyError(Exception):
    """The peer does not speak SPDY/3.1: the connection is of no use any more."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The peer opened a stream."""

    stream: int
    headers: Mapping[str, str]
    fin: bool


@dataclass(frozen=True, slots=True)
class Replied:
    """The peer accepted a stream of ours."""

    stream: int


@dataclass(frozen=True, slots=True)
class Data:
    """`fin`: nothing more comes on this stream."""

    stream: int
    data: bytes
    fin: bool


@dataclass(frozen=True, slots=True)
class Reset:
    """The peer ended a stream in both directions."""

    stream: int


@dataclass(frozen=True, slots=True)
class GoneAway:
    """The peer opens and accepts no streams any more."""


Event: TypeAlias = Opened | Replied | Data | Reset | GoneAway


class Connection:
    """One end of a connection. What it gives as bytes has to be sent, in the order in which it was given.

    Headers are single-valued, their names in lower case.
    """

    def __init__(self, *, client: bool) -> None:
        self._next_stream = 1 if client else 2
        self._next_ping = 1 if client else 2
        self._compress = zlib.compressobj(level=1, wbits=15, zdict=DICTIONARY)
        self._decompress = zlib.decompressobj(wbits=15, zdict=DICTIONARY)
        self._received = bytearray()
        self._answers = bytearray()

    def open(self, headers: Mapping[str, str], *, fin: bool = False) -> tuple[int, bytes]:
        """A new stream: its number, and what opens it."""
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        head = struct.pack(">IIBB", stream, 0, 0, 0)
        return stream, _control(SYN_STREAM, FIN if fin else 0, head + self._block(headers))

    def reply(self, stream: int) -> bytes:
        """Accept a stream that the peer opened."""
        return _control(SYN_REPLY, 0, struct.pack(">I", stream) + self._block({}))

    def data(self, stream: int, data: bytes, *, fin: bool = False) -> bytes:
        return struct.pack(">II", stream, (FIN if fin else 0) << 24 | len(data)) + data

    def reset(self, stream: int, status: int = CANCEL) -> bytes:
        return _control(RST_STREAM, 0, struct.pack(">II", stream, status))

    def ping(self) -> bytes:
        number, self._next_ping = self._next_ping, self._next_ping + 2
        return _control(PING, 0, struct.pack(">I", number))

    def go_away(self, last_stream: int = 0) -> bytes:
        return _control(GOAWAY, 0, struct.pack(">II", last_stream, 0))

    def answers(self) -> bytes:
        """What `receive` makes necessary to send by itself (the answers to pings); empty for the most part."""
        answers = bytes(self._answers)
        self._answers.clear()
        return answers

    def receive(self, data: bytes) -> Iterator[Event]:
        """The events that these bytes complete. Raises SpdyError."""
        self._received += data
        while len(self._received) >= 8:
            first, second = struct.unpack_from(">II", self._received)
            length = second & 0xFFFFFF
            if length > MAX_FRAME:
                raise SpdyError(f"a frame of {length} bytes")
            if len(self._received) < 8 + length:
                return
            content = bytes(self._received[8 : 8 + length])
            del self._received[: 8 + length]
            if first >> 31:
                yield from self._control_frame(first, second >> 24, content)
            else:
                yield Data(first, content, bool(second >> 24 & FIN))

    def _control_frame(self, first: int, flags: int, content: bytes) -> Iterator[Event]:
        version, kind = first >> 16 & 0x7FFF, first & 0xFFFF
        if version != VERSION:
            raise SpdyError(f"version {version}")
        try:
            if kind == SYN_STREAM:
                (stream,) = struct.unpack_from(">I", content)
                yield Opened(stream, self._headers(content[10:]), bool(flags & FIN))
            elif kind == SYN_REPLY:
                (stream,) = struct.unpack_from(">I", content)
                self._headers(content[4:])
                yield Replied(stream)
            elif kind == HEADERS:
                self._headers(content[4:])
            elif kind == RST_STREAM:
                yield Reset(*struct.unpack_from(">I", content))
            elif kind == PING:
                (number,) = struct.unpack_from(">I", content)
                if number % 2 != self._next_ping % 2:
                    self._answers += _control(PING, 0, content)
            elif kind == GOAWAY:
                yield GoneAway()
        except (struct.error, zlib.error, UnicodeDecodeError) as error:
            raise SpdyError(f"a broken frame of type {kind}: {error}") from None

    def _block(self, headers: Mapping[str, str]) -> bytes:
        parts = [struct.pack(">I", len(headers))]
        for name, value in headers.items():
            for text in (name.lower().encode(), value.encode()):
                parts.append(struct.pack(">I", len(text)) + text)
        return self._compress.compress(b"".join(parts)) + self._compress.flush(zlib.Z_SYNC_FLUSH)

    def _headers(self, block: bytes) -> dict[str, str]:
        """All blocks of a connection are one compressed text: each must be read, in order."""
        plain = self._decompress.decompress(block, _MAX_HEADERS)
        if self._decompress.unconsumed_tail:
            raise SpdyError("too many headers")
        (count,) = struct.unpack_from(">I", plain)
        texts: list[str] = []
        at = 4
        for _ in range(2 * count):
            (length,) = struct.unpack_from(">I", plain, at)
            texts.append(plain[at + 4 : at + 4 + length].decode())
            at += 4 + length
        return dict(zip(texts[::2], texts[1::2], strict=True))


def _control(kind: int, flags: int, content: bytes) -> bytes:
    return struct.pack(">HHI", 0x8000 | VERSION, kind, flags << 24 | len(content)) + content
