"""The UDP listener: its socket is read until it is empty, some questions at a time: others have their turn, too."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from functools import partial
from typing import Any

from backend.network.dns.frontend import Frontend

BATCH = 64
"""Questions that are answered without looking at anything else: about a millisecond."""
MAX_QUESTION = 4096
RECEIVE_BUFFER = 1 << 20
"""Bytes for what comes while the process does something else: over a thousand questions."""
_SO_RCVBUFFORCE = 33
"""Of Linux, which this Python has no name for: the size whatever net.core.rmem_max says, for root."""


class UdpListener:
    """From `start` to `close`, which closes the socket too."""

    def __init__(self, sock: socket.socket, frontend: Frontend) -> None:
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._sock = sock
        self._frontend = frontend
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        self._loop.add_reader(self._sock, self._read)

    def close(self) -> None:
        self._loop.remove_reader(self._sock)
        self._sock.close()

    def _read(self) -> None:
        receive, ask = self._sock.recvfrom, self._frontend.ask
        for _ in range(BATCH):
            try:
                data, peer = receive(MAX_QUESTION)
            except BlockingIOError:
                return
            except OSError:
                continue  # what an ICMP message told of an earlier answer
            ask(data, partial(self._send, peer))

    def _send(self, peer: tuple[Any, ...], answer: bytes) -> None:
        # An answer that cannot be sent is lost, as on any network: the client asks again.
        with contextlib.suppress(OSError):
            self._sock.sendto(answer, peer)
