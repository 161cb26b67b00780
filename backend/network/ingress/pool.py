"""Connections to endpoints that are kept for the next request."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable

from backend.network.ingress.backends import Endpoint
from backend.network.ingress.upstream import Broken, Late, Upstream

IDLE_SECONDS = 60.0
"""How long a connection is kept that nobody uses. Source: upstream-keepalive-timeout of ingress-nginx."""
MAX_IDLE = 320
"""Source: upstream-keepalive-connections of ingress-nginx."""
FRESH_SECONDS = 1.0
"""How old the last use of a connection may be for a request that cannot be sent twice: servers close idle connections
after a few seconds, and may do so while the request is on its way."""

_Place = tuple[Endpoint, bool]


class Pool:
    """`take` one, then `give` it back or close it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle: dict[_Place, list[Upstream]] = {}
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def take(self, endpoint: Endpoint, *, tls: bool, repeatable: bool) -> Upstream | None:
        """A connection that is kept, the one used last first. One for a request that is not `repeatable` was used a
        moment ago."""
        kept = self._idle.get((endpoint, tls))
        while kept:
            upstream = kept.pop()
            self._count -= 1
            if upstream.is_reusable and (repeatable or self._loop.time() - upstream.idle_since < FRESH_SECONDS):
                return upstream
            upstream.close()
        return None

    async def connect(self, endpoint: Endpoint, *, tls: bool, seconds: float) -> Upstream:
        """A new connection; no certificate is checked, as with ingress-nginx. Raises Broken, or Late."""
        context = _any_certificate() if tls else None
        try:
            async with asyncio.timeout(seconds):
                _, upstream = await self._loop.create_connection(Upstream, *endpoint, ssl=context)
        except TimeoutError:
            raise Late(f"no connection to {_shown(endpoint)} within {seconds:g} s") from None
        except ssl.SSLError as error:
            raise Broken(
                f"no TLS with {_shown(endpoint)}: {error.reason or error}".replace("_", " ").lower()
            ) from None
        except OSError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise Broken(f"no connection to {_shown(endpoint)}: {why.lower()}") from None
        return upstream

    def give(self, endpoint: Endpoint, upstream: Upstream, *, tls: bool) -> None:
        """Keep it, if its last answer was whole and its server keeps it, too."""
        if not upstream.is_reusable or self._count >= MAX_IDLE:
            upstream.close()
            return
        upstream.idle, upstream.idle_since = True, self._loop.time()
        self._idle.setdefault((endpoint, tls), []).append(upstream)
        self._count += 1
        if self._timer is None:
            self._timer = self._loop.call_later(IDLE_SECONDS, self._drop_old)

    def close(self) -> None:
        """Close what is kept."""
        self._drop(lambda _upstream: False)

    def _drop_old(self) -> None:
        oldest = self._loop.time() - IDLE_SECONDS / 2
        self._timer = None
        self._drop(lambda upstream: upstream.idle_since > oldest)
        if self._count:
            self._timer = self._loop.call_later(IDLE_SECONDS / 2, self._drop_old)

    def _drop(self, keep: Callable[[Upstream], bool]) -> None:
        for place, kept in list(self._idle.items()):
            left = [upstream for upstream in kept if upstream.is_reusable and keep(upstream)]
            for upstream in kept:
                if upstream not in left:
                    upstream.close()
            self._count -= len(kept) - len(left)
            self._idle[place] = left
            if not left:
                del self._idle[place]
        if not self._count and self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _shown(endpoint: Endpoint) -> str:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{host}:{endpoint.port}"
