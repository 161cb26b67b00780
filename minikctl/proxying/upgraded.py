"""Bytes both ways between two sockets, of which either may be TLS, by one thread."""

from __future__ import annotations

import select
import socket
import ssl

PIECE = 64 * 1024
MOST_UNSENT = 256 * 1024


class _End:
    """One socket, and what waits to be sent to it."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.unsent = bytearray()
        self.ended = False

    def read(self) -> bytes | None:
        """None: nothing now. b"": the end."""
        try:
            return self.socket.recv(PIECE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except OSError:
            return b""

    def flush(self) -> None:
        while self.unsent:
            try:
                del self.unsent[: self.socket.send(self.unsent)]
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                self.unsent.clear()
                self.ended = True

    def has_pending(self) -> bool:
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0


def relay(client: socket.socket, server: socket.socket, early: bytes) -> None:
    """Until either side ends; what came before that is still passed on. `early` was read of the client's already."""
    ends = (_End(client), _End(server))
    ends[1].unsent += early
    for end in ends:
        end.socket.setblocking(False)
    while not any(end.ended for end in ends):
        readable = [
            end for end, other in zip(ends, reversed(ends), strict=True) if len(other.unsent) < MOST_UNSENT
        ]
        writable = [end.socket for end in ends if end.unsent]
        pending = any(end.has_pending() for end in readable)
        select.select([end.socket for end in readable], writable, [], 0 if pending else None)
        for end in readable:
            data = end.read()
            if data is not None:
                (ends[1] if end is ends[0] else ends[0]).unsent += data
                end.ended = end.ended or not data
        for end in ends:
            end.flush()
    for end in ends:
        if not end.ended:
            end.socket.setblocking(True)
            end.socket.settimeout(5.0)
            try:
                end.socket.sendall(end.unsent)
            except OSError:
                return
