"""Cluster DNS with a real API server: its service, where it listens, and how it is set."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import dns.message
import pytest

from backend.controllers.kept_objects import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from backend.machinery.client import CONFIGMAPS, EVENTS
from backend.machinery.informers import SharedInformers
from backend.machinery.machine import primary_address
from backend.network.bridge import PodBridge
from backend.network.dns.part import ClusterDnsPart
from backend.network.dns.service import dns_address
from tests.support.control_plane import ControlPlane, control_plane, eventually, running
from tests.support.dns_cluster import name_server

HERE = primary_address()
"""Endpoints may not be on the loopback."""
LABELS = {"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[ControlPlane]:
    async with control_plane(tmp_path) as plane:
        yield plane


def bridge(address: str = HERE) -> PodBridge:
    return PodBridge("lo", (f"{address}/32",), (address,))


@asynccontextmanager
async def serving(plane: ControlPlane) -> AsyncIterator[ClusterDnsPart]:
    informers = SharedInformers(plane.client)
    services, slices = informers.of(SERVICES), informers.of(ENDPOINT_SLICES)
    part = ClusterDnsPart(plane.client, services, slices, cidrs=["10.96.0.0/12"], node_name="n")
    async with running(part.run(), services.run(), slices.run()):
        yield part


async def endpoint(plane: ControlPlane, address: str = HERE) -> dict[str, int]:
    """The ports by their names, once the slice says that somebody is at the address."""

    async def there() -> Any:
        found = await plane.find(ENDPOINT_SLICES, "kube-dns", "kube-system")
        return found if found is not None and found["endpoints"][0]["addresses"] == [address] else None

    found = await eventually(there, 20)
    return {port["name"]: port["port"] for port in found["ports"]}


def ask(address: str, port: int, name: str, rdtype: str = "A") -> dns.message.Message:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(20)
        asking.connect((address, port))
        asking.send(dns.message.make_query(name, rdtype).to_wire())
        return dns.message.from_wire(asking.recv(4096))


async def test_the_service_is_as_kubeadm_makes_it_and_leads_to_the_server(plane: ControlPlane) -> None:
    async with serving(plane) as part:
        service = await eventually(lambda: plane.find(SERVICES, "kube-dns", "kube-system"))
        assert service["metadata"]["labels"] == LABELS
        assert service["spec"]["clusterIP"] == "10.96.0.10"
        assert "selector" not in service["spec"]
        ports = [(port["name"], port["port"], port["protocol"]) for port in service["spec"]["ports"]]
        assert ports == [("dns", 53, "UDP"), ("dns-tcp", 53, "TCP"), ("metrics", 9153, "TCP")]
        assert await plane.find(ENDPOINT_SLICES, "kube-dns", "kube-system") is None, "there is no bridge yet"
        await part.on_bridge(bridge())
        at = await endpoint(plane)
        answer = await asyncio.to_thread(ask, HERE, at["dns"], "kube-dns.kube-system.svc.cluster.local")
        assert [str(rrset[0]) for rrset in answer.answer] == ["10.96.0.10"]
        assert at["dns"] == at["dns-tcp"]
        older = await eventually(lambda: plane.find(ENDPOINTS, "kube-dns", "kube-system"))
        assert older["subsets"][0]["addresses"] == [{"ip": HERE}]
        await plane.client.delete(SERVICES, "kube-dns", "kube-system")

        async def again() -> bool:
            found = await plane.find(SERVICES, "kube-dns", "kube-system")
            return found is not None and found["metadata"]["uid"] != service["metadata"]["uid"]

        assert await eventually(again, 20)


async def test_it_listens_where_it_did_unless_somebody_else_does(plane: ControlPlane) -> None:
    async with serving(plane) as part:
        await part.on_bridge(bridge())
        first = await endpoint(plane)
    async with serving(plane) as part:
        await part.on_bridge(bridge())

        async def answered() -> bool:
            with contextlib.suppress(OSError):
                return await asyncio.to_thread(ask, HERE, first["dns"], "cluster.local") is not None
            return False

        assert await eventually(answered, 20)
        assert (await endpoint(plane))["dns"] == first["dns"]
    with socket.create_server((HERE, first["dns"])):
        async with serving(plane) as part:
            await part.on_bridge(bridge())

            async def moved() -> bool:
                return (await endpoint(plane))["dns"] != first["dns"]

            assert await eventually(moved, 20)


async def test_it_moves_with_the_bridge(plane: ControlPlane) -> None:
    async with serving(plane) as part:
        await part.on_bridge(bridge())
        before = await endpoint(plane)
        await part.on_bridge(bridge("192.0.2.99"))
        await endpoint(plane, "192.0.2.99")
        with pytest.raises(OSError):  # noqa: PT011 - refused
            await asyncio.to_thread(ask, HERE, before["dns"], "cluster.local")


async def test_the_config_map_counts_while_it_is_good(plane: ControlPlane) -> None:
    def answers(query: dns.message.Message) -> bytes:
        answer = dns.message.make_response(query)
        answer.answer.append(dns.rrset.from_text(query.question[0].name, 0, "IN", "A", "192.0.2.53"))
        return answer.to_wire()

    async with name_server(answers) as server, serving(plane) as part:
        stubs = f'{{"acme.local": ["{server.address}"]}}'
        body = {"metadata": {"name": "kube-dns"}, "data": {"stubDomains": stubs}}
        await plane.client.create(CONFIGMAPS, body, "kube-system")
        await part.on_bridge(bridge())
        port = (await endpoint(plane))["dns"]

        async def answered() -> bool:
            return bool((await asyncio.to_thread(ask, HERE, port, "www.acme.local")).answer)

        assert await eventually(answered, 20)
        await plane.client.patch(CONFIGMAPS, "kube-dns", {"data": {"stubDomains": "?"}}, "kube-system")

        async def told() -> Any:
            events = (await plane.client.list(EVENTS, "kube-system"))["items"]
            return [event for event in events if event["reason"] == "InvalidConfiguration"]

        [event] = await eventually(told, 20)
        assert event["message"].startswith("stubDomains: Expecting value")
        assert await answered()


async def test_its_metrics(plane: ControlPlane) -> None:
    async with serving(plane) as part:
        await part.on_bridge(bridge())
        ports = await endpoint(plane)
        for name in ("cluster.local", "nobody.cluster.local", "nobody.cluster.local"):
            await asyncio.to_thread(ask, HERE, ports["dns"], name)
        await asyncio.to_thread(ask, HERE, ports["dns"], "cluster.local", "TYPE65000")
        page = await fetch(ports["metrics"], "/metrics")
        labels = 'family="1",proto="udp",server="dns://:53",type="A",view="",zone="."'
        assert f"coredns_dns_requests_total{{{labels}}} 3.0\n" in page
        assert 'type="other",view="",zone="."} 1.0\n' in page
        assert 'coredns_dns_responses_total{rcode="NXDOMAIN",server="dns://:53",view="",zone="."} 2.0\n' in page
        assert (await fetch(ports["metrics"], "/")).startswith("HTTP/1.1 404 ")
        assert await fetch(ports["metrics"], "x" * 10_000) == ""


async def fetch(port: int, path: str) -> str:
    reader, writer = await asyncio.open_connection(HERE, port)
    try:
        async with asyncio.timeout(20):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            return (await reader.read()).decode()
    except ConnectionError:
        return ""
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def test_the_address_is_the_tenth_of_the_range() -> None:
    assert dns_address("10.96.0.0/12") == "10.96.0.10"
    assert dns_address("fd00:10:96::/112") == "fd00:10:96::a"
