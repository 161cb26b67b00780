"""Connections to what listens inside of a pod, on its localhost too.

A thread enters the sandbox's network namespace, connects, and ends: the socket stays where it was made. Where this
process may not enter (it is not root, or the engine runs elsewhere), the pod's address is used, which reaches
what listens on all addresses.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import threading
from collections.abc import Awaitable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from backend.kubelet.runtime.api import RuntimeFailure
from backend.kubelet.runtime.engine import Engine
from backend.meta.capabilities import holds

if TYPE_CHECKING:
    from docker import APIClient

CLONE_NEWNET = 0x40000000
CONNECT_SECONDS = 10.0
READ_BYTES = 64 * 1024
LOCALHOST = (("IPv4", "tcp4", "127.0.0.1"), ("IPv6", "tcp6", "[::1]"))
REASON = "PortForwardError"


class SocketConnection:
    """See meta.streams.PortConnection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        try:
            return await self._reader.read(READ_BYTES)
        except ConnectionError:
            return b""

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def close_write(self) -> None:
        if not self._writer.is_closing():
            self._writer.write_eof()

    def close(self) -> None:
        self._writer.close()


async def connect_in_sandbox(engine: Engine, sandbox_id: str, port: int) -> SocketConnection:
    """Raises RuntimeFailure, with the text of the container runtimes where nothing listens."""

    def look(client: APIClient) -> tuple[int, str, bool]:
        document = client.inspect_container(sandbox_id)
        address = document["NetworkSettings"]["IPAddress"]
        return document["State"]["Pid"], address, document["HostConfig"]["NetworkMode"] == "host"

    pid, address, on_host = await engine.call(REASON, look)
    connecting: Awaitable[socket.socket]
    if on_host:
        connecting = asyncio.to_thread(_connect_localhost, port, "host")
    elif _may_enter(pid):
        connecting = asyncio.wrap_future(_in_namespace(pid, port, sandbox_id))
    else:
        connecting = asyncio.to_thread(_connect_address, address, port)
    reader, writer = await asyncio.open_connection(sock=await connecting)
    return SocketConnection(reader, writer)


def _may_enter(pid: int) -> bool:
    """Who has root's capabilities may, where the engine's processes are this machine's."""
    return holds("SYS_ADMIN") and pid > 0 and os.path.exists(f"/proc/{pid}/ns/net")


def _in_namespace(pid: int, port: int, name: str) -> Future[socket.socket]:
    """In a thread of its own: one that has entered a namespace must do nothing else afterwards."""
    future: Future[socket.socket] = Future()

    def work() -> None:
        try:
            _enter(pid)
            future.set_result(_connect_localhost(port, name))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, name=f"connect-{port}", daemon=True).start()
    return future


def _enter(pid: int) -> None:
    """Raises RuntimeFailure."""
    try:
        descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    except OSError as error:
        raise RuntimeFailure(REASON, f"network namespace of process {pid} is closed: {error.strerror}") from error
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            reason = os.strerror(ctypes.get_errno())
            raise RuntimeFailure(REASON, f"failed to enter the network namespace of process {pid}: {reason}")
    finally:
        os.close(descriptor)


def _connect_localhost(port: int, where: str) -> socket.socket:
    """By IPv4, else by IPv6, as containerd does."""
    failures: list[str] = []
    for name, network, host in LOCALHOST:
        try:
            return _connect(host.strip("[]"), port)
        except OSError as error:
            failures.append(f"{name}: dial {network} {host}:{port}: {_reason(error)}")
    text = f'failed to execute portforward in network namespace "{where}"'
    why = f'failed to connect to localhost:{port} inside namespace "{where}", {" ".join(failures)}'
    raise RuntimeFailure(REASON, f"{text}: {why}")


def _connect_address(address: str, port: int) -> socket.socket:
    try:
        return _connect(address, port)
    except OSError as error:
        raise RuntimeFailure(REASON, f"dial tcp {address}:{port}: {_reason(error)}") from error


def _connect(host: str, port: int) -> socket.socket:
    connection = socket.create_connection((host, port), CONNECT_SECONDS)
    connection.setblocking(False)
    return connection


def _reason(error: OSError) -> str:
    return (
        "i/o timeout" if isinstance(error, TimeoutError) else f"connect: {(error.strerror or str(error)).lower()}"
    )
