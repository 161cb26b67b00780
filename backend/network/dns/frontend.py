"""What both listeners put between their sockets and the responder: ready-made answers, limits and counts."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from backend.network.dns.cluster_records import ServiceKey
from backend.network.dns.hot_answers import HotAnswers
from backend.network.dns.response import Response

log = logging.getLogger(__name__)

MAX_PENDING = 2000
"""Questions that wait for others' answers; more are dropped, as by a network that is too busy."""

Send = Callable[[bytes], object]


class Answering(Protocol):
    """responder.Responder, which is imported with the first question."""

    def respond(self, wire: bytes, *, tcp: bool) -> Response | Coroutine[Any, Any, Response] | None: ...


class Frontend:
    """For one protocol. `counts` has the answers by (type, code)."""

    def __init__(self, make_responder: Callable[[], Awaitable[Answering]], *, tcp: bool) -> None:
        """`make_responder` is called with the first question: what it needs takes memory that a cluster without
        questions should not pay for."""
        self._make_responder = make_responder
        self._responder: Answering | None = None
        self._tcp = tcp
        self._hot = HotAnswers(asyncio.get_running_loop().time)
        self._pending: set[asyncio.Task[None]] = set()
        self.counts: Counter[tuple[str, str]] = Counter()

    def ask(self, data: bytes, send: Send) -> None:
        """`send` gets the answer, now or later, or never."""
        hot = self._hot.get(data[2:])
        if hot is not None:
            self.counts[hot.kind] += 1
            send(data[:2] + hot.next())
            return
        if self._responder is None:
            self._later(self._first(data, send))
            return
        found = self._responder.respond(data, tcp=self._tcp)
        if isinstance(found, Response):
            self._give(data, found, send)
        elif found is not None and not self._later(self._wait(data, found, send)):
            found.close()

    def service_changed(self, service: ServiceKey) -> None:
        self._hot.service_changed(service)

    def forget(self) -> None:
        """Anything may have changed."""
        self._hot.clear()

    async def close(self) -> None:
        for task in self._pending:
            task.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)

    def _give(self, data: bytes, response: Response, send: Send) -> None:
        self._hot.put(data[2:], response)
        self.counts[response.kind] += 1
        send(response.wire)

    def _later(self, work: Coroutine[Any, Any, None]) -> bool:
        """Whether there is room for it."""
        if len(self._pending) >= MAX_PENDING:
            work.close()
            return False
        task = asyncio.create_task(work)
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        return True

    async def _first(self, data: bytes, send: Send) -> None:
        try:
            self._responder = await self._make_responder()
        except Exception:
            log.exception("no question can be answered")
            return
        self.ask(data, send)

    async def _wait(self, data: bytes, found: Coroutine[Any, Any, Response], send: Send) -> None:
        self._give(data, await found, send)
