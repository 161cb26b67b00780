"""A machine of the tests' own, and a service proxy that works there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from backend.meta.types import Obj
from backend.network import netlink
from backend.network.nftables import Content, Section, Table
from backend.network.proxy.service_proxy import ServiceProxy
from tests.support import netns
from tests.support.control_plane import running
from tests.support.service_objects import FilledInformer

CLUSTER = "proxied"
CIDRS = ("10.96.0.0/16", "fd96::/112", "198.18.5.0/24")


@dataclass(frozen=True, slots=True)
class Bed:
    """Three pods that answer with their names on 8080, by TCP and UDP, and for IPv6 on 8086."""

    machine: netns.Machine
    pods: list[netns.Peer]
    outside: netns.Peer

    @property
    def addresses(self) -> list[str]:
        return [pod.address for pod in self.pods]


@contextmanager
def bed() -> Iterator[Bed]:
    """Needs root."""
    with netns.machine() as machine:
        for cidr in CIDRS:
            netlink.add_route(cidr, netns.BRIDGE.name)
        pods = [machine.pod(name) for name in ("p1", "p2", "p3")]
        for pod in pods:
            pod.serve("tcp", 8080)
            pod.serve("udp", 8080)
            pod.serve("tcp", 8086, 6)
        yield Bed(machine, pods, machine.outside())


class Applied(Section):
    """A section that tells when it was applied, and how often."""

    def __init__(self, table: Table, name: str) -> None:
        super().__init__(table, name)
        self.count = 0
        self.happened = asyncio.Event()

    async def put(self, content: Content) -> None:
        await super().put(content)
        self.count += 1
        self.happened.set()


class Proxied:
    """A running proxy. `put` and `drop` return once the kernel has what follows from them."""

    def __init__(self, table: Table) -> None:
        table.section("proxy")
        self.section = Applied(table, "proxy")
        self.services, self.slices = FilledInformer(), FilledInformer()
        self.told: list[str] = []
        self.proxy = ServiceProxy(
            self.section, self.services, self.slices, node_name="n", cidrs=CIDRS, tell=self._tell,
        )  # fmt: skip

    async def _tell(self, problem: str) -> None:
        self.told.append(problem)

    async def put(self, service: Obj | None, *slices: Obj) -> None:
        self.section.happened.clear()
        if service is not None:
            self.services.put(service)
        self.slices.put(*slices)
        await self._applied()

    async def drop(self, *slices: Obj) -> None:
        self.section.happened.clear()
        self.slices.drop(*slices)
        await self._applied()

    async def _applied(self) -> None:
        async with asyncio.timeout(30):
            await self.section.happened.wait()


@asynccontextmanager
async def proxied(table: Table, *there: tuple[Obj, Obj]) -> AsyncIterator[Proxied]:
    """`there` are services, and the slice of each, which are there already when the proxy starts."""
    made = Proxied(table)
    for service, entry in there:
        made.services.put(service)
        made.slices.put(entry)
    await made.proxy.on_bridge(netns.BRIDGE)
    async with running(made.proxy.run()):
        await made.section.happened.wait()  # So that the next time is a test's.
        yield made
