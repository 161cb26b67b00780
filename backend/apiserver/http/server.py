"""The two listeners: TLS on TCP for everybody, plain HTTP on a unix socket (0600) for its owner.

uvicorn's protocol and configuration, without its Server: that one polls ten times a second and owns the signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from uvicorn.config import Config
from uvicorn.server import ServerState

from backend.apiserver.http.limits import Limits
from backend.apiserver.http.protocol import KubeProtocol
from backend.apiserver.pki import Pki
from backend.meta import unixsocket
from backend.meta.types import ADMIN

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 180
"""Longer than Go's clients keep idle connections (90 s), so that the client is the one who closes."""
WEBSOCKET_MESSAGE_LIMIT = 16 * 1024 * 1024
_FREE_BIND, _FREE_BIND_IPV6 = (socket.SOL_IP, 15), (socket.IPPROTO_IPV6, 78)
"""IP_FREEBIND and IPV6_FREEBIND of ip(7) and linux/in6.h, which the socket module does not name."""


def bind(address: str, port: int, *, to_come: bool = False) -> socket.socket:
    """A listening TCP socket; raises OSError. With `to_come` the machine need not have the address yet."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if to_come:
            listener.setsockopt(*(_FREE_BIND_IPV6 if family == socket.AF_INET6 else _FREE_BIND), 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def bind_unix(path: Path) -> socket.socket:
    """A listening unix socket that only its owner can open; what an earlier process left there is replaced."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with unixsocket.address(str(path)) as address:
            listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    listener.setblocking(False)
    return listener


def tls_context(pki: Pki) -> ssl.SSLContext:
    """TLS 1.2 and later; a client may present a certificate, and then it must be of our CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki.server_cert, pki.server_key)
    context.load_verify_locations(pki.ca_cert)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context


class Application(Protocol):
    """What answers requests. `stop` ends its streams."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    async def stop(self) -> None: ...


class Server:
    """Serves one application on any number of listeners, all on the running loop."""

    def __init__(
        self, app: Application, limits: Limits = Limits(), protocol: type[KubeProtocol] = KubeProtocol  # noqa: B008
    ) -> None:  # fmt: skip
        self._app = app
        self._limits = limits
        self._protocol = protocol
        self._config = Config(
            app, http=protocol, loop="none", ws="none", lifespan="off", log_config=None, access_log=False,
            date_header=False, server_header=False, proxy_headers=False, timeout_keep_alive=KEEP_ALIVE_SECONDS,
            ws_max_size=WEBSOCKET_MESSAGE_LIMIT, ws_per_message_deflate=False, interface="asgi3",
        )  # fmt: skip
        self._config.load()
        self._state = ServerState()
        self._listeners: list[asyncio.Server] = []

    async def listen_tls(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        await self.listen(listener, context)

    async def listen_unix(self, listener: socket.socket) -> None:
        await self.listen(listener, None, {"user": ADMIN, "local": True})

    async def stop(self) -> None:
        """Accept no more, end streams, let requests in flight finish, close all connections."""
        for listener in self._listeners:
            listener.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        await self._app.stop()
        for connection in list(self._state.connections):
            connection.transport.abort()
        for listener in self._listeners:
            listener.close()  # One may have come meanwhile, for pods: their bridge was found.
            await listener.wait_closed()

    async def listen(
        self, listener: socket.socket, context: ssl.SSLContext | None, state: Mapping[str, Any] | None = None
    ) -> None:
        """`state` is what the scopes of its requests carry."""

        def protocol() -> KubeProtocol:
            made = self._protocol(self._config, self._state, dict(state or {}))
            made.limits = self._limits
            return made

        loop = asyncio.get_running_loop()
        self._listeners.append(await loop.create_server(protocol, sock=listener, ssl=context, backlog=BACKLOG))
