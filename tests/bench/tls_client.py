"""Connections to a cluster's API through TLS that cost the measured machine as little as can be."""

from __future__ import annotations

import json
import socket
import ssl
import time
from pathlib import Path

from tests.support.cli import Cluster

BUFFER = 1 << 20
SECONDS = 60.0
"""How long an answer may take before the run fails."""


class Api:
    """Where a cluster answers, and as whom it is asked."""

    def __init__(self, cluster: Cluster, endpoint: str = "") -> None:
        """With an `endpoint`, of another server that has the cluster's certificate."""
        description = json.loads((cluster.folder / "backend.json").read_text())
        host, _, port = (endpoint or description["endpoint"]).removeprefix("https://").rpartition(":")
        self.address = (host, int(port))
        self._context = ssl.create_default_context(cafile=description["caFile"])
        self._token = Path(description["tokenFile"]).read_text().strip()

    def connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(self.address, SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(plain, server_hostname=self.address[0])

    def head(self, method: str, path: str, body: bytes = b"") -> bytes:
        """A whole request, with its body."""
        lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Authorization: Bearer {self._token}"]
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body


def exchange(connection: ssl.SSLSocket, request: bytes) -> tuple[float, int, bytes]:
    """Send a request and read its answer to the end: seconds, status, body (with its chunks' frames, if any)."""
    began = time.perf_counter()
    connection.sendall(request)
    answer = bytearray()
    while not _whole(answer):
        piece = connection.recv(BUFFER)
        if not piece:
            raise ConnectionError("the answer was cut off")
        answer += piece
    took = time.perf_counter() - began
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    return took, int(head.split(b" ", 2)[1]), body


def _whole(answer: bytearray) -> bool:
    end = answer.find(b"\r\n\r\n", 0, 8192)
    if end < 0:
        return False
    head = bytes(answer[:end]).lower()
    if b"transfer-encoding: chunked" in head:
        return answer.endswith(b"\r\n0\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
    return len(answer) >= end + 4 + length
