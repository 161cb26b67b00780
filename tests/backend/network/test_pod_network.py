"""Routes follow a bridge that comes, goes and comes again. A real one, of its own, in this machine's kernel."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backend.machinery.client import Client
from backend.meta.types import ADMIN
from backend.network import netlink
from backend.network.bridge import PodBridge
from backend.network.pod_network import PodNetwork
from backend.network.removal import remove_routes
from tests.support.tiny_api import TinyApi

pytestmark = pytest.mark.docker

CIDR, CIDR6 = "198.51.100.64/28", "2001:db8:7::/112"
SECONDS = 20


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, timeout=SECONDS)


class Link:
    """A bridge on this machine."""

    def __init__(self, name: str) -> None:
        self.name = name

    def make(self) -> None:
        ip("link", "add", self.name, "type", "bridge")
        ip("link", "set", self.name, "up")

    def remove(self) -> None:
        if Path(f"/sys/class/net/{self.name}").exists():
            ip("link", "del", self.name)

    def routes(self) -> set[str]:
        """The destinations of IPv4, as /proc/net/route has them, and of IPv6."""
        four = [line.split() for line in Path("/proc/net/route").read_text().splitlines()]
        six = [line.split() for line in Path("/proc/net/ipv6_route").read_text().splitlines()]
        return {each[1] for each in four if each[0] == self.name} | {
            each[0] for each in six if each[-1] == self.name and each[0].startswith("20010db8")
        }


WANTED = {"406433C6", "20010db8000700000000000000000000"}


@pytest.fixture
def link() -> Iterator[Link]:
    made = Link(f"net{os.getpid() % 100_000}")
    yield made
    made.remove()


@asynccontextmanager
async def running(network: PodNetwork) -> AsyncIterator[None]:
    task = asyncio.create_task(network.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def pod_network(inspect: Callable[[], Awaitable[PodBridge | None]]) -> PodNetwork:
    api = TinyApi()
    api.put("nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "namespace": ""}})
    return PodNetwork(inspect, [CIDR, CIDR6], Client(api, ADMIN), "n")


async def until(condition: Callable[[], bool]) -> None:
    """The kernel is asked again and again: that it tells of changes is what is tested."""
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_routes_come_with_the_bridge_and_come_again(link: Link) -> None:
    bridge = PodBridge(link.name, ("198.51.100.0/26",), ("198.51.100.1",))

    async def inspect() -> PodBridge:
        return bridge

    async with running(pod_network(inspect)):
        link.make()
        await until(lambda: link.routes() == WANTED)
        link.remove()
        link.make()
        await until(lambda: link.routes() == WANTED)
        ip("link", "set", link.name, "down")
        ip("link", "set", link.name, "up")
        await until(lambda: link.routes() == WANTED)
    assert link.routes() == WANTED, "pods go on"
    remove_routes([CIDR, CIDR6])
    remove_routes([CIDR, CIDR6])
    assert link.routes() == set()


async def test_a_route_of_somebody_else_stays(link: Link) -> None:
    link.make()
    ip("route", "add", CIDR, "dev", link.name)
    assert netlink.add_route(CIDR, link.name) is False
    remove_routes([CIDR])
    assert link.routes() == {"406433C6"}


async def test_an_engine_that_comes_later_is_waited_for(link: Link) -> None:
    found: list[PodBridge | None] = [None]
    asked, told = asyncio.Event(), asyncio.Event()

    async def inspect() -> PodBridge | None:
        asked.set()
        return found[0]

    async def tell(_bridge: PodBridge) -> None:
        told.set()

    network = pod_network(inspect)
    network.on_bridge(tell)
    link.make()
    async with asyncio.timeout(SECONDS), running(network):
        await asked.wait()
        assert link.routes() == set()
        found[0] = PodBridge(link.name, ("198.51.100.0/26",), ("198.51.100.1",))
        network.engine_came()
        await told.wait()
        assert await network.bridge() == found[0]
        await until(lambda: link.routes() == WANTED)


async def test_a_bridge_of_another_name_takes_the_routes_over(link: Link) -> None:
    other = Link(f"{link.name}b")
    bridges = [PodBridge(each.name, ("198.51.100.0/26",), ("198.51.100.1",)) for each in (link, other)]
    answers = iter(bridges)

    async def inspect() -> PodBridge:
        return next(answers)

    link.make()
    other.make()
    try:
        network = pod_network(inspect)
        async with running(network):
            await until(lambda: link.routes() == WANTED)
            network.engine_came()
            await until(lambda: other.routes() == WANTED)
            assert link.routes() == set()
    finally:
        other.remove()


async def test_what_is_missing_is_said_once_of_the_node(link: Link) -> None:
    async def inspect() -> PodBridge:
        return PodBridge("no-such-bridge", ("198.51.100.0/26",), ("198.51.100.1",))

    api = TinyApi()
    api.put("nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "namespace": ""}})
    network = PodNetwork(inspect, [CIDR], Client(api, ADMIN), "n")
    async with running(network):

        def events() -> list[str]:
            return [obj["message"] for (kind, _, _), obj in api.objects.items() if kind == "events"]

        await until(lambda: bool(events()))
        network.engine_came()
        assert events() == ["services are not reached by pods: their bridge no-such-bridge is not on this machine"]
