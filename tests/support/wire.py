"""Requests over a unix socket, sent as they are: what a client library would not let through is the point."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 30.0
"""How long an answer may take before it counts as none."""


@dataclass
class Answer:
    code: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """A client of one backend. A connection is kept, and made anew when the backend has closed it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: http.client.HTTPConnection | None = None

    def open(self, seconds: float = SECONDS) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(seconds)
        connection.connect(str(self.path))
        return connection

    def send(self, data: bytes, seconds: float = SECONDS) -> bytes:
        """All that comes until the backend closes the connection."""
        with self.open(seconds) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):  # it may answer before it has heard all
                connection.sendall(data)
            answer = bytearray()
            with suppress(ConnectionResetError):
                while chunk := connection.recv(1 << 20):
                    answer += chunk
            return bytes(answer)

    def call(
        self, method: str, path: str, body: Any = None, media: str = "application/json", **headers: str
    ) -> Answer:
        """`body` is bytes, or what is sent as JSON. Of an answer without an end only the head is read."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent["Content-Type"] = media
        try:
            return self._ask(method, path, body, sent)
        except (http.client.BadStatusLine, ConnectionError):  # the connection that was kept had ended
            self.close()
            return self._ask(method, path, body, sent)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("localhost")
            self._connection.sock = self.open()
        self._connection.request(method, path, body, dict(headers))
        answer = self._connection.getresponse()
        if answer.getheader("Transfer-Encoding") == "chunked":
            self.close()
            return Answer(answer.status, dict(answer.headers), b"")
        return Answer(
            answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
        )


def revision(wire: Wire) -> int:
    """The newest revision of the store: every write of anything has one of its own."""
    return int(wire.call("GET", "/api/v1/namespaces?limit=1").json["metadata"]["resourceVersion"])


def settled(wire: Wire, seconds: float = 0.5) -> int:
    """The revision, once nothing was written for so long: what controllers make of a change comes after its answer."""
    before, since = 0, time.monotonic()
    while time.monotonic() - since < seconds:
        now = revision(wire)
        if now != before:
            before, since = now, time.monotonic()
        time.sleep(0.05)
    return before
