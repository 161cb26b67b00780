"""What pods' traffic stands on: the bridge, the routes to service addresses over it, and the kernel's settings.

The bridge is found once there is an engine, and followed: an engine that starts again may make it anew, without routes.
Nothing is polled: the kubelet hears of engines, and the kernel tells of interfaces and routes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from backend.machinery.client import NODES, Client
from backend.machinery.events import EventRecorder
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.network import netlink
from backend.network.bridge import PodBridge
from backend.network.kernel_settings import missing_settings
from backend.network.removal import remove_routes

log = logging.getLogger(__name__)

Inspect = Callable[[], Awaitable[PodBridge | None]]
"""The bridge as the engine has it; None while there is no engine."""
AddressHandler = Callable[[Obj, Sequence[str]], Awaitable[None]]


class PodNetwork:
    """`run` works until it is cancelled, and leaves the routes: pods may go on."""

    def __init__(self, inspect: Inspect, cidrs: Sequence[str], client: Client, node_name: str) -> None:
        """`cidrs` are routed to the bridge. `client` tells of the Node what is missing."""
        self._inspect = inspect
        self._cidrs = [*cidrs]
        self._client = client
        self._node_name = node_name
        self._recorder = EventRecorder(client, "kube-proxy", node_name)
        self._bridge: PodBridge | None = None
        self._told: PodBridge | None = None
        self._known = asyncio.Event()
        self._engine = asyncio.Event()
        self._handlers: list[Callable[[PodBridge], Awaitable[None]]] = []
        self._address_handlers: list[AddressHandler] = []
        self._problems: dict[str, str] = {}

    async def bridge(self) -> PodBridge:
        """Waits until an engine was there."""
        await self._known.wait()
        assert self._bridge is not None
        return self._bridge

    def on_bridge(self, handler: Callable[[PodBridge], Awaitable[None]]) -> None:
        """To be awaited with the bridge once it is known, and again when it is another one. Register before `run`."""
        self._handlers.append(handler)

    def on_address(self, handler: AddressHandler) -> None:
        """To be awaited with a pod and its addresses before a container of it starts. Register before `run`."""
        self._address_handlers.append(handler)

    async def address_given(self, pod: Obj, addresses: Sequence[str]) -> None:
        """To be awaited when a pod has got addresses, which its status does not tell yet."""
        for handler in self._address_handlers:
            await handler(pod, addresses)

    def engine_came(self) -> None:
        """To be called whenever an engine answers (again)."""
        self._engine.set()

    async def run(self) -> None:
        watching = netlink.changes()
        changed = asyncio.Event()
        loop = asyncio.get_running_loop()

        def drain() -> None:
            netlink.drain(watching)
            changed.set()

        loop.add_reader(watching, drain)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._recorder.run(), name="pod network events")
                group.create_task(self._follow_engine(changed), name="pod network engine")
                group.create_task(self._keep_routes(changed), name="pod network routes")
        finally:
            loop.remove_reader(watching)
            watching.close()

    async def _follow_engine(self, changed: asyncio.Event) -> None:
        while True:
            self._engine.clear()
            bridge = await self._inspect()
            if bridge is not None:
                await self._found(bridge)
                changed.set()
            await self._engine.wait()

    async def _found(self, bridge: PodBridge) -> None:
        before, self._bridge = self._bridge, bridge
        self._known.set()
        if bridge == self._told:
            return
        log.info("pods are on %s (%s)", bridge.name, ", ".join(bridge.subnets))
        if before is not None and before.name != bridge.name:
            remove_routes(self._cidrs)
        for problem in await asyncio.to_thread(missing_settings, bridge):
            await self.tell(problem, problem)
        for handler in self._handlers:
            await handler(bridge)
        self._told = bridge

    async def _keep_routes(self, changed: asyncio.Event) -> None:
        bridge = await self.bridge()
        while True:
            changed.clear()
            bridge = await self.bridge()
            for cidr in self._cidrs:
                try:
                    if netlink.add_route(cidr, bridge.name):
                        log.info("%s is routed to %s", cidr, bridge.name)
                except PermissionError:
                    await self.tell("routes", "service addresses are not routed: that needs root")
                    return
                except OSError as error:  # The interface is not there, or is down: its change will be told.
                    log.debug("%s is not routed to %s: %s", cidr, bridge.name, error)
            await changed.wait()

    async def tell(self, about: str, problem: str) -> None:
        """Once, in the log and as an event of the Node."""
        if self._problems.get(about) == problem:
            return
        self._problems[about] = problem
        log.warning("%s", problem)
        try:
            node = await self._client.get(NODES, self._node_name)
        except ApiError as error:
            log.debug("no event of it: %s", error)
            return
        self._recorder.event({**node, "apiVersion": "v1", "kind": "Node"}, "Warning", "NetworkNotReady", problem)
