"""The kernel's table of connections: those to an endpoint, and their removal, by nfnetlink (ctnetlink).

Two messages are needed; a library for them (pyroute2) takes 16 MB of memory. Numbers and layouts are those of
linux/netfilter/nfnetlink_conntrack.h. Filters of a dump are as old as Linux 5.8.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_NETFILTER = 12
_GET, _DELETE = 0x101, 0x102  # of the subsystem ctnetlink
_REQUEST, _ACKNOWLEDGE, _DUMP = 1, 4, 0x300
_ERROR, _DONE = 2, 3
_HEADER, _GENERAL, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBH"), struct.Struct("=HH")
_NESTED, _KIND = 0x8000, 0x3FFF
_TUPLE_ORIGINAL, _TUPLE_REPLY, _STATUS, _ID, _ZONE, _FILTER, _STATUS_MASK = 1, 2, 3, 12, 18, 25, 26
_TUPLE_IP, _TUPLE_PROTOCOL = 1, 2
_PROTOCOL_NUMBER, _SOURCE_PORT, _DESTINATION_PORT = 1, 2, 3
_FILTER_ORIGINAL, _FILTER_REPLY = 1, 2
_BY_SOURCE_ADDRESS, _BY_PROTOCOL_NUMBER = 1, 8
_SOURCES: dict[int, int] = {socket.AF_INET: 1, socket.AF_INET6: 3}
_DESTINATIONS: dict[int, int] = {socket.AF_INET: 2, socket.AF_INET6: 4}
_DESTINATION_TRANSLATED = 0x20  # IPS_DST_NAT
_PROTOCOLS = {socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp", socket.IPPROTO_SCTP: "sctp"}
_NUMBERS = {name: number for number, name in _PROTOCOLS.items()}
_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class Flow:
    """One connection as the kernel tracks it."""

    protocol: str
    destination: tuple[str, int]
    """Where the client sent to."""
    endpoint: tuple[str, int]
    """Who answers."""
    translated: bool
    family: int
    identity: bytes
    """The attributes that say which it is."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Of the TCP, UDP and SCTP connections, those that the kernel is asked for. One that is older than a way to ask
    answers with more."""

    answering: str = ""
    """The address of who answers."""
    protocol: str = ""
    translated: bool = False

    def families(self) -> list[int]:
        """The kernel compares ends only within a family."""
        if self.answering:
            return [socket.AF_INET6 if ":" in self.answering else socket.AF_INET]
        return [socket.AF_INET, socket.AF_INET6] if self.protocol else [socket.AF_UNSPEC]

    def attributes(self, family: int) -> bytes:
        found, original, reply = b"", 0, 0
        if self.protocol:
            original = _BY_PROTOCOL_NUMBER
            number = _attribute(_PROTOCOL_NUMBER, bytes([_NUMBERS[self.protocol]]))
            found += _nested(_TUPLE_ORIGINAL, _nested(_TUPLE_PROTOCOL, number))
        if self.answering:
            reply = _BY_SOURCE_ADDRESS
            address = _attribute(_SOURCES[family], socket.inet_pton(family, self.answering))
            found += _nested(_TUPLE_REPLY, _nested(_TUPLE_IP, address))
        if original or reply:
            flags = ((_FILTER_ORIGINAL, original), (_FILTER_REPLY, reply))
            found += _nested(_FILTER, b"".join(_attribute(kind, struct.pack("=I", each)) for kind, each in flags))
        if self.translated:
            found += _attribute(_STATUS, struct.pack(">I", _DESTINATION_TRANSLATED))
            found += _attribute(_STATUS_MASK, struct.pack(">I", _DESTINATION_TRANSLATED))
        return found


def flows(selections: Iterable[Selection]) -> list[Flow]:
    """Blocks. Raises OSError."""
    found: list[Flow] = []
    with _connection() as connection:
        for selection in selections:
            for family in selection.families():
                connection.send(_message(_GET, _DUMP, family, selection.attributes(family)))
                found += [flow for body in _answers(connection) if (flow := _flow(body)) is not None]
    return found


def forget(gone: Iterable[Flow]) -> None:
    """The next packet of each begins a connection anew, by the rules as they are. Those that ended by themselves are
    no error. Blocks. Raises OSError."""
    with _connection() as connection:
        for flow in gone:
            connection.send(_message(_DELETE, _ACKNOWLEDGE, flow.family, flow.identity))
            try:
                list(_answers(connection))
            except FileNotFoundError:
                continue


def _connection() -> socket.socket:
    connection = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER)
    connection.bind((0, 0))
    return connection


def _message(kind: int, flags: int, family: int, attributes: bytes) -> bytes:
    body = _GENERAL.pack(family, 0, 0) + attributes
    return _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | flags, 1, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    size = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(size, kind) + value + bytes(-size % 4)


def _nested(kind: int, attributes: bytes) -> bytes:
    return _attribute(kind | _NESTED, attributes)


def _answers(connection: socket.socket) -> Iterator[bytes]:
    """Bodies of messages until the last one; an error that the kernel tells is raised as OSError."""
    while True:
        data = connection.recv(_BUFFER)
        at = 0
        while at < len(data):
            length, kind, *_ = _HEADER.unpack_from(data, at)
            body = data[at + _HEADER.size : at + length]
            if kind == _DONE:
                return
            if kind == _ERROR:
                code = -struct.unpack_from("=i", body)[0]
                if code:
                    raise OSError(code, os.strerror(code))
                return
            yield body
            at += (length + 3) & ~3
        if not data:
            raise OSError(errno.ECONNRESET, "the kernel ended the answer")


def _attributes(data: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        found[kind & _KIND] = data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found


def _flow(body: bytes) -> Flow | None:
    """None for what has no ports."""
    found = _attributes(body[_GENERAL.size :])
    original, reply = _attributes(found[_TUPLE_ORIGINAL]), _attributes(found[_TUPLE_REPLY])
    ports = _attributes(original[_TUPLE_PROTOCOL])
    protocol = _PROTOCOLS.get(ports[_PROTOCOL_NUMBER][0])
    if protocol is None:
        return None
    destination = _address(original, _DESTINATIONS), _port(ports[_DESTINATION_PORT])
    endpoint = _address(reply, _SOURCES), _port(_attributes(reply[_TUPLE_PROTOCOL])[_SOURCE_PORT])
    status = struct.unpack(">I", found[_STATUS])[0] if _STATUS in found else 0
    identity = b"".join(
        _attribute(kind | (_NESTED if kind == _TUPLE_ORIGINAL else 0), found[kind])
        for kind in (_TUPLE_ORIGINAL, _ID, _ZONE)
        if kind in found
    )
    return Flow(protocol, destination, endpoint, bool(status & _DESTINATION_TRANSLATED), body[0], identity)


def _address(ends: dict[int, bytes], kinds: dict[int, int]) -> str:
    addresses = _attributes(ends[_TUPLE_IP])
    for family, kind in kinds.items():
        if kind in addresses:
            return socket.inet_ntop(family, addresses[kind])
    raise ValueError("a connection without addresses")


def _port(packed: bytes) -> int:
    return int.from_bytes(packed, "big")
