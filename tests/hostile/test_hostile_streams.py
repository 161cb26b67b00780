"""WebSocket and SPDY handshakes that are cut off, and what comes after them that is neither."""

from __future__ import annotations

import base64
from contextlib import suppress

import pytest

from tests.support.wire import Wire

POD = "/api/v1/namespaces/default/pods/none"
KEY = base64.b64encode(b"sixteen bytes it").decode()  # the same in all workers, which compare the names of tests


def upgrade(path: str, protocol: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: x", "Connection: Upgrade", f"Upgrade: {protocol}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def websocket(path: str, *headers: str) -> bytes:
    return upgrade(path, "websocket", f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13", *headers)


CHANNELS = "Sec-WebSocket-Protocol: v5.channel.k8s.io"
TUNNEL = "Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io"


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "data",
    [
        websocket(f"{POD}/exec?command=x", CHANNELS),
        websocket(f"{POD}/exec?command=x", "Sec-WebSocket-Protocol: " + "a" * 5000),
        websocket(f"{POD}/portforward?ports=99999999999999999999", CHANNELS),
        websocket(f"{POD}/portforward", TUNNEL),
        websocket("/api/v1/namespaces/default/configmaps?watch=1"),
        websocket("/nowhere"),
        upgrade(f"{POD}/exec", "websocket"),
        upgrade(f"{POD}/exec", "websocket", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 99"),
        upgrade(f"{POD}/exec", "SPDY/3.1"),
        upgrade(f"{POD}/exec", "h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
        upgrade("/version", "x" * 5000),
    ],
    ids=lambda data: "".join(chr(byte) if chr(byte).isalnum() else "-" for byte in data[:150]),
)
@pytest.mark.parametrize(
    "after", [b"", b"\0" * 100, bytes(range(256)) * 100, b"\x80\x03\0\x01\0\xff\xff\xff" * 50]
)
def test_an_upgrade_that_goes_wrong_ends_and_leaves_the_server_up(wire: Wire, data: bytes, after: bytes) -> None:
    with wire.open() as connection:
        connection.sendall(data + after)
        answer = connection.recv(65536)
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 101", b"HTTP/1.1 200")), answer
        connection.settimeout(0.05)
        with suppress(ConnectionError, TimeoutError):
            while connection.recv(65536):
                pass
    assert wire.call("GET", "/readyz").code == 200


@pytest.mark.parametrize("size", range(0, 200, 23))
def test_a_handshake_that_is_cut_off_is_forgotten(wire: Wire, size: int) -> None:
    with wire.open() as connection:
        connection.sendall(websocket(f"{POD}/exec?command=x", CHANNELS)[:size])
    assert wire.call("GET", "/readyz").code == 200
