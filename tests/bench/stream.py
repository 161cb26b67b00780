"""`stream.py receive PORT` takes what comes; `stream.py send ADDRESS PORT` sends a while, and prints bytes a second."""

from __future__ import annotations

import socket
import sys
import threading
import time

SECONDS = 0.3
BLOCK = 1 << 18


def receive(port: int) -> None:
    with socket.create_server(("0.0.0.0", port)) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_take, args=(connection,)).start()


def _take(connection: socket.socket) -> None:
    room = bytearray(BLOCK)
    with connection:
        while connection.recv_into(room):
            pass
        connection.sendall(b"!")


def send(address: str, port: int) -> None:
    """Until the other side has read it all."""
    block, sent = bytes(BLOCK), 0
    with socket.create_connection((address, port), 10) as connection:
        began = time.monotonic()
        while time.monotonic() < began + SECONDS:
            connection.sendall(block)
            sent += BLOCK
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
        print(sent / (time.monotonic() - began))


if sys.argv[1] == "receive":
    receive(int(sys.argv[2]))
else:
    send(sys.argv[2], int(sys.argv[3]))
