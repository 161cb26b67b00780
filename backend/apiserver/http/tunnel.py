"""Bytes between a client and something behind the API server, in both directions until one side ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.apiserver.http.protocol import UpgradedConnection

DIAL_SECONDS = 30.0
READ_BYTES = 64 * 1024


async def dial(host: str, port: int, *, tls: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection; no certificate is checked, as for kube-apiserver's own. Raises ConnectionError in Go's words."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    context: ssl.SSLContext | None = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(DIAL_SECONDS):
            return await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLError as error:
        raise ConnectionError(f"tls: {error.reason}") from error
    except TimeoutError as error:
        raise ConnectionError(f"dial tcp {where}: i/o timeout") from error
    except OSError as error:
        text = os.strerror(error.errno).lower() if error.errno else str(error)
        raise ConnectionError(f"dial tcp {where}: connect: {text}") from error


async def tunnel(
    client: UpgradedConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, early: bytes
) -> None:
    """Copy both ways until either side ends; `early` came before. Closes the client's side."""

    async def out() -> None:
        while data := await client.read():
            writer.write(data)
            await writer.drain()

    async def back() -> None:
        if early:
            await client.write(early)
        while data := await reader.read(READ_BYTES):
            await client.write(data)

    tasks = [asyncio.create_task(out()), asyncio.create_task(back())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(OSError):
            await asyncio.gather(*tasks, return_exceptions=True)
        await client.close()
