"""What answers on the ingress's ports: finds the rule of a request, and forwards it or says why not."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from backend.apiserver.http.server import Server
from backend.network.ingress.backends import Backends
from backend.network.ingress.exchange import LIMITS, Exchange, IngressProtocol
from backend.network.ingress.forwarding import Forwarding
from backend.network.ingress.pool import Pool
from backend.network.ingress.routing import Route, Table, plain_host, plain_path

_HTTPS = 443


class Front:
    """An ASGI application. `table` may be replaced at any time."""

    def __init__(self, backends: Backends) -> None:
        self.table = Table()
        self._backends = backends
        self._pool = Pool()
        self._server = Server(self, LIMITS, IngressProtocol)
        self._https_port = _HTTPS

    async def listen(self, plain: socket.socket, tls: socket.socket, context: ssl.SSLContext) -> None:
        """Answer on both sockets, which are closed by `close`."""
        self._https_port = tls.getsockname()[1]
        await self._server.listen(plain, None)
        await self._server.listen(tls, context)

    async def close(self) -> None:
        await self._server.stop()

    async def stop(self) -> None:
        """The server calls it, before it ends the connections of whom it serves."""
        self._pool.close()

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        exchange = Exchange(scope, receive, send)
        host = (exchange.header(b"host") or b"").decode("latin-1")
        path = plain_path(exchange.path)
        route = self.table.find(plain_host(host), path)
        if route is None:
            await exchange.answer(404, "no Ingress has a rule for this host and path")
            return
        if exchange.origin.scheme == "http" and self._redirects(plain_host(host), route):
            await self._redirect(exchange, plain_host(host))
            return
        await self._forward(exchange, route, path)

    async def _forward(self, exchange: Exchange, route: Route, path: str) -> None:
        if route.backend is None:
            await exchange.answer(503, f"the backend that Ingress {route.ingress} names is no service")
            return
        endpoints = self._backends.next_endpoints(route.backend)
        if not endpoints:
            fault = self._backends.fault(route.backend)
            name = f"{route.backend.namespace}/{route.backend.service}"
            await exchange.answer(503, fault.message if fault else f"service {name} has no ready endpoints")
            return
        await Forwarding(exchange, self._pool, route.settings, route.rewritten(path)).run(endpoints)

    def _redirects(self, host: str, route: Route) -> bool:
        settings = route.settings
        return settings.force_ssl_redirect or (settings.ssl_redirect and self.table.has_tls(host))

    async def _redirect(self, exchange: Exchange, host: str) -> None:
        port = "" if self._https_port == _HTTPS else f":{self._https_port}"
        location = f"https://{host}{port}".encode("latin-1") + exchange.target
        await exchange.answer(308, "", [(b"location", location)])
