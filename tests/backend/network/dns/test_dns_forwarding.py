"""Names of others: who is asked, what is kept, and what happens when nobody answers."""

from __future__ import annotations

import asyncio

import dns.flags
import dns.message
import dns.rrset
import pytest
from dns.rcode import NOERROR, NXDOMAIN, REFUSED, SERVFAIL

from backend.network.dns import forwarder
from backend.network.dns.upstreams import Upstream
from tests.support.dns_cluster import DnsCluster, lines, name_server


def with_address(query: dns.message.Message, ttl: int = 300) -> bytes:
    """192.0.2.53, whatever the name."""
    answer = dns.message.make_response(query, recursion_available=True)
    if query.question[0].rdtype == dns.rdatatype.A:
        answer.answer.append(dns.rrset.from_text(query.question[0].name, ttl, "IN", "A", "192.0.2.53"))
    return answer.to_wire()


def refusing(query: dns.message.Message) -> bytes:
    answer = dns.message.make_response(query)
    answer.set_rcode(REFUSED)
    return answer.to_wire()


def nowhere(query: dns.message.Message) -> bytes:
    answer = dns.message.make_response(query)
    answer.set_rcode(NXDOMAIN)
    soa = dns.rrset.from_text("example.", 900, "IN", "SOA", "ns.example. admin.example. 1 2 3 4 600")
    answer.authority.append(soa)
    return answer.to_wire()


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarder, "TRY_SECONDS", 0.2)
    monkeypatch.setattr(forwarder, "SECONDS", 1.5)


async def test_this_machine_s_name_server_is_asked(cluster: DnsCluster) -> None:
    cluster.config(upstreamNameservers="")
    assert (await cluster.ask("www.example")).rcode() == SERVFAIL  # there is no resolv.conf
    async with name_server(with_address) as server:
        cluster.config(upstreamNameservers=f'["{server.address}"]')
        message = await cluster.ask("www.example")
        assert (message.rcode(), lines(message.answer)) == (NOERROR, ["www.example. A 192.0.2.53"])
        assert not message.flags & dns.flags.AA
        assert message.flags & dns.flags.RA


async def test_an_answer_is_kept_for_its_time_and_no_longer_than_30_seconds(cluster: DnsCluster) -> None:
    async with name_server(with_address) as server:
        cluster.config(upstreamNameservers=f'["{server.address}"]')
        for name in ("www.example", "www.example", "WWW.example", "www.example"):
            message = await cluster.ask(name)
            assert len(message.answer) == 1
        assert message.answer[0].ttl <= 30
        assert server.asked == ["www.example. A"]
    async with name_server(lambda query: with_address(query, ttl=0)) as server:
        cluster.config(upstreamNameservers=f'["{server.address}"]')
        for _ in range(3):
            await cluster.ask("www.example")
        assert len(server.asked) == 3


async def test_that_a_name_does_not_exist_is_kept_too(cluster: DnsCluster) -> None:
    async with name_server(nowhere) as server:
        cluster.config(upstreamNameservers=f'["{server.address}"]')
        for _ in range(3):
            message = await cluster.ask("no.example")
            assert message.rcode() == NXDOMAIN
            assert [line.split()[1] for line in lines(message.authority)] == ["SOA"]
        assert len(server.asked) == 1


async def test_the_next_server_is_asked_where_one_is_silent_or_refuses(cluster: DnsCluster) -> None:
    async with (
        name_server(lambda _query: None) as silent,
        name_server(refusing) as refuser,
        name_server(with_address) as good,
    ):
        servers = f'["{silent.address}", "{refuser.address}", "{good.address}"]'
        cluster.config(upstreamNameservers=servers)
        assert len((await cluster.ask("a.example")).answer) == 1
        assert len((await cluster.ask("b.example")).answer) == 1
        assert silent.asked == ["a.example. A"], "it is asked last for some time"


async def test_nobody_answers(cluster: DnsCluster) -> None:
    async with name_server(lambda _query: None) as silent, name_server(refusing) as refuser:
        cluster.config(upstreamNameservers=f'["{silent.address}"]')
        assert (await cluster.ask("a.example")).rcode() == SERVFAIL
        cluster.config(upstreamNameservers=f'["{refuser.address}"]')
        assert (await cluster.ask("a.example")).rcode() == REFUSED
    cluster.config(upstreamNameservers=f'["{silent.address}"]')  # nobody listens there any more
    assert (await cluster.ask("a.example")).rcode() == SERVFAIL


async def test_a_false_answer_is_not_believed(cluster: DnsCluster) -> None:
    def false(query: dns.message.Message) -> bytes:
        other = dns.message.make_query("other.example", "A", id=query.id)
        return with_address(other)

    async with name_server(false) as server:
        cluster.config(upstreamNameservers=f'["{server.address}"]')
        assert (await cluster.ask("a.example")).rcode() == SERVFAIL


async def test_a_question_on_its_way_is_not_sent_twice_and_so_a_loop_ends(cluster: DnsCluster) -> None:
    loop = asyncio.get_running_loop()
    seen: list[asyncio.Task[dns.message.Message]] = []

    def back_to_us(query: dns.message.Message) -> None:
        seen.append(loop.create_task(cluster.ask(str(query.question[0].name))))

    async with name_server(back_to_us) as server:
        cluster.config(upstreamNameservers=f'["{server.address}"]')
        assert (await cluster.ask("loop.example")).rcode() == SERVFAIL
        assert len(server.asked) == forwarder.ROUNDS
        for message in await asyncio.gather(*seen):
            assert message.rcode() == SERVFAIL


