"""A DNS server over caches that a test fills, with neither sockets nor an API server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.message
from dns.rdatatype import RdataType

from backend.machinery.client import GVR, NAMESPACES, Client
from backend.machinery.informer import Informer
from backend.machinery.resolv_conf import HostResolver
from backend.meta.types import ADMIN, Obj
from backend.network.dns.server import DnsServer
from backend.network.dns.sockets import bind
from backend.network.dns.upstreams import DnsConfig
from tests.support.tiny_api import TinyApi

SERVICES = GVR("", "v1", "services")
ENDPOINT_SLICES = GVR("discovery.k8s.io", "v1", "endpointslices")


class DnsCluster:
    """`resolv_conf` is this machine's, as the server sees it."""

    def __init__(self, folder: Path) -> None:
        self.api = TinyApi()
        client = Client(self.api, ADMIN)
        self.resolv_conf = folder / "resolv.conf"
        self._informers = [Informer(client, gvr) for gvr in (SERVICES, ENDPOINT_SLICES, NAMESPACES)]
        host = HostResolver(self.resolv_conf, folder / "systemd.conf")
        self.server = DnsServer(*self._informers, ranges=["10.96.0.0/12", "fd00:10::/108"], host=host)
        self.namespace("default")
        self.namespace("kube-system")
        self.address = ("", 0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        udp, tcp = bind("127.0.0.1", 0)
        self.address = udp.getsockname()
        tasks = [asyncio.create_task(informer.run()) for informer in self._informers]
        tasks.append(asyncio.create_task(self.server.serve(udp, tcp)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def namespace(self, name: str) -> None:
        self.api.put("namespaces", {"metadata": {"name": name}})

    def service(self, name: str, *ips: str, ports: list[Obj] | None = None, **spec: Any) -> None:
        given = [{"name": "http", "port": 80, "protocol": "TCP"}] if ports is None else ports
        addresses = {"clusterIP": ips[0], "clusterIPs": [*ips]} if ips else {}
        body = {**addresses, **({"ports": given} if given else {}), **spec}
        self.api.put("services", {"metadata": {"name": name, "namespace": "default"}, "spec": body})

    def slice(
        self, service: str, *endpoints: Obj, name: str = "", family: str = "IPv4", ports: list[Obj] | None = None
    ) -> None:
        meta = {
            "name": name or f"{service}-1", "namespace": "default",
            "labels": {"kubernetes.io/service-name": service},
        }  # fmt: skip
        given = [{"name": "http", "port": 8080, "protocol": "TCP"}] if ports is None else ports
        body = {"metadata": meta, "addressType": family, "endpoints": [*endpoints], "ports": given}
        self.api.put("endpointslices", body)

    def config(self, **data: str) -> None:
        self.server.configure(DnsConfig.of({"data": data}))

    async def ask(self, name: str, rdtype: str = "A", **options: Any) -> dns.message.Message:
        """By UDP."""
        return await self.send(dns.message.make_query(name, rdtype, **options))

    async def send(self, query: dns.message.Message) -> dns.message.Message:
        wire = await self.exchange(query.to_wire())
        answer = dns.message.from_wire(wire, one_rr_per_rrset=True)
        assert query.is_response(answer)
        return answer

    async def exchange(self, wire: bytes, seconds: float = 10.0) -> bytes:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()

        class Datagrams(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                if not answer.done():
                    answer.set_result(data)

        transport, _ = await loop.create_datagram_endpoint(Datagrams, remote_addr=self.address)
        try:
            transport.sendto(wire)
            async with asyncio.timeout(seconds):
                return await answer
        finally:
            transport.close()

    async def by_tcp(self, *queries: dns.message.Message) -> list[dns.message.Message]:
        """All on one connection, at once; the answers in the order in which they come."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            for query in queries:
                writer.write(query.to_wire(prepend_length=True))
            async with asyncio.timeout(10):
                return [
                    dns.message.from_wire(
                        await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big")),
                        one_rr_per_rrset=True,
                    )
                    for _ in queries
                ]
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def lines(section: list[Any]) -> list[str]:
    """The records as they are written in a zone, without their TTLs, in order of the text."""
    return sorted(f"{rrset.name} {RdataType(rrset.rdtype).name} {rrset[0]}" for rrset in section)


@dataclass(frozen=True, slots=True)
class NameServer:
    """`address` is ip:port; `asked` are the questions, as "name type"."""

    address: str
    asked: list[str]


@asynccontextmanager
async def name_server(answers: Callable[[dns.message.Message], bytes | None]) -> AsyncIterator[NameServer]:
    """Somebody else's, at 127.0.0.1: `answers` gives the answer's wire, or None for silence."""
    asked: list[str] = []

    class Serving(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport: Any = transport

        def datagram_received(self, data: bytes, addr: object) -> None:
            query = dns.message.from_wire(data)
            asked.append(f"{query.question[0].name} {RdataType(query.question[0].rdtype).name}")
            answer = answers(query)
            if answer is not None:
                self.transport.sendto(answer, addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Serving, local_addr=("127.0.0.1", 0))

    host, port = transport.get_extra_info("sockname")
    try:
        yield NameServer(f"{host}:{port}", asked)
    finally:
        transport.close()
