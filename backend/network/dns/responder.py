"""From a question's bytes to the answer's: what is no question, whose zone it is, and what fits."""

from __future__ import annotations

import logging
import random
import struct
from collections.abc import Coroutine
from typing import Any

from dns.exception import DNSException
from dns.flags import AA, AD, CD, DO, QR, RA, RD
from dns.message import Message, from_wire, make_response
from dns.name import Name
from dns.name import from_wire as name_from_wire
from dns.rcode import BADVERS, FORMERR, NOERROR, NOTIMP, NXDOMAIN, REFUSED, SERVFAIL, Rcode
from dns.rdata import from_wire as rdata_from_wire
from dns.rdataclass import IN
from dns.rdatatype import (
    AAAA,
    ANY,
    AXFR,
    CNAME,
    HTTPS,
    IXFR,
    MX,
    NS,
    PTR,
    SOA,
    SRV,
    TXT,
    A,
    RdataType,
    is_metatype,
)
from dns.rrset import RRset

from backend.network.dns.encoding import Record, encode, name_wire, opt_record
from backend.network.dns.forwarder import PAYLOAD, Forwarder, Question, Unresolved
from backend.network.dns.local_zones import LocalZones, Reply
from backend.network.dns.response import Response

log = logging.getLogger(__name__)

MIN_UDP, MAX_UDP, MAX_TCP = 512, 4096, 65535
"""Bytes of an answer: without EDNS, at most with it, and by TCP."""
ORDERS = 8
"""So many answers with the same addresses in other orders are made, and sent in turn: many clients take the first."""
COUNTED = frozenset((A, AAAA, ANY, CNAME, HTTPS, MX, NS, PTR, SOA, SRV, TXT))
"""Types that are counted by name: there are 65,536."""
_HEADER = 12
_QR, _RD = 0x80, 0x01


class Responder:
    def __init__(self, zones: LocalZones, forwarder: Forwarder) -> None:
        self._zones = zones
        self._forwarder = forwarder

    def respond(self, wire: bytes, *, tcp: bool) -> Response | Coroutine[Any, Any, Response] | None:
        """None where silence is the answer; to be awaited where others have to be asked. Raises nothing."""
        if len(wire) < _HEADER or wire[2] & _QR:
            return None
        if wire[2] & 0x78:
            return _bare(wire, NOTIMP)
        if wire[4:6] != b"\0\1":
            return _bare(wire, FORMERR)
        try:
            query = from_wire(wire)
        except (DNSException, ValueError, IndexError):
            return _bare(wire, FORMERR)
        try:
            return self._answer(query, tcp)
        except Exception:
            log.exception("%s could not be answered", query.question)
            return _bare(wire, SERVFAIL)

    def _answer(self, query: Message, tcp: bool) -> Response | Coroutine[Any, Any, Response]:
        [asked] = query.question
        limit = MAX_TCP if tcp else min(max(query.payload, MIN_UDP), MAX_UDP) if query.edns >= 0 else MIN_UDP
        if query.edns > 0:
            return _encode(query, Reply(BADVERS), limit)
        if (
            asked.rdclass != IN
            or asked.rdtype in (AXFR, IXFR)
            or (asked.rdtype != ANY and is_metatype(asked.rdtype))
        ):
            return _encode(query, Reply(REFUSED), limit)
        labels = tuple(label.decode("latin-1").lower() for label in asked.name.labels[:-1])
        reply = self._zones.reply(labels, _wire(asked.name), asked.rdtype)
        if reply is not None and not reply.elsewhere:
            return _encode(query, reply, limit, authoritative=True, ttl=None)
        name = asked.name if reply is None else name_from_wire(name_wire(reply.elsewhere), 0)[0]
        question = Question(name, asked.rdtype, bool(query.ednsflags & DO), bool(query.flags & CD))
        kept = self._forwarder.kept(question)
        if kept is not None:
            return _forwarded(query, reply, kept, limit)
        return self._ask(query, reply, question, limit)

    async def _ask(self, query: Message, reply: Reply | None, question: Question, limit: int) -> Response:
        try:
            message = await self._forwarder.ask(question)
        except Unresolved as error:
            log.debug("%s: %s", question.name, error)
            return _encode(query, Reply(SERVFAIL), limit)
        try:
            return _forwarded(query, reply, message, limit)
        except Exception:
            log.exception("the answer about %s could not be passed on", question.name)
            return _encode(query, Reply(SERVFAIL), limit)


def _bare(wire: bytes, rcode: Rcode) -> Response:
    """An answer to what cannot be read: only the header."""
    flags = bytes((_QR | (wire[2] & (0x78 | _RD)), rcode))
    return Response(wire[:2] + flags + bytes(8), rcode=rcode.name)


def _forwarded(query: Message, reply: Reply | None, message: Message, limit: int) -> Response:
    """Our names for the name asked for, if any, before the answer of others."""
    response = make_response(query, recursion_available=True, our_payload=PAYLOAD, pad=0)
    response.set_rcode(message.rcode())
    if reply is not None:
        response.flags |= AA
    if message.flags & AD and (query.flags & AD or query.ednsflags & DO):
        response.flags |= AD
    addresses = [rrset for rrset in message.answer if rrset.rdtype in (A, AAAA)]
    random.shuffle(addresses)
    response.answer = [
        *map(_rrset, reply.answer if reply is not None else ()),
        *(rrset for rrset in message.answer if rrset.rdtype not in (A, AAAA)), *addresses,
    ]  # fmt: skip
    response.authority, response.additional = [*message.authority], [*message.additional]
    ttls = [rrset.ttl for rrset in (*message.answer, *message.authority)]
    ttl = float(min(1, *ttls)) if ttls and message.rcode() in (NOERROR, NXDOMAIN) else 0.0
    return Response(
        response.to_wire(max_size=limit, prefer_truncation=True), _counted(query.question[0].rdtype),
        message.rcode().name, ttl, frozenset(reply.services if reply is not None else ()),
    )  # fmt: skip


def _counted(rdtype: RdataType) -> str:
    return rdtype.name if rdtype in COUNTED else "other"


def _wire(name: Name) -> bytes:
    return b"".join(bytes((len(label),)) + label for label in name.labels)


def _rrset(record: Record) -> RRset:
    rrset = RRset(name_from_wire(record.owner, 0)[0], IN, RdataType(record.rdtype))
    rrset.add(rdata_from_wire(IN, RdataType(record.rdtype), record.data, 0, len(record.data)), record.ttl)
    return rrset


def _encode(
    query: Message, reply: Reply, limit: int, *, authoritative: bool = False, ttl: float | None = 0.0
) -> Response:
    asked = query.question[0]
    flags = QR | RA | (query.flags & RD) | (AA if authoritative else 0) | (reply.rcode & 0xF)
    opt = opt_record(PAYLOAD, reply.rcode >> 4, query.ednsflags & DO) if query.edns >= 0 else b""
    addresses = [record for record in reply.answer if record.rdtype in (A, AAAA)]
    random.shuffle(addresses)
    answer = [*(record for record in reply.answer if record.rdtype not in (A, AAAA)), *addresses]
    question = _wire(asked.name) + struct.pack("!HH", asked.rdtype, asked.rdclass)
    wire = encode(query.id, flags, question, (answer, reply.authority, reply.additional), opt, limit)
    return Response(
        wire, _counted(asked.rdtype), reply.rcode.name, ttl, frozenset(reply.services), reply.reverse,
        min(ORDERS, len(addresses)) or 1,
    )  # fmt: skip
