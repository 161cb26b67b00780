"""Connections whose endpoint leaves, and the rules' coming and going: real rules of the kernel."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from backend.network import nftables
from backend.network.bridge import PodBridge
from backend.network.nftables import Table, table_name
from backend.network.proxy import conntrack, route_localnet
from backend.network.proxy.conntrack import Selection
from tests.support.control_plane import eventually, running
from tests.support.netns import BRIDGE, Peer, Refused
from tests.support.proxy_bed import CLUSTER, Bed, Proxied, proxied
from tests.support.service_objects import endpoint, endpoint_slice, port, service

IP = "10.96.0.10"


def listed(cluster: str = CLUSTER) -> str:
    command = ["nft", "list", "table", "inet", table_name(cluster)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def others() -> str:
    """All rules but those of clusters, without counters."""
    command = ["nft", "--stateless", "list", "ruleset", "ip"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


async def reset(peer: Peer, connection: int) -> bool:
    """Whether the connection ended by a reset when something was said; never by silence."""
    try:
        await asyncio.to_thread(peer.say, connection)
    except Refused as refused:
        if refused.error not in ("ConnectionResetError", "BrokenPipeError"):
            raise
        return True
    return False


@pytest.mark.parametrize("left", [["p2"], []], ids=["another is left", "nobody is left"])
async def test_connections_to_an_endpoint_that_left_are_reset(bed: Bed, proxy: Proxied, left: list[str]) -> None:
    entry = endpoint_slice("s", bed.pods[0].address)
    await proxy.put(service("s", IP, port(80, nodePort=30011), type="NodePort"), entry)
    doomed = [
        (peer, peer.open("tcp", *where))
        for peer, where in (
            (bed.pods[2], (IP, 80)),
            (bed.machine.itself, (IP, 80)),
            (bed.machine.itself, ("127.0.0.1", 30011)),
            (bed.outside, ("192.168.77.1", 30011)),
        )
    ]
    direct = bed.pods[2].open("tcp", bed.pods[0].address, 8080)
    for peer, connection in doomed:
        assert peer.say(connection).startswith("p1 ")
    await proxy.put(None, endpoint_slice("s", *(pod.address for pod in bed.pods if pod.name in left)))
    for peer, connection in doomed:
        await eventually(lambda peer=peer, connection=connection: reset(peer, connection), 10)  # type: ignore[misc]
    assert bed.pods[2].say(direct).startswith("p1 ")


async def test_connections_go_on_to_endpoints_that_stay_or_only_end(bed: Bed, proxy: Proxied) -> None:
    await proxy.put(service("s", IP), endpoint_slice("s", *bed.addresses[:2]))
    connections = [bed.pods[2].open("tcp", IP, 80) for _ in range(10)]
    names = [bed.pods[2].say(connection) for connection in connections]
    ending = endpoint(bed.pods[0].address, ready=False, serving=False, terminating=True)
    await proxy.put(None, endpoint_slice("s", ending, *bed.addresses[1:]))
    await proxy.put(None, endpoint_slice("s", ending, bed.pods[1].address))
    assert [bed.pods[2].say(connection) for connection in connections] == names


async def test_a_udp_client_goes_on_with_an_endpoint_that_is_there(bed: Bed, proxy: Proxied) -> None:
    udp = [{"port": 8080, "protocol": "UDP"}]
    await proxy.put(service("s", IP, port(53, "UDP")), endpoint_slice("s", bed.pods[0].address, ports=udp))
    client = bed.pods[2].open("udp", IP, 53)
    assert bed.pods[2].say(client).startswith("p1 ")
    stopped = endpoint(bed.pods[0].address, ready=False, serving=False)
    await proxy.put(None, endpoint_slice("s", stopped, bed.pods[1].address, ports=udp))

    async def moved() -> bool:
        return (await asyncio.to_thread(bed.pods[2].say, client)).startswith("p2 ")

    await eventually(moved, 10)


async def test_a_udp_client_that_asked_before_there_was_anybody_is_answered(bed: Bed, proxy: Proxied) -> None:
    """Of a node port the machine itself remembers that nobody translated it."""
    bed.machine.itself.serve("udp", 30012)
    client = bed.outside.open("udp", "192.168.77.1", 30012)
    assert bed.outside.say(client).startswith("machine ")
    udp = [{"port": 8080, "protocol": "UDP"}]
    entry = endpoint_slice("s", bed.pods[0].address, ports=udp)
    await proxy.put(service("s", IP, port(53, "UDP", nodePort=30012), type="NodePort"), entry)

    async def translated() -> bool:
        return (await asyncio.to_thread(bed.outside.say, client)).startswith("p1 ")

    await eventually(translated, 10)


async def test_what_was_lost_while_nobody_looked_is_reset_at_the_start(bed: Bed) -> None:
    """A backend that was killed comes back, and a slice has become another in between."""
    async with proxied(Table(CLUSTER)) as first:
        await first.put(service("s", IP), endpoint_slice("s", bed.pods[0].address))
        client = bed.pods[2].open("tcp", IP, 80)
        assert bed.pods[2].say(client).startswith("p1 ")
    assert bed.pods[2].say(client).startswith("p1 "), "rules stay when the proxy is cancelled"
    async with proxied(Table(CLUSTER), (service("s", IP), endpoint_slice("s", bed.pods[1].address))):
        await eventually(lambda: reset(bed.pods[2], client), 10)
    await asyncio.to_thread(route_localnet.remove_with_table, CLUSTER)


def test_the_kernel_tells_of_flows_what_was_asked(bed: Bed) -> None:
    tcp = bed.pods[0].open("tcp", bed.pods[1].address, 8080)
    udp = bed.pods[0].open("udp", bed.pods[1].address, 8080)
    for connection in (tcp, udp):
        bed.pods[0].say(connection)
    nftables.run_nft([  # Without any rule the kernel does not track.
        f"add table inet {table_name(CLUSTER)}",
        f"add chain inet {table_name(CLUSTER)} c {{ type filter hook prerouting priority 0 ; }}",
        f"add rule inet {table_name(CLUSTER)} c ct state new accept",
    ])  # fmt: skip
    for connection in (tcp, udp):
        bed.pods[0].say(connection)
    try:
        place = (bed.pods[1].address, 8080)
        of_udp = conntrack.flows([Selection(protocol="udp")])
        assert place in {flow.endpoint for flow in of_udp}
        assert {flow.protocol for flow in of_udp} == {"udp"}
        answering = conntrack.flows([Selection(answering=bed.pods[1].address)])
        assert {flow.endpoint[0] for flow in answering} == {bed.pods[1].address}
        assert {"tcp", "udp"} <= {flow.protocol for flow in answering}
        assert not any(flow.translated for flow in answering if flow.destination == place)
        conntrack.forget([*answering, *answering])
        assert not conntrack.flows([Selection(answering=bed.pods[1].address)])
    finally:
        nftables.remove_table(CLUSTER)


async def test_only_changes_that_matter_reach_the_kernel(bed: Bed, proxy: Proxied) -> None:
    made, entry = service("s", IP), endpoint_slice("s", *bed.addresses)
    await proxy.put(made, entry)
    count = proxy.section.count
    made["metadata"]["labels"] = {"a": "b"}
    entry["endpoints"][0]["hostname"] = "h"
    proxy.services.put(made)
    proxy.slices.put(entry)
    await proxy.put(service("t", "10.96.0.11"))
    assert proxy.section.count == count + 1


async def test_everything_of_a_service_goes_with_it(bed: Bed, proxy: Proxied) -> None:
    await proxy.put(service("t", "10.96.0.11"))
    before = listed()
    sticky = service("s", IP, port(80, nodePort=30013), type="NodePort", sessionAffinity="ClientIP")
    entry = endpoint_slice("s", *bed.addresses)
    await proxy.put(sticky, entry)
    bed.pods[0].ask("tcp", IP, 80)
    assert listed() != before
    proxy.slices.drop(entry)
    proxy.services.drop(sticky)
    await eventually(lambda: asyncio.to_thread(lambda: listed() == before), 10)


async def test_clusters_do_not_hurt_each_other_and_the_last_one_leaves_nothing(bed: Bed) -> None:
    setting = route_localnet.SYSCTLS / BRIDGE.name / "route_localnet"
    nftables.run_nft(["add table ip users", "add chain ip users c { type filter hook forward priority 0 ; }"])
    rules = others()
    assert setting.read_text().strip() == "0"
    async with proxied(Table("a")) as one, proxied(Table("b")) as two:
        await one.put(service("s", IP, port(80, nodePort=30014)), endpoint_slice("s", bed.pods[0].address))
        await two.put(service("s", "198.18.5.10"), endpoint_slice("s", bed.pods[1].address))
        assert bed.pods[2].ask("tcp", IP, 80)[0].startswith("p1 ")
        assert bed.pods[2].ask("tcp", "198.18.5.10", 80)[0].startswith("p2 ")
        assert others() == rules
    await asyncio.to_thread(route_localnet.remove_with_table, "b")
    assert not listed("b")
    assert setting.read_text().strip() == "1"
    assert bed.machine.itself.ask("tcp", "127.0.0.1", 30014)[0].startswith("p1 ")
    await asyncio.to_thread(route_localnet.remove_with_table, "a")
    assert not listed("a")
    assert setting.read_text().strip() == "0"
    assert others() == rules
    await asyncio.to_thread(route_localnet.remove_with_table, "a")


async def test_route_localnet_that_somebody_else_set_stays(bed: Bed) -> None:
    setting = route_localnet.SYSCTLS / BRIDGE.name / "route_localnet"
    setting.write_text("1")
    try:
        async with proxied(Table("a")) as one:
            await one.put(service("s", IP))
        await asyncio.to_thread(route_localnet.remove_with_table, "a")
        assert setting.read_text().strip() == "1"
    finally:
        setting.write_text("0")


async def test_another_bridge_is_another_table(bed: Bed, proxy: Proxied) -> None:
    await proxy.put(service("s", IP), endpoint_slice("s", *bed.addresses))
    proxy.section.happened.clear()
    await proxy.proxy.on_bridge(PodBridge("other0", ("10.78.0.0/16",), ("10.78.0.1",)))
    await proxy.section.happened.wait()
    assert 'iifname "other0"' in listed()
    assert BRIDGE.name not in listed()
    assert f"{IP} . tcp . 80" in listed()


async def test_without_nft_it_says_so_and_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    made = Proxied(Table("none"))
    await made.proxy.on_bridge(BRIDGE)
    async with running(made.proxy.run()):
        async with asyncio.timeout(10):
            while not made.told:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert made.told == ["services have no addresses: nft is not installed (package nftables)"]
