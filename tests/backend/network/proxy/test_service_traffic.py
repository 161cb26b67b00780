"""Services as those who use them see them: real rules of the kernel, between real network namespaces."""

from __future__ import annotations

import asyncio
import collections
import subprocess
from typing import Any

import pytest

from backend.network.nftables import table_name
from tests.support.control_plane import eventually
from tests.support.netns import BRIDGE, Peer, Refused
from tests.support.proxy_bed import CLUSTER, Bed, Proxied
from tests.support.service_objects import endpoint, endpoint_slice, port, service

IP = "10.96.0.10"
GATEWAY = BRIDGE.gateways[0]
SOON = 1.0
"""Seconds in which a refusal comes: a packet that is dropped is missed for longer."""


def refused_at_once(peer: Peer, address: str, number: int = 80) -> None:
    with pytest.raises(Refused) as caught:
        peer.ask("tcp", address, number)
    assert caught.value.error == "ConnectionRefusedError"
    assert caught.value.seconds < SOON


def not_answered(peer: Peer, address: str, number: int = 80) -> None:
    with pytest.raises(Refused, match="TimeoutError"):
        peer.ask("tcp", address, number, patience=1.5)


def listed() -> str:
    command = ["nft", "list", "table", "inet", table_name(CLUSTER)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


async def test_every_endpoint_gets_its_share(bed: Bed, proxy: Proxied) -> None:
    """2,100 connections over three endpoints: 700 each, and six standard deviations (21.6) at most from that."""
    await proxy.put(service("s", IP), endpoint_slice("s", *bed.addresses))
    answers = bed.machine.itself.ask("tcp", IP, 80, 2100)
    counts = collections.Counter(answer.split()[0] for answer in answers)
    assert set(counts) == {"p1", "p2", "p3"}
    assert all(abs(count - 700) < 6 * 21.6 for count in counts.values()), counts


async def test_pods_and_the_machine_reach_a_service_and_are_seen_as_themselves(bed: Bed, proxy: Proxied) -> None:
    await proxy.put(service("s", IP), endpoint_slice("s", bed.pods[0].address))
    assert bed.pods[1].ask("tcp", IP, 80) == [f"p1 {bed.pods[1].address}"]
    assert bed.machine.itself.ask("tcp", IP, 80) == [f"p1 {GATEWAY}"]


async def test_a_pod_reaches_itself_through_its_service(bed: Bed, proxy: Proxied) -> None:
    await proxy.put(service("s", IP), endpoint_slice("s", bed.pods[0].address))
    assert bed.pods[0].ask("tcp", IP, 80, 5) == [f"p1 {GATEWAY}"] * 5


async def test_ipv6(bed: Bed, proxy: Proxied) -> None:
    first, second, _ = bed.pods
    address = "fd96::10"
    entry = endpoint_slice("s", first.address6, ports=[{"port": 8086}])
    await proxy.put(service("s", address, port(80, nodePort=30006), type="NodePort"), entry)
    assert second.ask("tcp", address, 80) == [f"p1 {second.address6}"]
    assert first.ask("tcp", address, 80) == [f"p1 {BRIDGE.gateways[1]}"]
    assert bed.outside.ask("tcp", "fd78::1", 30006) == [f"p1 {bed.outside.address6}"]
    refused_at_once(second, address, 81)


async def test_udp(bed: Bed, proxy: Proxied) -> None:
    entry = endpoint_slice("s", *bed.addresses[:2], ports=[{"port": 8080, "protocol": "UDP"}])
    await proxy.put(service("s", IP, port(53, "UDP")), entry)
    answers = bed.pods[2].ask("udp", IP, 53, 40)
    assert {answer.split()[0] for answer in answers} == {"p1", "p2"}


async def test_the_kernel_takes_rules_for_sctp(bed: Bed, proxy: Proxied) -> None:
    """Whether or not it has SCTP itself."""
    entry = endpoint_slice("s", *bed.addresses, ports=[{"port": 8080, "protocol": "SCTP"}])
    await proxy.put(service("s", IP, port(9, "SCTP", nodePort=30009), type="NodePort"), entry)
    assert f"{IP} . sctp . 9 : goto cluster4/default/s/sctp/9" in listed()


async def test_named_ports_lead_to_ports_of_the_same_name(bed: Bed, proxy: Proxied) -> None:
    both = [port(80, name="a"), port(81, name="b")]
    first = endpoint_slice("s", bed.pods[0].address, ports=[{"name": "a", "port": 8080}], name="s-a")
    second = endpoint_slice("s", bed.pods[1].address, ports=[{"name": "b", "port": 8080}], name="s-b")
    await proxy.put(service("s", IP, *both), first, second)
    assert bed.pods[2].ask("tcp", IP, 80)[0].startswith("p1 ")
    assert bed.pods[2].ask("tcp", IP, 81)[0].startswith("p2 ")


@pytest.mark.parametrize("slices", [[], [endpoint_slice("s", endpoint("10.77.0.2", ready=False))]])
async def test_a_service_without_endpoints_refuses_at_once(bed: Bed, proxy: Proxied, slices: list[Any]) -> None:
    lonely = service(
        "s", IP, port(80, nodePort=30001), type="LoadBalancer", externalIPs=["192.168.77.9"],
        status={"loadBalancer": {"ingress": [{"ip": "198.18.5.1"}]}},
    )  # fmt: skip
    await proxy.put(lonely, *slices)
    for who in (bed.pods[0], bed.machine.itself):
        for address, number in ((IP, 80), ("192.168.77.9", 80), ("198.18.5.1", 80), (GATEWAY, 30001)):
            refused_at_once(who, address, number)
    refused_at_once(bed.machine.itself, "127.0.0.1", 30001)
    refused_at_once(bed.outside, "192.168.77.1", 30001)


async def test_what_no_rule_translates_is_refused_and_stays_here(bed: Bed, proxy: Proxied) -> None:
    await proxy.put(service("s", IP), endpoint_slice("s", *bed.addresses))
    for who in (bed.pods[0], bed.machine.itself):
        refused_at_once(who, IP, 81)
        refused_at_once(who, "10.96.200.200")
        refused_at_once(who, "198.18.5.77")


async def test_node_ports(bed: Bed, proxy: Proxied) -> None:
    entry = endpoint_slice("s", bed.pods[0].address)
    await proxy.put(service("s", IP, port(80, nodePort=30002), type="NodePort"), entry)
    assert bed.machine.itself.ask("tcp", "127.0.0.1", 30002) == [f"p1 {GATEWAY}"]
    assert bed.machine.itself.ask("tcp", GATEWAY, 30002) == [f"p1 {GATEWAY}"]
    assert bed.pods[1].ask("tcp", "192.168.77.1", 30002) == [f"p1 {bed.pods[1].address}"]
    assert bed.outside.ask("tcp", "192.168.77.1", 30002) == [f"p1 {bed.outside.address}"]


async def test_the_loopback_of_the_machine_stays_its_own(bed: Bed, proxy: Proxied) -> None:
    """Node ports at 127.0.0.1 need the sysctl route_localnet, which would let pods in: one that sends packets for
    127.0.0.1 out of its interface must not get an answer."""
    await proxy.put(service("s", IP), endpoint_slice("s", *bed.addresses))
    bed.machine.itself.serve("tcp", 8099)
    assert bed.machine.itself.ask("tcp", "127.0.0.1", 8099)
    with bed.pods[0].sending_loopback_out(GATEWAY):
        not_answered(bed.pods[0], "127.0.0.1", 8099)


async def test_external_and_load_balancer_addresses(bed: Bed, proxy: Proxied) -> None:
    balanced = service(
        "s", IP, type="LoadBalancer", externalIPs=["192.168.77.9"], loadBalancerSourceRanges=["10.77.0.3/32"],
        status={"loadBalancer": {"ingress": [{"ip": "198.18.5.1"}]}},
    )  # fmt: skip
    await proxy.put(balanced, endpoint_slice("s", bed.pods[0].address))
    _, second, third = bed.pods
    assert (second.address, third.address) == ("10.77.0.3", "10.77.0.4")
    assert third.ask("tcp", "192.168.77.9", 80) == [f"p1 {third.address}"]
    assert second.ask("tcp", "198.18.5.1", 80) == [f"p1 {second.address}"]
    not_answered(third, "198.18.5.1")


async def test_a_client_stays_with_its_endpoint(bed: Bed, proxy: Proxied) -> None:
    sticky = service("s", IP, sessionAffinity="ClientIP")
    await proxy.put(sticky, endpoint_slice("s", *bed.addresses[:2]))
    names = {bed.pods[2].ask("tcp", IP, 80)[0].split()[0] for _ in range(20)}
    assert len(names) == 1
    # Another endpoint that comes, or goes, changes nothing for who is somewhere already.
    await proxy.put(None, endpoint_slice("s", *bed.addresses))
    assert {bed.pods[2].ask("tcp", IP, 80)[0].split()[0] for _ in range(20)} == names
    staying = next(pod.address for pod in bed.pods if pod.name in names)
    await proxy.put(None, endpoint_slice("s", staying))
    await proxy.put(None, endpoint_slice("s", *bed.addresses))
    assert {bed.pods[2].ask("tcp", IP, 80)[0].split()[0] for _ in range(20)} == names
    # Its own endpoint goes: it gets another, and stays there.
    await proxy.put(None, endpoint_slice("s", *(each for each in bed.addresses if each != staying)))
    others = {bed.pods[2].ask("tcp", IP, 80)[0].split()[0] for _ in range(20)}
    assert len(others) == 1
    assert others != names


async def test_affinity_ends_after_its_timeout(bed: Bed, proxy: Proxied) -> None:
    sticky = service(
        "s", IP, sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 1}}
    )
    await proxy.put(sticky, endpoint_slice("s", *bed.addresses))
    bed.machine.itself.ask("tcp", IP, 80)

    async def forgotten() -> bool:
        return "expires" not in await asyncio.to_thread(listed)

    assert "expires" in listed()
    await eventually(forgotten, 20)


