"""`stream.py receive PORT` takes what comes, and answers a byte for each CHUNK of it.

`stream.py send PORT ADDRESS...` sends a chunk to each address in turn, TURNS times over one connection each, and prints
the seconds that each chunk took, a line for each turn.
"""

from __future__ import annotations

import socket
import sys
import threading
import time

CHUNK = 16 << 20
TURNS = 60
_BLOCK = 1 << 18


def receive(port: int) -> None:
    with socket.create_server(("0.0.0.0", port)) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_take, args=(connection,)).start()


def _take(connection: socket.socket) -> None:
    room = memoryview(bytearray(_BLOCK))
    missing = CHUNK
    with connection:
        while size := connection.recv_into(room[: min(missing, _BLOCK)]):
            missing -= size
            if not missing:
                connection.sendall(b"!")
                missing = CHUNK


def send(port: int, addresses: list[str]) -> None:
    connections = [socket.create_connection((address, port), 30) for address in addresses]
    for _ in range(TURNS):
        print(*map(_chunk, connections))


def _chunk(connection: socket.socket) -> float:
    block = bytes(_BLOCK)
    began = time.monotonic()
    for _ in range(CHUNK // _BLOCK):
        connection.sendall(block)
    connection.recv(1)
    return time.monotonic() - began


if sys.argv[1] == "receive":
    receive(int(sys.argv[2]))
else:
    send(int(sys.argv[2]), sys.argv[3:])
