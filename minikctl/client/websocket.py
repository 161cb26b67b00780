"""A WebSocket of Kubernetes' channels, as exec and attach use it.

Each binary message is one byte that says the channel and then its data. Source: k8s.io/kubectl's remotecommand
over WebSocket (KEP-4006), subprotocols v5.channel.k8s.io and v4.channel.k8s.io; v5 can close the input.
"""

from __future__ import annotations

import json
import select
import ssl
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
)

from minikctl.client.errors import ConnectError, StatusError
from minikctl.client.rest import Client

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"

_READ = 64 * 1024
_MOST_UNSENT = 1024 * 1024
"""Bytes that may wait to be sent before no more input is taken."""


class ChannelSocket:
    """Messages in by `run`'s callback, messages out by `send`; one thread, and neither side ever blocks the other."""

    def __init__(self, client: Client, path: str, query: Sequence[tuple[str, str]]) -> None:
        """Connect. Raises StatusError with the server's refusal, ConnectError without an answer."""
        dialer = client.transport.dialer
        self._host = dialer.host
        self._socket = dialer.dial(None)
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._unsent = bytearray()
        self._partial = bytearray()
        self._queued: list[tuple[int, bytes]] = []
        self._ended = False
        self.subprotocol = ""
        try:
            self._handshake(client, f"{client.target(path)}?{urlencode(query)}")
        except BaseException:
            self._socket.close()
            raise
        self._socket.setblocking(False)

    def send(self, channel: int, data: bytes) -> None:
        """Queue one message."""
        if not self._ended:
            self._unsent += self._protocol.send(BytesMessage(bytes([channel]) + data))

    def close_stdin(self) -> None:
        """Let the process see the end of its input, where the server's protocol can say it."""
        if self.subprotocol == V5:
            self.send(CLOSE, bytes([STDIN]))

    def run(
        self,
        receive: Callable[[int, bytes], None],
        readers: dict[int, Callable[[], bool]],
    ) -> None:
        """Pump messages until the server closes. `readers` maps a file descriptor to what is called when it can be
        read; it returns whether to go on with that descriptor."""
        while not self._ended:
            self._deliver(receive)
            self._flush()
            accepting = [*readers] if len(self._unsent) < _MOST_UNSENT else []
            wanted: list[Any] = [self._socket, *accepting]
            timeout = 0 if self._has_pending() else None
            ready, _, _ = select.select(wanted, [self._socket] if self._unsent else [], [], timeout)
            if timeout == 0 or self._socket in ready:
                self._read()
            for descriptor in accepting:
                if descriptor in ready and not readers[descriptor]():
                    del readers[descriptor]
        self._deliver(receive)

    def close(self) -> None:
        self._socket.close()

    def _handshake(self, client: Client, target: str) -> None:
        extra = [
            (name.encode(), value.encode()) for name, value in client.headers.items() if name.lower() != "accept"
        ]
        request = Request(host=self._host, target=target, subprotocols=[V5, V4], extra_headers=extra)
        self._socket.sendall(self._protocol.send(request))
        rejected: RejectConnection | None = None
        body = b""
        while True:
            data = self._socket.recv(_READ)
            self._protocol.receive_data(data or None)
            for event in self._protocol.events():
                if isinstance(event, AcceptConnection):
                    self.subprotocol = event.subprotocol or ""
                    self._take_events()
                    return
                if isinstance(event, RejectConnection):
                    rejected = event
                elif isinstance(event, RejectData):
                    body += event.data
                    if event.body_finished and rejected is not None:
                        raise _refusal(rejected, body)
            if not data:
                if rejected is not None:
                    raise _refusal(rejected, body)
                raise ConnectError("unexpected EOF", self._host)

    def _has_pending(self) -> bool:
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def _read(self) -> None:
        try:
            data = self._socket.recv(_READ)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            data = b""
        self._protocol.receive_data(data or None)
        self._take_events()
        if not data:
            self._ended = True

    def _take_events(self) -> None:
        for event in self._protocol.events():
            self._handle(event)

    def _handle(self, event: Event) -> None:
        if isinstance(event, BytesMessage):
            self._partial += event.data
            if event.message_finished:
                message, self._partial = bytes(self._partial), bytearray()
                if message:
                    self._queued.append((message[0], message[1:]))
        elif isinstance(event, Ping):
            self._unsent += self._protocol.send(event.response())
        elif isinstance(event, CloseConnection):
            self._ended = True

    def _deliver(self, receive: Callable[[int, bytes], None]) -> None:
        queued, self._queued = self._queued, []
        for channel, data in queued:
            receive(channel, data)

    def _flush(self) -> None:
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                self._unsent.clear()  # The server is gone: the next read says so.
                return
            del self._unsent[:sent]


def _refusal(rejected: RejectConnection, body: bytes) -> Exception:
    try:
        status = json.loads(body)
    except ValueError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return StatusError(status)
    text = body.decode(errors="replace").strip() or f"status code {rejected.status_code}"
    return StatusError({"message": text, "code": rejected.status_code})
