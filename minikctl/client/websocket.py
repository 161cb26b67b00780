"""A WebSocket of binary messages, and one of Kubernetes' channels, as exec and attach use it.

In the latter each message is one byte that says the channel and then its data. Source: k8s.io/kubectl's remotecommand
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
MOST_UNSENT = 1024 * 1024
"""Bytes that may wait to be sent before no more input is taken."""


class MessageSocket:
    """Messages in and out by one thread, which never blocks here: it selects on `socket`, and calls `receive` when that
    can be read, `flush` when it can be written and there is something `unsent`."""

    def __init__(
        self, client: Client, path: str, query: Sequence[tuple[str, str]], subprotocols: Sequence[str]
    ) -> None:
        """Connect. Raises StatusError with the server's refusal, ConnectError without an answer."""
        dialer = client.transport.dialer
        self._host = dialer.host
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._partial = bytearray()
        self._messages: list[bytes] = []
        self.socket = dialer.dial(None)
        self.unsent = bytearray()
        self.ended = False
        """The server has closed, or is gone."""
        self.subprotocol = ""
        try:
            target = f"{client.target(path)}?{urlencode(query)}" if query else client.target(path)
            self._handshake(client, target, subprotocols)
        except BaseException:
            self.socket.close()
            raise
        self.socket.setblocking(False)

    def queue(self, data: bytes) -> None:
        """Have one message sent, by `flush`."""
        if not self.ended:
            self.unsent += self._protocol.send(BytesMessage(data))

    def receive(self) -> None:
        """Read once; `messages` then has what came."""
        try:
            data = self.socket.recv(_READ)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            data = b""
        self._protocol.receive_data(data or None)
        self._take_events()
        if not data:
            self.ended = True

    def messages(self) -> list[bytes]:
        """Those that came since the last call."""
        messages, self._messages = self._messages, []
        return messages

    def has_pending(self) -> bool:
        """Whether something can be read that `select` does not see."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def flush(self) -> None:
        """Send what can be sent now."""
        while self.unsent:
            try:
                sent = self.socket.send(self.unsent)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                self.unsent.clear()  # The server is gone: the next read says so.
                return
            del self.unsent[:sent]

    def close(self) -> None:
        self.socket.close()

    def _handshake(self, client: Client, target: str, subprotocols: Sequence[str]) -> None:
        extra = [
            (name.encode(), value.encode()) for name, value in client.headers.items() if name.lower() != "accept"
        ]
        request = Request(host=self._host, target=target, subprotocols=list(subprotocols), extra_headers=extra)
        self.socket.sendall(self._protocol.send(request))
        rejected: RejectConnection | None = None
        body = b""
        while True:
            data = self.socket.recv(_READ)
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

    def _take_events(self) -> None:
        for event in self._protocol.events():
            self._handle(event)

    def _handle(self, event: Event) -> None:
        if isinstance(event, BytesMessage):
            self._partial += event.data
            if event.message_finished:
                message, self._partial = bytes(self._partial), bytearray()
                if message:
                    self._messages.append(message)
        elif isinstance(event, Ping):
            self.unsent += self._protocol.send(event.response())
        elif isinstance(event, CloseConnection):
            self.ended = True


class ChannelSocket:
    """Messages in by `run`'s callback, messages out by `send`; one thread, and neither side ever blocks the other."""

    def __init__(self, client: Client, path: str, query: Sequence[tuple[str, str]]) -> None:
        """Connect. Raises StatusError with the server's refusal, ConnectError without an answer."""
        self._messages = MessageSocket(client, path, query, (V5, V4))

    def send(self, channel: int, data: bytes) -> None:
        """Queue one message."""
        self._messages.queue(bytes([channel]) + data)

    def close_stdin(self) -> None:
        """Let the process see the end of its input, where the server's protocol can say it."""
        if self._messages.subprotocol == V5:
            self.send(CLOSE, bytes([STDIN]))

    def run(
        self,
        receive: Callable[[int, bytes], None],
        readers: dict[int, Callable[[], bool]],
    ) -> None:
        """Pump messages until the server closes. `readers` maps a file descriptor to what is called when it can be
        read; it returns whether to go on with that descriptor."""
        messages = self._messages
        socket = messages.socket
        while not messages.ended:
            self._deliver(receive)
            messages.flush()
            accepting = [*readers] if len(messages.unsent) < MOST_UNSENT else []
            wanted: list[Any] = [socket, *accepting]
            timeout = 0 if messages.has_pending() else None
            ready, _, _ = select.select(wanted, [socket] if messages.unsent else [], [], timeout)
            if timeout == 0 or socket in ready:
                messages.receive()
            for descriptor in accepting:
                if descriptor in ready and not readers[descriptor]():
                    del readers[descriptor]
        self._deliver(receive)

    def close(self) -> None:
        self._messages.close()

    def _deliver(self, receive: Callable[[int, bytes], None]) -> None:
        for message in self._messages.messages():
            receive(message[0], message[1:])


def _refusal(rejected: RejectConnection, body: bytes) -> Exception:
    try:
        status = json.loads(body)
    except ValueError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return StatusError(status)
    text = body.decode(errors="replace").strip() or f"status code {rejected.status_code}"
    return StatusError({"message": text, "code": rejected.status_code})
