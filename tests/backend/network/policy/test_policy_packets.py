"""Rules of policies in a real kernel: packets of both IP versions between network namespaces."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from backend.meta.types import Obj
from backend.network import nftables
from backend.network.policy.rulebook import Rulebook
from backend.network.policy.rules import read_policy
from tests.support import netns
from tests.support.netns import Peer, Refused
from tests.support.policy_objects import labelled, pod, policy

CLUSTER = "policy-packets"


class Wire:
    """Two pods and another machine; `enforce` makes policies and pods hold."""

    def __init__(self, machine: netns.Machine) -> None:
        self.machine = machine
        self.server, self.client, self.outside = machine.pod("server"), machine.pod("client"), machine.outside()
        for number in (80, 81):
            self.server.serve("tcp", number)
        self.server.serve("tcp", 86, 6)
        self.server.serve("udp", 53)
        self.client.serve("tcp", 80)
        self.section: nftables.Section | None = None

    def pods(self) -> list[Obj]:
        return [
            pod(peer.name, peer.address, peer.address6, ports={"web": 81}, app=peer.name)
            for peer in (self.server, self.client)
        ]

    async def enforce(self, *policies: Obj) -> Rulebook:
        book = Rulebook([read_policy(found) for found in policies], {"default": {}}, self.pods())
        await self.put(book)
        return book

    async def put(self, book: Rulebook) -> None:
        assert self.section is not None
        await self.section.put(book.content())


def gets(peer: Peer, address: str, number: int, protocol: str = "tcp") -> bool:
    """Whether an answer comes. What is dropped is not answered; anything else than silence is a failure."""
    try:
        return bool(peer.ask(protocol, address, number, 1, 0.4))
    except Refused as refused:
        if refused.error == "TimeoutError":
            return False
        raise


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    if os.geteuid() != 0:
        pytest.skip("makes network namespaces, which needs root")
    with ExitStack() as stack:
        yield Wire(stack.enter_context(netns.machine()))


@pytest.fixture
async def rules(wire: Wire) -> AsyncIterator[Wire]:
    wire.section = nftables.Table(CLUSTER).section("policy")
    yield wire
    await asyncio.to_thread(nftables.run_nft, [f"delete table inet {nftables.table_name(CLUSTER)}"])


async def test_both_versions_of_ip_obey(rules: Wire) -> None:
    server, client = rules.server, rules.client
    await rules.enforce(policy("none", podSelector=labelled(app="server")))
    assert not gets(client, server.address, 80)
    assert not gets(client, server.address6, 86)
    assert not gets(rules.outside, server.address6, 86)
    assert gets(rules.machine.itself, server.address, 80)
    assert gets(rules.machine.itself, server.address6, 86)
    assert gets(server, client.address, 80)
    allowed = [{"podSelector": labelled(app="client")}]
    await rules.enforce(policy("clients", podSelector=labelled(app="server"), ingress=[{"from": allowed}]))
    assert gets(client, server.address, 80)
    assert gets(client, server.address6, 86)
    assert gets(client, server.address, 53, "udp")
    assert not gets(rules.outside, server.address, 80)


async def test_ports_are_of_their_protocol(rules: Wire) -> None:
    server, client = rules.server, rules.client
    ports = [
        {"port": "web"},
        {"port": "web", "protocol": "SCTP"},
        {"port": 53, "protocol": "UDP"},
        {"port": 100, "endPort": 200, "protocol": "SCTP"},
    ]
    await rules.enforce(policy("ports", podSelector=labelled(app="server"), ingress=[{"ports": ports}]))
    assert gets(client, server.address, 81)
    assert gets(rules.outside, server.address, 53, "udp")
    assert not gets(client, server.address, 80)
    await rules.enforce(policy("udp", podSelector={}, ingress=[{"ports": [{"protocol": "UDP"}, {"port": 80}]}]))
    assert gets(client, server.address, 80)
    assert gets(client, server.address, 53, "udp")
    assert not gets(client, server.address, 81)


async def test_blocks_of_both_versions_and_their_exceptions(rules: Wire) -> None:
    server, client, outside = rules.server, rules.client, rules.outside
    blocks = [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "10.77.0.0/16"]}},
        {"ipBlock": {"cidr": "::/0", "except": [f"{client.address6}/128"]}},
    ]
    await rules.enforce(policy("blocks", podSelector=labelled(app="server"), ingress=[{"from": blocks}]))
    assert gets(outside, server.address, 80)
    assert gets(outside, server.address6, 86)
    assert not gets(client, server.address, 80)
    assert not gets(client, server.address6, 86)


async def test_egress_is_closed_in_one_direction_only(rules: Wire) -> None:
    server, client, outside = rules.server, rules.client, rules.outside
    outside.serve("tcp", 80)
    one = [{"ipBlock": {"cidr": f"{outside.address}/32"}}]
    await rules.enforce(
        policy("out", podSelector=labelled(app="client"), policyTypes=["Egress"], egress=[{"to": one}])
    )
    assert gets(client, outside.address, 80)
    assert not gets(client, server.address, 80)
    assert gets(server, client.address, 80)


async def test_a_pod_that_changes_needs_no_new_rules(rules: Wire) -> None:
    server, client = rules.server, rules.client
    allowed = [{"podSelector": labelled(app="client")}]
    book = await rules.enforce(policy("clients", podSelector=labelled(app="server"), ingress=[{"from": allowed}]))
    before = book.content()
    book.change(("default", "client"), pod("client", client.address, app="other"))
    commands = nftables.changes("t", before, book.content())
    assert commands is not None
    assert [command.split()[:2] for command in commands] == [["delete", "element"], ["delete", "element"]]
    await rules.put(book)
    assert not gets(client, server.address, 80)
    book.change(("default", "server"), None)
    await rules.put(book)
    assert gets(client, server.address, 80)


async def test_a_connection_goes_on_and_none_is_new(rules: Wire) -> None:
    await rules.enforce(policy("open", podSelector={}, ingress=[{}]))
    talk = rules.client.open("tcp", rules.server.address, 80)
    assert rules.client.say(talk).startswith("server")
    await rules.enforce(policy("none", podSelector={}, policyTypes=["Ingress", "Egress"]))
    assert rules.client.say(talk).startswith("server")
    assert not gets(rules.client, rules.server.address, 80)


async def test_the_kernel_takes_whatever_the_api_takes(rules: Wire) -> None:
    """One policy that nft refuses would keep all rules of the cluster out of the kernel."""
    peers = [
        {"podSelector": {"matchExpressions": [{"key": "a.b/c", "operator": "NotIn", "values": ["x", "y"]}]}},
        *(
            {"ipBlock": {"cidr": cidr}}
            for cidr in ("0.0.0.0/0", "::/0", "10.1.2.3/32", "fd00::1/128", "0.0.0.0/32")
        ),
        {"ipBlock": {"cidr": "::/0", "except": ["fd00::/8", "fd00::/9", "fe80::1/128"]}},
        {"ipBlock": {"cidr": "10.9.8.7/8", "except": ["10.0.0.0/9", "10.128.0.0/9"]}},
    ]
    ports = [
        *({"protocol": protocol} for protocol in ("TCP", "UDP", "SCTP")),
        *({"port": "0-a-name-of-15", "protocol": protocol} for protocol in ("TCP", "UDP", "SCTP")),
        *({"port": first, "endPort": last} for first, last in ((1, 65535), (5, 9), (8, 20), (21, 22), (22, 22))),
    ]
    rule = {"ports": ports}
    spec = {"ingress": [{"from": peers, **rule}, rule, {"from": peers}], "egress": [{"to": peers, **rule}, {}]}
    names = ("0.a-b.c", "n" * 253, "drop")
    await rules.enforce(*(policy(name, podSelector={}, **spec) for name in names))
    assert gets(rules.client, rules.server.address, 80)
