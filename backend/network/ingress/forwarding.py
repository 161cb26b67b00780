"""One request on its way to an endpoint, and its answer on the way back; neither is held as a whole."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from backend.apiserver.http.protocol import UpgradedConnection
from backend.network.ingress import headers
from backend.network.ingress.annotations import Settings
from backend.network.ingress.backends import Endpoint
from backend.network.ingress.exchange import ClientGone, ClientLate, Exchange
from backend.network.ingress.headers import Header
from backend.network.ingress.pool import Pool
from backend.network.ingress.upstream import Broken, Late, Upstream

log = logging.getLogger(__name__)

TRIES = 3
"""Endpoints that are tried for a request. Source: proxy-next-upstream-tries of ingress-nginx."""
REPEATABLE = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))
"""What may be sent again over a new connection, where one that was kept turns out to be closed. Source: isReplayable
of Go's net/http, which has no such clients as would be surprised."""


class TooLarge(Exception):
    """The body is larger than its Ingress allows."""


class Forwarding:
    """`run` it once. `path` is the one for the backend, where it is not the client's own."""

    def __init__(self, exchange: Exchange, pool: Pool, settings: Settings, path: bytes | None) -> None:
        self._exchange = exchange
        self._pool = pool
        self._settings = settings
        _, question, query = exchange.target.partition(b"?")
        self._target = exchange.target if path is None else path + question + query
        length = exchange.header(b"content-length")
        self._chunked = exchange.header(b"transfer-encoding") is not None
        self._length = length
        self._has_body = self._chunked or (length is not None and int(length) > 0)
        self._repeatable = not self._has_body and exchange.method in REPEATABLE
        self._upgrade = headers.wanted_upgrade(exchange.headers)
        self._pump: asyncio.Task[None] | None = None
        self._body_fault: Exception | None = None
        self._begun = False
        self._endpoint: Endpoint

    async def run(self, endpoints: Sequence[Endpoint]) -> None:
        """Answer with what one of the endpoints answers, or say why none did."""
        exchange, limit = self._exchange, self._settings.body_limit
        if limit and self._length is not None and int(self._length) > limit:
            await self._refuse(413, "")
            return
        upstream: Upstream | None = None
        try:
            upstream, code, found = await self._response(endpoints)
            await self._pass_on(upstream, code, found)
            if not self._has_body or exchange.body_read:
                self._pool.give(self._endpoint, upstream, tls=self._settings.https_backend)
                upstream = None
        except Broken as fault:
            await self._report(fault)
        finally:
            exchange.on_lost(None)
            if self._pump is not None:
                self._pump.cancel()
                await asyncio.gather(self._pump, return_exceptions=True)
            if upstream is not None:
                upstream.close()

    async def _response(self, endpoints: Sequence[Endpoint]) -> tuple[Upstream, int, Sequence[Header]]:
        """The head of the answer, of the first endpoint that takes the request. Raises Broken."""
        fault = Broken("no endpoint")
        for endpoint in endpoints[:TRIES]:
            self._endpoint = endpoint
            kept = self._pool.take(endpoint, tls=self._settings.https_backend, repeatable=self._repeatable)
            if kept is not None:
                try:
                    return await self._ask(kept)
                except Broken as error:
                    kept.close()
                    if isinstance(error, Late) or kept.answering or not self._repeatable or self._exchange.is_lost:
                        raise
            try:
                upstream = await self._pool.connect(
                    endpoint, tls=self._settings.https_backend, seconds=self._settings.connect_timeout
                )
            except Broken as error:
                fault = error
                continue
            try:
                return await self._ask(upstream)
            except BaseException:
                upstream.close()
                raise
        raise fault

    async def _ask(self, upstream: Upstream) -> tuple[Upstream, int, Sequence[Header]]:
        exchange = self._exchange
        upstream.begin(exchange.method)
        exchange.on_lost(lambda: upstream.close("the client is gone"))
        upstream.write(headers.request_head(
            exchange.method, self._target, exchange.headers, exchange.origin, length=self._length,
            chunked=self._chunked, upgrade=self._upgrade,
        ))  # fmt: skip
        if self._has_body:
            upstream.sending = True
            self._pump = asyncio.create_task(self._send_body(upstream))
        code, found = await upstream.response(self._settings.read_timeout)
        return upstream, code, found

    async def _send_body(self, upstream: Upstream) -> None:
        """The body as it comes. What is wrong with it ends the wait for the answer."""
        sent, limit = 0, self._settings.body_limit
        try:
            last = False
            while not last:
                data, last = await self._exchange.read()
                sent += len(data)
                if limit and sent > limit:
                    raise TooLarge
                if self._chunked:
                    data = (b"%x\r\n%b\r\n" % (len(data), data) if data else b"") + (b"0\r\n\r\n" if last else b"")
                upstream.write(data)
                await upstream.drain(self._settings.send_timeout)
        except (ClientGone, ClientLate, TooLarge, Broken) as fault:
            self._body_fault = fault
            upstream.close("the request's body ended early")
        finally:
            upstream.sending = False

    async def _pass_on(self, upstream: Upstream, code: int, found: Sequence[Header]) -> None:
        """Raises Broken."""
        exchange, kept = self._exchange, headers.response_headers(found)
        if code == 101:
            await self._tunnel(upstream, found, kept)
            return
        has_length = any(name == b"content-length" for name, _ in kept)
        if exchange.is_old and not has_length and not upstream.is_complete:
            await self._until_end(upstream, exchange.until_end(code, kept))
            return
        data = await upstream.read(self._settings.read_timeout) if upstream.has_news else b""
        last = upstream.is_complete
        if last and not has_length and exchange.method != b"HEAD" and code not in (204, 304):
            kept.append((b"content-length", b"%d" % len(data)))
        self._begun = True
        await exchange.start(code, kept)
        await exchange.write(data, last=last)
        while not last:
            data = await upstream.read(self._settings.read_timeout)
            last = upstream.is_complete
            await exchange.write(data, last=last)

    async def _until_end(self, upstream: Upstream, client: UpgradedConnection) -> None:
        self._begun = True
        try:
            while data := await upstream.read(self._settings.read_timeout):
                await client.write(data)
        finally:
            await client.close()

    async def _tunnel(self, upstream: Upstream, found: Sequence[Header], kept: Sequence[Header]) -> None:
        """Bytes both ways until either side ends. A connection that nobody writes to is nobody's business here."""
        protocol = next((value for name, value in found if name == b"upgrade"), b"")
        if self._upgrade is None:
            raise Broken("the backend changed to a protocol that nobody asked for")
        self._begun = True
        client = self._exchange.upgrade(protocol, kept)
        tasks = [asyncio.create_task(_out(client, upstream)), asyncio.create_task(_back(upstream, client))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await client.close()
            upstream.close()

    async def _report(self, fault: Broken) -> None:
        """Say why there is no answer, or end the one that has begun."""
        if self._begun or self._exchange.is_lost or isinstance(self._body_fault, ClientGone):
            self._exchange.cut()
        elif isinstance(self._body_fault, TooLarge):
            await self._refuse(413, "")
        elif isinstance(self._body_fault, ClientLate):
            await self._refuse(408, "the request's body did not come")
        else:
            log.info("no answer from a backend: %s", fault)
            await self._refuse(504 if isinstance(fault, Late) else 502, str(fault))

    async def _refuse(self, code: int, text: str) -> None:
        await self._exchange.answer(code, text, close=self._has_body and not self._exchange.body_read)


async def _out(client: UpgradedConnection, upstream: Upstream) -> None:
    while data := await client.read():
        upstream.write(data)
        await upstream.drain(None)


async def _back(upstream: Upstream, client: UpgradedConnection) -> None:
    while data := await upstream.read(None):
        await client.write(data)
