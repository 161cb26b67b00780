"""Clients that take their time: each is dropped at its limit, and holds up nobody until then. The backend of these
tests gives requests two seconds."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.wire import Wire

MAPS = "/api/v1/namespaces/default/configmaps"
WATCHES = 2000
LARGE = 300_000


def test_a_body_that_trickles_in_is_refused_and_others_are_served(wire: Wire) -> None:
    head = f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n"
    with wire.open() as connection:
        connection.sendall(head.encode())
        began = time.monotonic()
        connection.settimeout(0.1)
        answer = b""
        while not answer:
            connection.sendall(b" ")
            assert wire.call("GET", "/readyz").code == 200
            assert time.monotonic() - began < 20
            try:
                answer = connection.recv(65536)
            except TimeoutError:
                continue
    assert time.monotonic() - began > 1.5
    assert answer.startswith(b"HTTP/1.1 504 ")
    status = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert status["message"] == "Timeout: request did not complete within the allotted timeout"


@pytest.mark.parametrize("start", [b"", b"GET /version HT", b"GET /version HTTP/1.1\r\nHost: x\r\nX: aaaa"])
def test_a_head_that_does_not_come_ends_the_connection(wire: Wire, start: bytes) -> None:
    with wire.open(20) as connection:
        connection.sendall(start)
        assert connection.recv(65536) == b""


@contextmanager
def large_maps(wire: Wire, count: int) -> Iterator[None]:
    for number in range(count):
        body = {"metadata": {"name": f"large-{number}"}, "data": {"a": "x" * LARGE}}
        assert wire.call("POST", MAPS, body).code == 201
    try:
        yield
    finally:
        for number in range(count):
            wire.call("DELETE", f"{MAPS}/large-{number}")


@pytest.mark.parametrize("query", ["watch=1", "limit=500"])
def test_a_client_that_reads_nothing_is_dropped(wire: Wire, query: str) -> None:
    with large_maps(wire, 4), wire.open() as connection:
        connection.sendall(f"GET {MAPS}?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert 0 < received_until_dropped(connection) < 4 * LARGE


def test_a_client_that_reads_no_more_of_its_watch_is_dropped(wire: Wire) -> None:
    with wire.open() as connection:
        connection.sendall(f"GET {MAPS}?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        until(connection, b"kube-root-ca.crt")
        with large_maps(wire, 8):
            assert 0 < received_until_dropped(connection) < 8 * LARGE


def received_until_dropped(connection: socket.socket) -> int:
    """Bytes that could be read once the server had closed it, and not before."""
    ended = select.poll()
    ended.register(connection, 0)  # whatever waits to be read
    assert ended.poll(20_000)
    received = 0
    try:
        while chunk := connection.recv(1 << 20):
            received += len(chunk)
    except ConnectionResetError:
        pass
    return received


def until(watch: socket.socket, text: bytes) -> None:
    seen = b""
    while text not in seen:
        chunk = watch.recv(65536)
        assert chunk
        seen += chunk


def resident(pid: int) -> int:
    """Bytes of memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def test_two_thousand_watches_are_told_of_a_change_and_cost_little(home: Path, wire: Wire) -> None:
    pid = json.loads((home / "clusters" / "minikctl" / "backend.json").read_text())["pid"]
    before = resident(pid)
    watches: list[socket.socket] = []
    try:
        for _ in range(WATCHES):
            watches.append(wire.open())
            watches[-1].sendall(f"GET {MAPS}?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        for watch in watches:
            until(watch, b"kube-root-ca.crt")
        assert wire.call("POST", MAPS, {"metadata": {"name": "told"}}).code == 201
        assert wire.call("DELETE", f"{MAPS}/told").code == 200
        for watch in watches:
            until(watch, b'"DELETED"')
        assert resident(pid) - before < WATCHES * 50_000
    finally:
        for watch in watches:
            watch.close()
    assert wire.call("GET", "/readyz").code == 200