async def test_we_are_not_asked_by_ourselves(cluster: DnsCluster) -> None:
    host, port = cluster.address
    cluster.server.add_own([Upstream(host, port), Upstream("10.96.0.10")])
    cluster.resolv_conf.write_text("nameserver 10.96.0.10\n")
    cluster.config(upstreamNameservers=f'["{host}:{port}"]')
    async with asyncio.timeout(1):
        assert (await cluster.ask("a.example")).rcode() == SERVFAIL


async def test_a_stub_domain_has_servers_of_its_own(cluster: DnsCluster) -> None:
    async with name_server(with_address) as stub, name_server(nowhere) as rest:
        cluster.config(
            stubDomains=f'{{"Acme.local": ["{stub.address}"], "8.b.d.0.1.0.0.2.ip6.arpa": ["{stub.address}"]}}',
            upstreamNameservers=f'["{rest.address}"]',
        )
        for name in ("acme.local", "www.ACME.local", "a.b.acme.local"):
            assert (await cluster.ask(name)).rcode() == NOERROR, name
        for name in ("notacme.local", "local", "com"):
            assert (await cluster.ask(name)).rcode() == NXDOMAIN, name
        cluster.config(upstreamNameservers=f'["{rest.address}"]')
        assert (await cluster.ask("www.acme.local")).rcode() == NXDOMAIN


async def test_reverse_names_outside_of_the_cluster_are_others(cluster: DnsCluster) -> None:
    async with name_server(nowhere) as rest:
        cluster.config(upstreamNameservers=f'["{rest.address}"]')
        assert (await cluster.ask("1.2.0.192.in-addr.arpa", "PTR")).rcode() == NXDOMAIN
        assert (await cluster.ask("1.99.96.10.in-addr.arpa", "PTR")).rcode() == NXDOMAIN
        assert rest.asked == ["1.2.0.192.in-addr.arpa. PTR"]


async def test_the_name_that_an_external_name_stands_for(cluster: DnsCluster) -> None:
    cluster.service("ext", ports=[], type="ExternalName", externalName="www.example")
    async with name_server(with_address) as server:
        cluster.config(upstreamNameservers=f'["{server.address}"]')
        name = "ext.default.svc.cluster.local"
        for _ in range(3):
            message = await cluster.ask(name)
            assert lines(message.answer) == [f"{name}. CNAME www.example.", "www.example. A 192.0.2.53"]
            assert str(message.answer[0].name) == f"{name}."
        cluster.service("ext", ports=[], type="ExternalName", externalName="new.example")
        message = await cluster.ask(name)
        assert lines(message.answer) == [f"{name}. CNAME new.example.", "new.example. A 192.0.2.53"]
        assert server.asked == ["www.example. A", "new.example. A"]


async def test_an_answer_that_is_cut_short_is_asked_for_by_tcp(cluster: DnsCluster) -> None:
    addresses = [f"192.0.2.{number}" for number in range(1, 200)]

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        query = dns.message.from_wire(await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big")))
        answer = dns.message.make_response(query)
        answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", *addresses))
        writer.write(answer.to_wire(max_size=65535, prepend_length=True))
        writer.close()

    def cut(query: dns.message.Message) -> bytes:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.TC
        return answer.to_wire()

    async with name_server(cut) as server:
        host, port = server.address.split(":")
        tcp = await asyncio.start_server(converse, host, int(port))
        async with tcp:
            cluster.config(upstreamNameservers=f'["{server.address}"]')
            [message] = await cluster.by_tcp(dns.message.make_query("many.example", "A"))
            assert len(message.answer) == len(addresses)
            by_udp = await cluster.ask("many.example")
            assert by_udp.flags & dns.flags.TC


async def test_dnssec_is_asked_for_when_it_is_wanted(cluster: DnsCluster) -> None:
    flags: list[tuple[bool, bool]] = []

    def note(query: dns.message.Message) -> bytes:
        flags.append((bool(query.ednsflags & dns.flags.DO), bool(query.flags & dns.flags.CD)))
        return with_address(query)

    async with name_server(note) as server:
        cluster.config(upstreamNameservers=f'["{server.address}"]')
        await cluster.ask("a.example")
        await cluster.ask("a.example", want_dnssec=True)
        await cluster.ask("a.example", flags=dns.flags.RD | dns.flags.CD)
    assert flags == [(False, False), (True, False), (False, True)]


async def test_more_questions_than_may_wait(cluster: DnsCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarder, "MAX_WAITING", 3)
    async with name_server(lambda _query: None) as server:
        cluster.config(upstreamNameservers=f'["{server.address}"]')
        messages = await asyncio.gather(*(cluster.ask(f"{number}.example") for number in range(8)))
        assert {message.rcode() for message in messages} == {SERVFAIL}
        assert len({*server.asked}) == 3


async def test_a_name_server_that_knows_no_edns(cluster: DnsCluster) -> None:
    def old(query: dns.message.Message) -> bytes:
        if query.edns < 0:
            return with_address(query)
        answer = dns.message.Message(query.id)
        answer.flags = dns.flags.QR
        answer.set_rcode(dns.rcode.FORMERR)
        return answer.to_wire()

    async with name_server(old) as server:
        cluster.config(upstreamNameservers=f'["{server.address}"]')
        assert len((await cluster.ask("a.example")).answer) == 1