async def test_terminating_endpoints_serve_where_nobody_else_does(bed: Bed, proxy: Proxied) -> None:
    ending = endpoint(bed.pods[0].address, ready=False, serving=True, terminating=True)
    gone = endpoint(bed.pods[2].address, ready=False, serving=False, terminating=True)
    await proxy.put(service("s", IP), endpoint_slice("s", ending, bed.pods[1].address))
    assert {answer.split()[0] for answer in bed.pods[2].ask("tcp", IP, 80, 20)} == {"p2"}
    await proxy.put(None, endpoint_slice("s", ending, gone))
    assert {answer.split()[0] for answer in bed.pods[2].ask("tcp", IP, 80, 20)} == {"p1"}


async def test_local_policies_keep_to_this_node(bed: Bed, proxy: Proxied) -> None:
    """The second pod is said to be on another node: outsiders do not get there, and who is told to stay does not."""
    elsewhere = endpoint(bed.pods[1].address, "another")
    kept = service("s", IP, port(80, nodePort=30003), type="NodePort", externalTrafficPolicy="Local")
    await proxy.put(kept, endpoint_slice("s", bed.pods[0].address, elsewhere))
    assert {answer.split()[0] for answer in bed.outside.ask("tcp", "192.168.77.1", 30003, 20)} == {"p1"}
    assert {answer.split()[0] for answer in bed.pods[2].ask("tcp", GATEWAY, 30003, 40)} == {"p1", "p2"}
    await proxy.put({**kept, "spec": {**kept["spec"], "internalTrafficPolicy": "Local"}})
    assert {answer.split()[0] for answer in bed.pods[2].ask("tcp", IP, 80, 20)} == {"p1"}
    await proxy.put(None, endpoint_slice("s", elsewhere))
    not_answered(bed.outside, "192.168.77.1", 30003)


async def test_an_endpoint_elsewhere_answers_to_the_machine(bed: Bed, proxy: Proxied) -> None:
    """A service without a selector may lead anywhere. Who comes from outside is answered, though the endpoint has
    another way back."""
    bed.outside.serve("tcp", 8070)
    entry = endpoint_slice("s", endpoint(bed.outside.address, None), ports=[{"port": 8070}])
    await proxy.put(service("s", IP, port(80, nodePort=30004), type="NodePort"), entry)
    assert bed.pods[0].ask("tcp", IP, 80) == ["outside 192.168.77.1"]
    assert bed.outside.ask("tcp", "192.168.77.1", 30004) == ["outside 192.168.77.1"]
    assert bed.machine.itself.ask("tcp", IP, 80) == ["outside 192.168.77.1"]
