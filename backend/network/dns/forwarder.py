"""Answers that others give: asked for once at a time, kept for as long as their TTL and no longer than 30 s.

A question that is on its way already is not sent again, whoever asks. That also ends loops: should a name server that
we ask have us for its own, its question waits for ours, and both fail when the time is over.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Sequence
from typing import NamedTuple

from dns.flags import CD
from dns.message import Message, make_query
from dns.name import Name
from dns.rcode import NOERROR, NXDOMAIN
from dns.rdataclass import IN
from dns.rdatatype import SOA, RdataType
from dns.rrset import RRset

from backend.network.dns.exchange import ExchangeError, exchange
from backend.network.dns.upstreams import Upstream, Upstreams

log = logging.getLogger(__name__)

MAX_TTL = 30
"""Seconds, as kubeadm configures CoreDNS' cache."""
MAX_KEPT = 2000
"""Answers of some 3.5 KB."""
MAX_WAITING = 200
"""Questions under way at once. Each has a socket, of which many machines give a process no more than 1024."""
TRY_SECONDS = 2.0
SECONDS = 4.5
"""For all tries: resolvers give up after 5 s."""
ROUNDS = 2
SHUN_SECONDS = 10.0
"""How long a name server that did not answer is asked last."""
PAYLOAD = 1232
"""What an answer by UDP may have, so that no network fragments it (DNS flag day 2020)."""


class Question(NamedTuple):
    """Names are equal whatever their case."""

    name: Name
    rdtype: RdataType
    dnssec: bool = False
    checking_disabled: bool = False


class Unresolved(Exception):
    """Nobody could tell: SERVFAIL."""


class _Kept(NamedTuple):
    message: Message
    ttl: int
    since: float


class Forwarder:
    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._kept: dict[Question, _Kept] = {}
        self._waiting: dict[Question, asyncio.Task[Message]] = {}
        self._shunned: dict[Upstream, float] = {}

    def kept(self, question: Question) -> Message | None:
        """The answer as it may be told now, its TTLs with what is left of them."""
        kept = self._kept.get(question)
        if kept is None:
            return None
        left = kept.ttl - int(asyncio.get_running_loop().time() - kept.since)
        if left <= 0:
            del self._kept[question]
            return None
        return _with_ttl(kept.message, left)

    async def ask(self, question: Question) -> Message:
        """Raises Unresolved."""
        task = self._waiting.get(question)
        if task is None:
            if len(self._waiting) >= MAX_WAITING:
                raise Unresolved("too many questions wait for name servers")
            task = self._waiting[question] = asyncio.create_task(self._resolve(question))
            task.add_done_callback(lambda done: self._answered(question, done))
        return await asyncio.shield(task)

    def forget(self) -> None:
        """Others may be asked now."""
        self._kept.clear()
        self._shunned.clear()

    async def close(self) -> None:
        tasks = [*self._waiting.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _answered(self, question: Question, task: asyncio.Task[Message]) -> None:
        del self._waiting[question]
        if not task.cancelled():
            task.exception()  # Whoever asked may have gone, and then nobody else looks at it.

    async def _resolve(self, question: Question) -> Message:
        labels = tuple(label.decode("latin-1").lower() for label in question.name.labels[:-1])
        upstreams = self._upstreams.of(labels)
        try:
            async with asyncio.timeout(SECONDS):
                message = await self._try(question, upstreams)
        except TimeoutError:
            raise Unresolved(f"no answer from {_named(upstreams)}") from None
        return self._keep(question, message)

    async def _try(self, question: Question, upstreams: Sequence[Upstream]) -> Message:
        """The first answer that says something. Of those that refuse or fail the last is told, should there be none."""
        now = asyncio.get_running_loop().time
        refusal: Message | None = None
        for number in range(ROUNDS * len(upstreams)):
            order = sorted(upstreams, key=lambda upstream: self._shunned.get(upstream, 0.0) > now())
            upstream = order[number % len(order)]
            try:
                message = await exchange(_query(question), upstream, TRY_SECONDS)
            except ExchangeError as error:
                log.debug("%s for %s: %s", upstream.address, question.name, error)
                self._shunned[upstream] = now() + SHUN_SECONDS
                continue
            self._shunned.pop(upstream, None)
            if message.rcode() in (NOERROR, NXDOMAIN):
                return message
            refusal = message
            if number + 1 >= len(upstreams):
                break
        if refusal is None:
            raise Unresolved(f"no answer from {_named(upstreams)}")
        return refusal

    def _keep(self, question: Question, message: Message) -> Message:
        """As it may be told."""
        ttl = _ttl(message)
        if ttl <= 0:
            return message
        self._kept.pop(question, None)
        while len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[question] = _Kept(message, ttl, asyncio.get_running_loop().time())
        return _with_ttl(message, ttl)


def _query(question: Question) -> Message:
    query = make_query(
        question.name, question.rdtype, IN, use_edns=0, payload=PAYLOAD, want_dnssec=question.dnssec
    )
    if question.checking_disabled:
        query.flags |= CD
    return query


def _ttl(message: Message) -> int:
    """Seconds for which the answer holds; 0 for one that is not to be kept. Source: RFC 2308 for negative ones."""
    if message.rcode() not in (NOERROR, NXDOMAIN):
        return 0
    ttls = [rrset.ttl for rrset in (*message.answer, *message.authority)]
    negative = message.rcode() == NXDOMAIN or not message.answer
    minimums = [rdata.minimum for rrset in message.authority if rrset.rdtype == SOA for rdata in rrset]
    if negative and not minimums:
        return 0
    least: int = min([MAX_TTL, *ttls, *(minimums if negative else ())])
    return least


def _with_ttl(message: Message, ttl: int) -> Message:
    told = copy.copy(message)
    told.sections = [
        message.question,
        *([_aged(rrset, ttl) for rrset in section] for section in message.sections[1:]),
    ]
    return told


def _aged(rrset: RRset, ttl: int) -> RRset:
    aged: RRset = rrset.copy()
    aged.ttl = ttl
    return aged


def _named(upstreams: Sequence[Upstream]) -> str:
    addresses = " and ".join(f"{upstream.address}:{upstream.port}" for upstream in upstreams)
    return addresses or "any name server: there is none"
