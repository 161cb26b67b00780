"""The sockets of the server. Their address need not be there yet, or may go and come with the pods' bridge."""

from __future__ import annotations

import contextlib
import socket

_FREEBIND = {socket.AF_INET: (socket.IPPROTO_IP, 15), socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}
"""IP_FREEBIND and IPV6_FREEBIND of Linux, which this Python has no names for."""
_TRIES = 20


def bind(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """(UDP, TCP) on one port: on `port` or, if that is 0 or taken, on any. Raises OSError."""
    failure = OSError()
    for wanted in [port, *[0] * _TRIES]:
        with contextlib.ExitStack() as stack:
            try:
                tcp = stack.enter_context(bind_tcp(address, wanted))
                udp = stack.enter_context(_bound(socket.SOCK_DGRAM, address, tcp.getsockname()[1]))
            except OSError as error:
                failure = error
                continue
            stack.pop_all()
            return udp, tcp
    raise failure


def bind_tcp(address: str, port: int) -> socket.socket:
    """Raises OSError."""
    return _bound(socket.SOCK_STREAM, address, port)


def _bound(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, kind)
    try:
        sock.setblocking(False)
        sock.setsockopt(*_FREEBIND[family], 1)
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock
