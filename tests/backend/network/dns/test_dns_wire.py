"""Bytes: what fits into an answer, several questions on a connection, and what is no question at all."""

from __future__ import annotations

import asyncio
import os
import struct

import dns.edns
import dns.flags
import dns.message
import pytest
from dns.opcode import NOTIFY
from dns.rcode import BADVERS, FORMERR, NOERROR, NOTIMP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.network.dns import tcp
from backend.network.dns.response import Response
from tests.support.dns_cluster import DnsCluster

NAME = "headless.default.svc.cluster.local"
COUNT = 150


@pytest.fixture
def many(cluster: DnsCluster) -> DnsCluster:
    cluster.service("headless", "None")
    cluster.slice("headless", *({"addresses": [f"10.3.1.{number}"]} for number in range(COUNT)))
    return cluster


@pytest.mark.parametrize(("payload", "limit"), [(0, 512), (600, 600), (1232, 1232), (100, 512), (65000, 4096)])
async def test_an_answer_by_udp_is_as_large_as_the_client_takes(
    many: DnsCluster, payload: int, limit: int
) -> None:
    options = {"use_edns": 0, "payload": payload} if payload else {}
    wire = await many.exchange(dns.message.make_query(NAME, "A", **options).to_wire())
    message = dns.message.from_wire(wire, one_rr_per_rrset=True)
    assert len(wire) <= limit
    truncated = len(message.answer) < COUNT
    assert bool(message.flags & dns.flags.TC) == truncated == (limit < 4096)
    assert not truncated or len(wire) > limit - 16, "as many as fit"
    assert message.edns == (0 if payload else -1)


async def test_what_does_not_fit_comes_by_tcp(many: DnsCluster) -> None:
    [message] = await many.by_tcp(dns.message.make_query(NAME, "A"))
    assert len(message.answer) == COUNT
    assert not message.flags & dns.flags.TC


async def test_many_questions_on_one_connection(many: DnsCluster) -> None:
    queries = [dns.message.make_query("cluster.local", "SOA", id=number) for number in range(200)]
    messages = await many.by_tcp(*queries)
    assert sorted(message.id for message in messages) == [*range(200)]


async def test_a_silent_connection_ends(cluster: DnsCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "IDLE_SECONDS", 0.05)
    reader, writer = await asyncio.open_connection(*cluster.address)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


async def test_more_connections_than_are_served_end(cluster: DnsCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "MAX_CONNECTIONS", 1)
    _, first = await asyncio.open_connection(*cluster.address)
    query = dns.message.make_query("cluster.local", "SOA").to_wire(prepend_length=True)
    first.write(query)
    reader, second = await asyncio.open_connection(*cluster.address)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    for writer in (first, second):
        writer.close()


async def test_a_connection_that_ends_in_a_question_hurts_nobody(cluster: DnsCluster) -> None:
    _, writer = await asyncio.open_connection(*cluster.address)
    writer.write(b"\0\x50abc")
    writer.close()
    assert (await cluster.ask("cluster.local", "SOA")).rcode() == NOERROR


def header(flags: int = 0x0100, questions: int = 1) -> bytes:
    return struct.pack("!6H", 7, flags, questions, 0, 0, 0)


QUESTION = b"\x05local\0\0\1\0\1"


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (header(questions=2) + QUESTION * 2, FORMERR), (header(questions=0), FORMERR), (header(), FORMERR),
        (header() + b"\xc0\x0c\0\1\0\1", FORMERR), (header() + b"\x05loc", FORMERR),
        (header(0x2900) + QUESTION, NOTIMP), (header(0x1100) + QUESTION, NOTIMP),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_or_done(cluster: DnsCluster, wire: bytes, code: int) -> None:
    answer = await cluster.exchange(wire)
    assert len(answer) == 12
    ident, flags = struct.unpack("!2H", answer[:4])
    assert (ident, flags & 0xF, flags >> 15) == (7, code, 1)


async def test_a_notification_is_not_known(cluster: DnsCluster) -> None:
    query = dns.message.make_query("cluster.local", "SOA")
    query.set_opcode(NOTIFY)
    answer = dns.message.from_wire(await cluster.exchange(query.to_wire()))
    assert answer.rcode() == NOTIMP


async def test_an_answer_is_never_answered(cluster: DnsCluster) -> None:
    with pytest.raises(TimeoutError):
        await cluster.exchange(header(0x8100) + QUESTION, seconds=0.2)
    with pytest.raises(TimeoutError):
        await cluster.exchange(b"\0\1\2", seconds=0.2)


async def test_a_later_version_of_edns_is_not_known(cluster: DnsCluster) -> None:
    message = await cluster.ask("cluster.local", "SOA", use_edns=1)
    assert (message.rcode(), message.edns) == (BADVERS, 0)


async def test_a_cookie_is_no_reason_to_keep_an_answer(cluster: DnsCluster) -> None:
    for _ in range(50):
        option = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, os.urandom(8))
        message = await cluster.ask("cluster.local", "SOA", use_edns=0, options=[option])
        assert message.rcode() == NOERROR


@given(data=st.binary(max_size=600), valid_header=st.booleans())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_comes_hurts(data: bytes, valid_header: bool) -> None:
    """Straight into the responder: an answer, silence, or work that can be thrown away."""
    wire = header() + data if valid_header else data
    for by_tcp in (False, True):
        _check(wire, by_tcp)


@given(flips=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), max_size=6), cut=st.integers(0, 70))
@settings(max_examples=400, deadline=None)
def test_no_question_that_was_damaged_hurts(flips: list[tuple[int, int]], cut: int) -> None:
    query = dns.message.make_query("_http._tcp.web.default.svc.cluster.local", "SRV", use_edns=0, want_dnssec=True)
    wire = bytearray(query.to_wire())
    for place, value in flips:
        wire[place % len(wire)] = value
    _check(bytes(wire[: max(0, len(wire) - cut)]), False)


def _check(wire: bytes, by_tcp: bool) -> None:
    found = RESPONDER.respond(wire, tcp=by_tcp)
    if isinstance(found, Response):
        assert found.wire[:2] == wire[:2]
        assert found.wire[2] & 0x80
        assert found.rcode != "SERVFAIL"
        assert len(found.wire) <= (65535 if by_tcp else 4096)
    elif found is not None:
        found.close()


def _responder() -> object:
    """One that knows a service, without a server around it."""
    from backend.machinery.client import NAMESPACES, Client
    from backend.machinery.informer import Informer
    from backend.meta.types import ADMIN
    from backend.network.dns.cluster_records import ClusterRecords
    from backend.network.dns.local_zones import LocalZones
    from backend.network.dns.responder import Responder
    from tests.support.dns_cluster import ENDPOINT_SLICES, SERVICES
    from tests.support.tiny_api import TinyApi

    client = Client(TinyApi(), ADMIN)
    records = ClusterRecords(*(Informer(client, gvr) for gvr in (SERVICES, ENDPOINT_SLICES, NAMESPACES)))
    zones = LocalZones(records, "cluster.local")
    zones.set_ranges(["10.96.0.0/12"])

    class NobodyElse:
        def kept(self, _question: object) -> None:
            return None

        async def ask(self, _question: object) -> None:
            raise AssertionError("nobody waits for it")

    return Responder(zones, NobodyElse())  # type: ignore[arg-type]


RESPONDER = _responder()
