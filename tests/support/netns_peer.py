"""One side of connections, in whatever network namespace it is started: a program that serves, and asks, as it is told
by JSON lines on its standard input.

{"serve": [PROTOCOL, PORT]} answers who asks with "NAME FROM-ADDRESS", and each further line of a connection again.
{"open": [PROTOCOL, ADDRESS, PORT, SECONDS]} connects; {"say": ID} asks over it; neither waits longer than SECONDS.
{"ask": [PROTOCOL, ADDRESS, PORT, TIMES, SECONDS]} does both, over a connection for each time.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from typing import Any

_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def serve(name: str, protocol: str, port: int, version: int) -> None:
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    listener = socket.socket(family, _KINDS[protocol])
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::" if version == 6 else "0.0.0.0", port))
    if protocol == "tcp":
        listener.listen(512)
    target = accept if protocol == "tcp" else reflect
    threading.Thread(target=target, args=(listener, name), daemon=True).start()


def accept(listener: socket.socket, name: str) -> None:
    while True:
        connection, (peer, *_) = listener.accept()
        threading.Thread(target=answer, args=(connection, f"{name} {peer}"), daemon=True).start()


def answer(connection: socket.socket, line: str) -> None:
    try:
        while connection.recv(1000):
            connection.sendall(f"{line}\n".encode())
    except OSError:
        pass
    finally:
        connection.close()


def reflect(listener: socket.socket, name: str) -> None:
    while True:
        _, peer = listener.recvfrom(1000)
        listener.sendto(f"{name} {peer[0]}\n".encode(), peer)


class Connections:
    def __init__(self) -> None:
        self._open: dict[int, socket.socket] = {}
        self._next = 0

    def open(self, protocol: str, address: str, port: int, patience: float) -> int:
        connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, _KINDS[protocol])
        connection.settimeout(patience)
        connection.connect((address, port))
        self._next += 1
        self._open[self._next] = connection
        return self._next

    def say(self, number: int) -> str:
        connection = self._open[number]
        connection.sendall(b"who\n")
        return connection.recv(1000).decode().strip()

    def ask(self, protocol: str, address: str, port: int, times: int, patience: float) -> list[str]:
        answers = []
        for _ in range(times):
            number = self.open(protocol, address, port, patience)
            try:
                answers.append(self.say(number))
            finally:
                self._open.pop(number).close()
        return answers


def main() -> None:
    name, connections = sys.argv[1], Connections()
    for line in sys.stdin:
        (verb, arguments), *_ = json.loads(line).items()
        began = time.monotonic()
        try:
            result: Any = serve(name, *arguments) if verb == "serve" else getattr(connections, verb)(*arguments)
            reply: dict[str, Any] = {"result": result}
        except OSError as error:
            reply = {"error": type(error).__name__}
        print(json.dumps({**reply, "seconds": time.monotonic() - began}), flush=True)


main()
