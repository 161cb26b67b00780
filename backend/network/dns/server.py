"""The DNS server of the cluster: what it knows, and the sockets on which it tells it."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from backend.machinery.informer import Informer
from backend.machinery.resolv_conf import HostResolver
from backend.meta.types import Obj
from backend.network.dns.cluster_records import ClusterRecords, service_of
from backend.network.dns.frontend import Answering, Frontend
from backend.network.dns.tcp import TcpListener
from backend.network.dns.udp import UdpListener
from backend.network.dns.upstreams import DnsConfig, Upstream, Upstreams

if TYPE_CHECKING:
    from backend.network.dns.forwarder import Forwarder
    from backend.network.dns.local_zones import LocalZones
    from backend.network.dns.responder import Responder

log = logging.getLogger(__name__)

DOMAIN = "cluster.local"


class DnsServer:
    """Make it before the informers run; `serve` answers until it is cancelled, once they are synced.

    `domain` is the cluster's, `ranges` the CIDRs whose reverse zones are ours.
    """

    def __init__(
        self, services: Informer, slices: Informer, namespaces: Informer, *, domain: str = DOMAIN,
        ranges: Iterable[str] = (), host: HostResolver | None = None,
    ) -> None:  # fmt: skip
        self._informers = services, slices, namespaces
        self._records = ClusterRecords(services, slices, namespaces)
        self._domain = domain
        self._ranges = [*ranges]
        self._upstreams = Upstreams(host or HostResolver())
        self._zones: LocalZones | None = None
        self._forwarder: Forwarder | None = None
        self._responder: Responder | None = None
        self._loading = asyncio.Lock()
        self._frontends: list[Frontend] = []
        services.on_change(self._service_changed)
        slices.on_change(self._slice_changed)
        namespaces.on_change(lambda new, old: None if new is not None and old is not None else self._forget())

    def add_ranges(self, cidrs: Iterable[str]) -> None:
        self._ranges = [*dict.fromkeys((*self._ranges, *cidrs))]
        if self._zones is not None:
            self._zones.set_ranges(self._ranges)
        self._forget()

    def add_own(self, addresses: Iterable[Upstream]) -> None:
        """Where this server itself is met, and so is not asked."""
        self._upstreams.own = frozenset((*self._upstreams.own, *addresses))

    def configure(self, config: DnsConfig) -> None:
        """Who else is asked from now on."""
        self._upstreams.config = config
        if self._forwarder is not None:
            self._forwarder.forget()
        self._forget()

    async def serve(self, udp: socket.socket, tcp: socket.socket) -> None:
        """The sockets are closed at the end."""
        frontends = by_udp, by_tcp = Frontend(self._load, tcp=False), Frontend(self._load, tcp=True)
        self._frontends += frontends
        datagrams, connections = UdpListener(udp, by_udp), TcpListener(tcp, by_tcp)
        try:
            for informer in self._informers:
                await informer.synced.wait()
            await connections.start()
            datagrams.start()
            await asyncio.get_running_loop().create_future()
        finally:
            datagrams.close()
            await connections.close()
            for frontend in frontends:
                self._frontends.remove(frontend)
                await frontend.close()
            if self._forwarder is not None:
                await self._forwarder.close()

    async def _load(self) -> Answering:
        async with self._loading:
            if self._responder is None:
                local_zones, forwarder, responder = await asyncio.to_thread(_import)
                self._zones = local_zones(self._records, self._domain)
                self._zones.set_ranges(self._ranges)
                self._forwarder = forwarder(self._upstreams)
                self._responder = responder(self._zones, self._forwarder)
            return self._responder

    def counts(self) -> Mapping[str, Counter[tuple[str, str]]]:
        """Answers by protocol, and (type, code)."""
        names = ("udp", "tcp")
        return {name: frontend.counts for name, frontend in zip(names, self._frontends, strict=False)}

    def _service_changed(self, new: Obj | None, old: Obj | None) -> None:
        meta = (new or old or {})["metadata"]
        self._changed(meta["namespace"], meta["name"])

    def _slice_changed(self, new: Obj | None, old: Obj | None) -> None:
        for service in {service_of(entry) for entry in (new, old) if entry is not None}:
            self._changed(*service)

    def _changed(self, namespace: str, name: str) -> None:
        if self._zones is not None:
            self._zones.changed()
        for frontend in self._frontends:
            frontend.service_changed((namespace, name))

    def _forget(self) -> None:
        for frontend in self._frontends:
            frontend.forget()


def _import() -> tuple[type[LocalZones], type[Forwarder], type[Responder]]:
    """In a thread: what is needed of dnspython takes 0.1 s."""
    from backend.network.dns.forwarder import Forwarder
    from backend.network.dns.local_zones import LocalZones
    from backend.network.dns.responder import Responder

    return LocalZones, Forwarder, Responder
