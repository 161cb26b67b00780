"""Cluster DNS as a part of the network: the server on this machine's address at the pods' bridge, its service, and the
ConfigMap by which users set it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from backend.machinery.client import CONFIGMAPS, NAMESPACES, Client
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer
from backend.meta.addresses import dns_address
from backend.meta.types import Obj
from backend.network.bridge import PodBridge
from backend.network.dns.cluster_records import DNS_SERVICE
from backend.network.dns.metrics import MetricsListener
from backend.network.dns.server import DnsServer
from backend.network.dns.service import DnsService
from backend.network.dns.sockets import bind, bind_tcp
from backend.network.dns.upstreams import ConfigError, DnsConfig, Upstream

log = logging.getLogger(__name__)


class ClusterDnsPart:
    """`run` works until it is cancelled, or raises; it may be called again. Pods find the server where it was: at the
    service's address, and if nobody has taken it meanwhile on the same port behind that."""

    def __init__(
        self, client: Client, services: Informer, slices: Informer, *, cidrs: Sequence[str], node_name: str
    ) -> None:
        """Make it before the informers run; whoever made them runs them. `cidrs` are the ranges of service addresses:
        the first has the server's."""
        self._namespaces = Informer(client, NAMESPACES)
        self._config = Informer(
            client, CONFIGMAPS, namespace=DNS_SERVICE[0], fieldSelector=f"metadata.name={DNS_SERVICE[1]}"
        )
        self._config.on_change(self._configure)
        self._server = DnsServer(services, slices, self._namespaces, ranges=cidrs)
        self._server.add_own([Upstream(dns_address(cidrs[0]))])
        self._service = DnsService(client, cidrs[0])
        self._recorder = EventRecorder(client, "cluster-dns", node_name)
        self._v6 = ":" in cidrs[0]
        self._bridge: PodBridge | None = None
        self._bridge_changed = asyncio.Event()

    async def on_bridge(self, bridge: PodBridge) -> None:
        """Pods are there from now on."""
        self._bridge = bridge
        self._bridge_changed.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for informer in (self._namespaces, self._config):
                group.create_task(informer.run())
            group.create_task(self._recorder.run(), name="dns events")
            group.create_task(self._service.run(), name="dns service")
            group.create_task(self._follow_bridge(), name="dns server")

    async def _follow_bridge(self) -> None:
        await self._config.synced.wait()
        while True:
            await self._bridge_changed.wait()
            self._bridge_changed.clear()
            assert self._bridge is not None
            serving = asyncio.create_task(self._serve(self._bridge))
            moving = asyncio.create_task(self._bridge_changed.wait())
            try:
                await asyncio.wait((serving, moving), return_when=asyncio.FIRST_COMPLETED)
                if serving.done():
                    serving.result()
            finally:
                self._bridge_changed.set()  # for whoever runs this again
                for task in (serving, moving):
                    task.cancel()
                await asyncio.gather(serving, moving, return_exceptions=True)

    async def _serve(self, bridge: PodBridge) -> None:
        gateways = [gateway for gateway in bridge.gateways if (":" in gateway) == self._v6]
        if not gateways:
            log.warning("there is no cluster DNS: pods have no %s address", "IPv6" if self._v6 else "IPv4")
            await asyncio.get_running_loop().create_future()
        address = gateways[0]
        self._server.add_ranges(bridge.subnets)
        udp, tcp = bind(address, await self._service.last_port())
        port = udp.getsockname()[1]
        self._server.add_own([Upstream(address, port)])
        async with asyncio.TaskGroup() as group:
            metrics = bind_tcp(address, 0)
            group.create_task(MetricsListener(metrics, self._server.counts).run())
            group.create_task(self._server.serve(udp, tcp))
            self._service.advertise(address, port, metrics.getsockname()[1])

    def _configure(self, new: Obj | None, _old: Obj | None) -> None:
        """What cannot be used changes nothing, and is said at the ConfigMap."""
        try:
            self._server.configure(DnsConfig.of(new))
        except ConfigError as error:
            log.warning("ConfigMap %s/%s: %s", *DNS_SERVICE, error)
            about = {**(new or {}), "apiVersion": "v1", "kind": "ConfigMap"}
            self._recorder.event(about, "Warning", "InvalidConfiguration", str(error))
