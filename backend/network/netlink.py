"""Routes of this machine, asked of the kernel in its own language: rtnetlink(7).

Four messages are needed, whatever tools are installed. The kept library, pyroute2, takes 16 MB of memory and half
a second to import.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator

PROTOCOL = 109
"""Says who made a route: `ip route show proto 109`. Only routes that say so are ever removed."""

_NEW_ROUTE, _DELETE_ROUTE = 24, 25
_LINKS, _IPV4_ADDRESSES, _IPV4_ROUTES, _IPV6_ADDRESSES, _IPV6_ROUTES = 1, 0x10, 0x40, 0x100, 0x400
_CHANGES = _LINKS | _IPV4_ADDRESSES | _IPV4_ROUTES | _IPV6_ADDRESSES | _IPV6_ROUTES
_REQUEST, _ACKNOWLEDGE, _EXCLUSIVE, _CREATE = 1, 4, 0x200, 0x400
_ERROR = 2
_TABLE_MAIN, _SCOPE_LINK, _SCOPE_NOWHERE, _UNICAST = 254, 253, 255, 1
_DESTINATION, _OUT_INTERFACE = 1, 4
_HEADER, _ROUTE, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBBBBBBBI"), struct.Struct("=HH")


def add_route(cidr: str, interface: str) -> bool:
    """Make `cidr` directly reached by the interface; false if there is such a route already, of whomever. Raises
    PermissionError, and OSError where the interface is not there or is down. One answered message of some µs."""
    index = socket.if_nametoindex(interface)
    try:
        _ask(_NEW_ROUTE, _CREATE | _EXCLUSIVE, _route(cidr, _SCOPE_LINK, index))
    except FileExistsError:
        return False
    return True


def remove_route(cidr: str) -> None:
    """Those of ours, on whichever interface; none is no error. Raises PermissionError."""
    with contextlib.suppress(ProcessLookupError):  # which is what ESRCH is called
        while True:  # The same network may have been routed to more than one interface.
            _ask(_DELETE_ROUTE, 0, _route(cidr, _SCOPE_NOWHERE, 0))


def changes() -> socket.socket:
    """Readable whenever an interface, an address or a route of this machine changes; see `drain`."""
    watching = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
    watching.bind((0, _CHANGES))
    return watching


def drain(watching: socket.socket) -> None:
    """Read what there is. That some was lost is a change like others."""
    while True:
        try:
            watching.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise


def _route(cidr: str, scope: int, index: int) -> bytes:
    network = ipaddress.ip_network(cidr)
    family = socket.AF_INET if network.version == 4 else socket.AF_INET6
    route = _ROUTE.pack(family, network.prefixlen, 0, 0, _TABLE_MAIN, PROTOCOL, scope, _UNICAST, 0)
    message = route + _attribute(_DESTINATION, network.network_address.packed)
    return message + _attribute(_OUT_INTERFACE, struct.pack("=I", index)) if index else message


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value  # all of ours are multiples of four


def _ask(kind: int, flags: int, message: bytes) -> None:
    """Raises OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as connection:
        connection.bind((0, 0))
        header = _HEADER.pack(_HEADER.size + len(message), kind, _REQUEST | _ACKNOWLEDGE | flags, 1, 0)
        connection.send(header + message)
        for code in _errors(connection.recv(65536)):
            if code:
                raise OSError(code, os.strerror(code))


def _errors(answer: bytes) -> Iterator[int]:
    while len(answer) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(answer)
        if kind == _ERROR:
            yield -struct.unpack_from("=i", answer, _HEADER.size)[0]
        answer = answer[(length + 3) & ~3 :]
