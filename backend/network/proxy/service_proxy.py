"""Keeps the kernel's rules in step with Services and EndpointSlices.

Level-triggered: what changes is looked at again, as a whole service, and only rules that became others are applied.
While the kernel takes one transaction, changes gather for the next. Nothing happens while nothing changes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from backend.machinery.client import GVR
from backend.machinery.durations import Durations
from backend.machinery.informer import Informer, Key, object_key
from backend.meta.types import Obj
from backend.network.bridge import PodBridge
from backend.network.nftables import Chain, Content, NftUnavailable, Section
from backend.network.proxy import conntrack, route_localnet
from backend.network.proxy.endpoints import endpoints_by_port
from backend.network.proxy.family import FAMILIES
from backend.network.proxy.reach import EVERYTHING, Ended, Frontend, Place, abandoned, reach_of
from backend.network.proxy.service_ports import service_ports
from backend.network.proxy.service_rules import ServiceRules, add_rules
from backend.network.proxy.table_content import Grounds, section

log = logging.getLogger(__name__)

SERVICES = GVR("", "v1", "services")
ENDPOINT_SLICES = GVR("discovery.k8s.io", "v1", "endpointslices")
SERVICE_NAME = "kubernetes.io/service-name"
BY_SERVICE = "proxied service"
_AT_ONCE = 20
"""Services whose rules are made without a pause: some 3 ms."""
_UNAVAILABLE_SECONDS = 30.0
_LONGEST_REST = 0.05


@dataclass(slots=True)
class _Service:
    """What is programmed of one service."""

    created: str
    rules: ServiceRules = field(default_factory=ServiceRules)
    reach: dict[Frontend, frozenset[Place]] = field(default_factory=dict)


class ServiceProxy:
    """`run` works until it is cancelled, and leaves the rules: pods may go on. The informers are run by the wiring."""

    def __init__(
        self, part: Section, services: Informer, slices: Informer, *, node_name: str, cidrs: tuple[str, ...],
        tell: Callable[[str], Awaitable[None]],
    ) -> None:  # fmt: skip
        """`cidrs` are the ranges that lead nowhere without a rule; `tell` says why there are no rules, as an event.
        Nothing is done before `on_bridge` is called."""
        self._part = part
        self._services = services
        self._slices = slices
        self._node_name = node_name
        self._cidrs = cidrs
        self._bridge: PodBridge | None = None
        self._tell = tell
        # Source of name and bounds: pkg/proxy/metrics.
        self._took = Durations(
            "kubeproxy_sync_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds",
            [0.001 * 2**power for power in range(15)],
        )  # fmt: skip
        self._programmed: dict[Key, _Service] = {}
        self._pending: set[Key] = set()
        self._changed = asyncio.Event()
        slices.add_index(BY_SERVICE, _service_of)
        services.on_change(self._service_changed)
        slices.on_change(self._slice_changed)

    async def on_bridge(self, bridge: PodBridge) -> None:
        """The bridge that pods are on, once it is known, or that it is another one."""
        self._bridge = bridge
        self._pending |= self._programmed.keys()
        self._changed.set()

    def _service_changed(self, new: Obj | None, old: Obj | None) -> None:
        self._enqueue(object_key(new or old or {}))

    def _slice_changed(self, new: Obj | None, old: Obj | None) -> None:
        for entry in (new, old):
            for name in _service_of(entry) if entry is not None else ():
                namespace, _, service = name.partition("/")
                self._enqueue((namespace, service))

    def _enqueue(self, key: Key) -> None:
        self._pending.add(key)
        self._changed.set()

    async def run(self) -> None:
        """Raises NftError when the kernel refuses the rules."""
        grounds: Grounds | None = None
        marker: str | None = None
        self._changed.set()
        for informer in (self._services, self._slices):
            await informer.synced.wait()
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._bridge is None:
                continue
            if grounds is None or grounds.bridge != self._bridge:
                grounds = Grounds(self._bridge, self._cidrs)
                marker = await self._apply_first(grounds)
            else:
                began = time.monotonic()
                await self._sync(grounds, marker)
                # While there is no end of changes, half of the time is for others.
                await asyncio.sleep(min(time.monotonic() - began, _LONGEST_REST))

    async def _apply_first(self, grounds: Grounds) -> str | None:
        """All services' rules, as often as it takes until there is an nft. The marker of route_localnet."""
        while True:
            try:
                marker = await asyncio.to_thread(route_localnet.marker, grounds.bridge.name)
                await self._sync(grounds, marker, first=True)
            except NftUnavailable as error:
                await self._tell(f"services have no addresses: {error}")
                await asyncio.sleep(_UNAVAILABLE_SECONDS)
            else:
                break
        try:
            await asyncio.to_thread(route_localnet.allow, grounds.bridge.name)
        except OSError as error:
            await self._tell(f"node ports are not served at 127.0.0.1: route_localnet cannot be set ({error})")
        reach = {frontend: places for each in self._programmed.values() for frontend, places in each.reach.items()}
        await self._forget(lambda: abandoned(conntrack.flows(EVERYTHING), reach))
        return marker

    async def _sync(self, grounds: Grounds, marker: str | None, *, first: bool = False) -> None:
        began = time.monotonic()
        pending, self._pending = self._pending, set()
        ended, differs = Ended(), first
        for number, key in enumerate(pending):
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
            differs |= self._look_again(key, grounds, ended)
        if differs:
            await self._part.put(await self._content(grounds, marker))
            self._took.observe(time.monotonic() - began)
        if ended and not first:
            await self._forget(lambda: ended.stale(conntrack.flows(ended.selections())))

    def _look_again(self, key: Key, grounds: Grounds, ended: Ended) -> bool:
        """Whether the service's rules became others."""
        before, now = self._programmed.get(key), self._wanted(key, grounds)
        ended.add(before.reach if before else {}, now.reach if now else {})
        if now is None:
            return self._programmed.pop(key, None) is not None
        self._programmed[key] = now
        return before is None or before.rules != now.rules

    def _wanted(self, key: Key, grounds: Grounds) -> _Service | None:
        service = self._services.get(*key)
        ports = service_ports(service) if service is not None else []
        if service is None or not ports:
            return None
        found = endpoints_by_port(self._slices.by_index(BY_SERVICE, "/".join(key)), self._node_name)
        wanted = _Service(service["metadata"].get("creationTimestamp") or "")
        subnets = {family: grounds.pod_subnets(family) for family in FAMILIES}
        for port in ports:
            endpoints = found.get((port.port_name, port.protocol, port.family), ())
            add_rules(wanted.rules, port, endpoints, subnets[port.family])
            wanted.reach |= reach_of(port, endpoints)
        return wanted

    async def _content(self, grounds: Grounds, marker: str | None) -> Content:
        """Older services come last, which decides: what they have, younger ones do not get."""
        by_age = sorted(self._programmed.items(), key=lambda item: (item[1].created, item[0]), reverse=True)
        content = await asyncio.to_thread(section, grounds, [each.rules for _, each in by_age])
        return Content({**content.chains, marker: Chain(())}, content.sets, content.maps) if marker else content

    async def _forget(self, find: Callable[[], list[conntrack.Flow]]) -> None:
        """In a thread. Rules work without it: connections of ended endpoints would hang until they time out."""
        try:
            await asyncio.to_thread(lambda: conntrack.forget(find()))
        except OSError as error:
            log.warning("connections to endpoints that left are not ended: %s", error)


def _service_of(entry: Obj) -> list[str]:
    name = (entry["metadata"].get("labels") or {}).get(SERVICE_NAME)
    return [f"{entry['metadata']['namespace']}/{name}"] if name else []
