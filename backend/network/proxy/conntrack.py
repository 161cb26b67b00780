"""The kernel's table of connections: those to an endpoint, and their removal, by nfnetlink (ctnetlink).

Two messages are needed; a library for them (pyroute2) takes 16 MB of memory. Numbers and layouts are those of
linux/netfilter/nfnetlink_conntrack.h. Filters of a dump are as old as Linux 5.8.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_NETFILTER = 12
_GET, _DELETE = 0x101, 0x102  # of the subsystem ctnetlink
_REQUEST, _ACKNOWLEDGE, _DUMP = 1, 4, 0x300
_ERROR, _DONE = 2, 3
_HEADER, _GENERAL, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBH"), struct.Struct("=HH")
_NESTED, _KIND = 0x8000, 0x3FFF
_TUPLE_ORIGINAL, _TUPLE_REPLY, _STATUS, _ID, _ZONE, _FILTER = 1, 2, 3, 12, 18, 25
_TUPLE_IP, _TUPLE_PROTOCOL = 1, 2
_PROTOCOL_NUMBER, _SOURCE_PORT, _DESTINATION_PORT = 1, 2, 3
_FILTER_ORIGINAL, _FILTER_REPLY = 1, 2
_BY_SOURCE_ADDRESS = 1
_DESTINATION_TRANSLATED = 0x20  # IPS_DST_NAT
_PROTOCOLS = {socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp", socket.IPPROTO_SCTP: "sctp"}
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


def flows(answering: str = "") -> list[Flow]:
    """TCP, UDP and SCTP connections, of all or of who answers at an address. Blocks. Raises OSError."""
    family = socket.AF_UNSPEC
    attributes = b""
    if answering:
        family = socket.AF_INET6 if ":" in answering else socket.AF_INET
        kind = 3 if family == socket.AF_INET6 else 1
        address = _attribute(kind, socket.inet_pton(family, answering))
        attributes = _attribute(_TUPLE_REPLY | _NESTED, _attribute(_TUPLE_IP | _NESTED, address))
        flags = [
            _attribute(_FILTER_ORIGINAL, struct.pack("=I", 0)),
            _attribute(_FILTER_REPLY, struct.pack("=I", _BY_SOURCE_ADDRESS)),
        ]
        attributes += _attribute(_FILTER | _NESTED, b"".join(flags))
    with _connection() as connection:
        connection.send(_message(_GET, _DUMP, family, attributes))
        return [flow for body in _answers(connection) if (flow := _flow(body)) is not None]


def forget(gone: list[Flow]) -> None:
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
    destination = _address(original, destination=True), _port(ports[_DESTINATION_PORT])
    endpoint = _address(reply), _port(_attributes(reply[_TUPLE_PROTOCOL])[_SOURCE_PORT])
    status = struct.unpack(">I", found[_STATUS])[0] if _STATUS in found else 0
    identity = b"".join(
        _attribute(kind | (_NESTED if kind == _TUPLE_ORIGINAL else 0), found[kind])
        for kind in (_TUPLE_ORIGINAL, _ID, _ZONE)
        if kind in found
    )
    return Flow(protocol, destination, endpoint, bool(status & _DESTINATION_TRANSLATED), body[0], identity)


def _address(ends: dict[int, bytes], destination: bool = False) -> str:
    addresses = _attributes(ends[_TUPLE_IP])
    for family, kind in ((socket.AF_INET, 1), (socket.AF_INET6, 3)):
        packed = addresses.get(kind + destination)
        if packed is not None:
            return socket.inet_ntop(family, packed)
    raise ValueError("a connection without addresses")


def _port(packed: bytes) -> int:
    return int.from_bytes(packed, "big")
