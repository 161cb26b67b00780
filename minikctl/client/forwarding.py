"""Connections to local ports, each carried to a port of a pod by a pair of SPDY streams inside of one WebSocket.

One thread does it all, by waiting for whichever socket is ready. Source of the protocol: k8s.io/client-go's
tools/portforward (portforward.go, tunneling_dialer.go).
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from typing import Any

from backend.meta import spdy
from minikctl.client.websocket import MOST_UNSENT, MessageSocket

TUNNEL = "SPDY/3.1+portforward.k8s.io"
PIECE = 32 * 1024
MOST_UNREAD = 4 * 1024 * 1024
"""Bytes that may wait for one local connection before nothing more is read from the pod."""
BACKLOG = 128


class LostConnection(Exception):
    """The tunnel has ended, or one of its connections failed."""


class Forwarder:
    """`handling` is told the local port of each new connection, `failed` the text of an error, and both its ports."""

    def __init__(
        self, tunnel: MessageSocket, handling: Callable[[int], None], failed: Callable[[str, int, int], None]
    ) -> None:
        self._tunnel = tunnel
        self._handling = handling
        self._failed = failed
        self._protocol = spdy.Connection(client=True)
        self._selector = selectors.DefaultSelector()
        self._listeners: dict[socket.socket, tuple[int, int]] = {}
        self._streams: dict[int, _Connection] = {}
        self._requests = 0
        self._lost = False

    def add_listener(self, listener: socket.socket, local: int, remote: int) -> None:
        """Forward what connects to a listening socket. It is closed with the rest."""
        listener.setblocking(False)
        self._listeners[listener] = (local, remote)

    def run(self) -> None:
        """Until it is interrupted (KeyboardInterrupt). Raises LostConnection when the tunnel ends."""
        while True:
            self._receive_messages()
            self._flush()
            if self._lost or self._tunnel.ended:
                raise LostConnection
            pause = 0.0 if self._tunnel.has_pending() and self._may_read_tunnel() else None
            self._watch()
            for key, events in self._selector.select(pause):
                self._ready(key, events)
            if pause == 0.0:
                self._tunnel.receive()

    def close(self) -> None:
        for held in (*self._listeners, *(one.socket for one in self._connections())):
            held.close()
        self._selector.close()
        self._tunnel.close()

    def _connections(self) -> set[_Connection]:
        return set(self._streams.values())

    # What is waited for.

    def _may_read_tunnel(self) -> bool:
        return all(len(one.unsent) < MOST_UNREAD for one in self._connections())

    def _watch(self) -> None:
        read, write = selectors.EVENT_READ, selectors.EVENT_WRITE
        self._want(
            self._tunnel.socket,
            (read if self._may_read_tunnel() else 0) | (write if self._tunnel.unsent else 0),
            None,
        )
        accepting = len(self._tunnel.unsent) < MOST_UNSENT
        for listener in self._listeners:
            self._want(listener, read, None)
        for one in self._connections():
            self._want(one.socket, (read if one.sends and accepting else 0) | (write if one.unsent else 0), one)

    def _want(self, watched: socket.socket, events: int, data: Any) -> None:
        known = self._selector.get_map().get(watched)
        if known is None:
            if events:
                self._selector.register(watched, events, data)
        elif not events:
            self._selector.unregister(watched)
        elif known.events != events:
            self._selector.modify(watched, events, data)

    def _ready(self, key: selectors.SelectorKey, events: int) -> None:
        if key.fileobj is self._tunnel.socket:
            if events & selectors.EVENT_READ:
                self._tunnel.receive()
        elif isinstance(key.data, _Connection):
            if events & selectors.EVENT_READ and key.data.sends:
                self._read_local(key.data)
            if events & selectors.EVENT_WRITE:
                self._write_local(key.data)
        elif isinstance(key.fileobj, socket.socket):
            self._accept(key.fileobj)

    # From a local connection to the pod.

    def _accept(self, listener: socket.socket) -> None:
        try:
            accepted, _ = listener.accept()
        except OSError:
            return
        accepted.setblocking(False)
        local, remote = self._listeners[listener]
        self._handling(local)
        headers = {"streamtype": "error", "port": str(remote), "requestid": str(self._requests)}
        self._requests += 1
        error, opening = self._protocol.open(headers)
        self._tunnel.queue(opening + self._protocol.data(error, b"", fin=True))
        data, opening = self._protocol.open({**headers, "streamtype": "data"})
        self._tunnel.queue(opening)
        self._streams[error] = self._streams[data] = _Connection(accepted, data, error, local, remote)

    def _read_local(self, one: _Connection) -> None:
        try:
            data = one.socket.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            self._local_gone(one)
            return
        one.sends = bool(data)
        self._tunnel.queue(self._protocol.data(one.data, data, fin=not data))

    def _local_gone(self, one: _Connection) -> None:
        one.unsent.clear()
        one.sends, one.receives = False, False
        self._end_if_done(one)

    # From the pod to a local connection.

    def _receive_messages(self) -> None:
        for message in self._tunnel.messages():
            try:
                for event in self._protocol.receive(message):
                    self._handle(event)
            except spdy.SpdyError:
                self._lost = True
        answers = self._protocol.answers()
        if answers:
            self._tunnel.queue(answers)

    def _handle(self, event: spdy.Event) -> None:
        if isinstance(event, spdy.GoneAway):
            self._lost = True
        elif isinstance(event, spdy.Data | spdy.Reset) and (one := self._streams.get(event.stream)) is not None:
            ended = isinstance(event, spdy.Reset) or event.fin
            data = event.data if isinstance(event, spdy.Data) else b""
            if event.stream == one.error:
                one.reported += data
                one.reports = one.reports and not ended
            else:
                if one.receives:
                    one.unsent += data
                one.receives = one.receives and not ended
            self._end_if_done(one)

    def _flush(self) -> None:
        for one in self._connections():
            if one.unsent:
                self._write_local(one)
        self._tunnel.flush()

    def _write_local(self, one: _Connection) -> None:
        try:
            del one.unsent[: one.socket.send(one.unsent)]
        except BlockingIOError:
            return
        except OSError:
            self._local_gone(one)
            return
        self._end_if_done(one)

    def _end_if_done(self, one: _Connection) -> None:
        """All that the pod sent has been passed on: discard what is still to be sent, and hear whether it failed."""
        if one.receives or one.unsent:
            return
        if self._streams.pop(one.data, None) is not None:
            self._want(one.socket, 0, None)
            one.sends = False
            self._tunnel.queue(self._protocol.reset(one.data))
        if one.reports:
            return
        if self._streams.pop(one.error, None) is not None:
            self._want(one.socket, 0, None)
            one.socket.close()
            if one.reported:
                self._failed(one.reported.decode("utf-8", "replace"), one.local, one.remote)
                self._lost = True


class _Connection:
    """A local connection, and the streams that carry it. `unsent` waits for the local side to read."""

    def __init__(self, accepted: socket.socket, data: int, error: int, local: int, remote: int) -> None:
        self.socket = accepted
        self.data = data
        self.error = error
        self.local = local
        self.remote = remote
        self.unsent = bytearray()
        self.reported = bytearray()
        self.sends = True
        self.receives = True
        self.reports = True


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener
