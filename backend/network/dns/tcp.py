"""The TCP listener: any number of questions on a connection, answered as they are ready (RFC 7766)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from functools import partial

from backend.network.dns.frontend import Frontend

IDLE_SECONDS = 10.0
MAX_CONNECTIONS = 200
MAX_UNREAD = 1 << 18
"""Bytes of answers that a client may leave unread; it is then not listened to until it reads, or is idle."""


class TcpListener:
    def __init__(self, sock: socket.socket, frontend: Frontend) -> None:
        self._sock = sock
        self._frontend = frontend
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._sock)

    async def close(self) -> None:
        """Ends all connections."""
        if self._server is not None:
            self._server.close()
        self._sock.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= MAX_CONNECTIONS:
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._converse(reader, writer)
        except (TimeoutError, EOFError, OSError):
            pass  # the client is silent, or gone
        except asyncio.CancelledError:
            pass  # asyncio would log it
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(MAX_UNREAD)
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                size = int.from_bytes(await reader.readexactly(2), "big")
                question = await reader.readexactly(size)
                self._frontend.ask(question, partial(_send, writer))
                await writer.drain()


def _send(writer: asyncio.StreamWriter, answer: bytes) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        if not writer.is_closing():
            writer.write(len(answer).to_bytes(2, "big") + answer)
