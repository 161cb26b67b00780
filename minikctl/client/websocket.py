"""The WebSocket under exec and attach: Kubernetes' remote command protocol, version 5.

Source: k8s.io/apimachinery/pkg/util/remotecommand: each message begins with its channel's number.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

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
    TextMessage,
)
from wsproto.utilities import ProtocolError

from minikctl.client.errors import ConnectError, StatusError

if TYPE_CHECKING:
    from minikctl.client.rest import Client

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")

_CHUNK = 64 * 1024


class ExecSocket:
    """One exec or attach. One thread may send while another receives: what is written (a message, the answer to a
    ping) goes out whole, one at a time."""

    def __init__(self, client: Client, path: str, query: list[tuple[str, str]]) -> None:
        """Connect and shake hands. ConnectError without a server, StatusError if it refuses."""
        from urllib.parse import urlencode

        self._host = client.transport.dialer.host
        self._sock: socket.socket = client.transport.dialer.dial(None)
        self._sock.settimeout(None)
        self._connection = WSConnection(ConnectionType.CLIENT)
        self._partial = bytearray()
        self._writing = threading.Lock()
        self.protocol = ""
        headers = [(name.encode(), value.encode()) for name, value in client.headers.items()]
        target = f"{client.target(path)}?{urlencode(query)}"
        self._send(Request(host=self._host, target=target, extra_headers=headers, subprotocols=list(PROTOCOLS)))
        try:
            self._shake_hands()
        except BaseException:
            self._sock.close()
            raise

    def send(self, channel: int, data: bytes) -> None:
        """Send `data` on `channel`; an empty message on STDIN is no end (see `close_channel`)."""
        self._send(BytesMessage(data=bytes((channel,)) + data))

    def close_channel(self, channel: int) -> None:
        """Say that nothing more comes on `channel`: the end of stdin. Only version 5 of the protocol can."""
        if self.protocol == PROTOCOLS[0]:
            self.send(CLOSE, bytes((channel,)))

    def resize(self, columns: int, rows: int) -> None:
        self.send(RESIZE, json.dumps({"Width": columns, "Height": rows}).encode())

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """(channel, data) as they come, until the server closes. The ERROR channel's message is a Status."""
        while True:
            for event in self._connection.events():
                if isinstance(event, BytesMessage | TextMessage):
                    data = event.data if isinstance(event, BytesMessage) else event.data.encode()
                    self._partial += data
                    if event.message_finished:
                        message, self._partial = bytes(self._partial), bytearray()
                        if message:
                            yield message[0], message[1:]
                elif isinstance(event, Ping):
                    self._send(event.response())
                elif isinstance(event, CloseConnection):
                    return
            if not self._read():
                return

    def fileno(self) -> int:
        return self._sock.fileno()

    def close(self) -> None:
        """Close the connection; a thread in `messages` comes out of it."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
        finally:
            self._sock.close()

    def _shake_hands(self) -> None:
        refusal: RejectConnection | None = None
        body = b""
        while True:
            for event in self._connection.events():
                if isinstance(event, AcceptConnection):
                    self.protocol = event.subprotocol or PROTOCOLS[1]
                    return
                if isinstance(event, RejectConnection):
                    refusal = event
                    if not event.has_body:
                        raise StatusError(_refused(event.status_code, b""))
                elif isinstance(event, RejectData):
                    body += event.data
                    if event.body_finished and refusal is not None:
                        raise StatusError(_refused(refusal.status_code, body))
            if not self._read():
                if refusal is not None:
                    raise StatusError(_refused(refusal.status_code, body))
                raise ConnectError("EOF", self._host)

    def _read(self) -> bool:
        """Take what has arrived; False once the server has hung up."""
        try:
            data = self._sock.recv(_CHUNK)
        except OSError:
            return False
        try:
            self._connection.receive_data(data or None)
        except ProtocolError as error:
            raise ConnectError(f"websocket: {error}", self._host) from None
        return bool(data)

    def _send(self, event: Event) -> None:
        try:
            with self._writing:
                self._sock.sendall(self._connection.send(event))
        except OSError as error:
            raise ConnectError(f"write: {(error.strerror or str(error)).lower()}", self._host) from None


def _refused(code: int, body: bytes) -> dict[str, Any]:
    try:
        status = json.loads(body)
    except ValueError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return status
    text = body.decode("utf-8", "replace").strip()
    return {"kind": "Status", "status": "Failure", "message": text or f"bad handshake: {code}", "code": code}

