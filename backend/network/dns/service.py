"""The service `kube-dns` in `kube-system`, at which pods meet the server: where it listens, as the proxy reads it.

Source of its labels and ports: kubeadm's add-on CoreDNS (cmd/kubeadm/app/phases/addons/dns/manifests.go).
"""

from __future__ import annotations

import asyncio
from functools import partial

from backend.controllers.kept_objects import (
    ENDPOINT_SLICES,
    ENDPOINTS,
    SERVICES,
    KeptObjects,
    endpoint_slice,
    endpoints,
    same_parts,
)
from backend.machinery.client import Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.meta.addresses import dns_address
from backend.meta.types import Obj
from backend.network.dns.cluster_records import DNS_SERVICE

DNS_PORT, METRICS_PORT = 53, 9153
_NAMESPACE, _NAME = DNS_SERVICE
_LABELS = {"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}
_ANNOTATIONS = {"prometheus.io/port": str(METRICS_PORT), "prometheus.io/scrape": "true"}


class DnsService:
    """`run` works until it is cancelled."""

    def __init__(self, client: Client, cidr: str, clock: Clock | None = None) -> None:
        """`cidr` is the range that has the service's address."""
        self._address = dns_address(cidr)
        self._served: tuple[str, int, int] | None = None
        self._kept = KeptObjects(
            client, _NAME, dict.fromkeys((SERVICES, ENDPOINT_SLICES, ENDPOINTS), _NAMESPACE), clock
        )
        informers = self._kept.informers
        self._controller = Controller("dns-service", self._reconcile, clock=clock, informers=informers)
        for informer in informers:
            informer.on_change(lambda _new, _old: self._controller.enqueue(*DNS_SERVICE))
        self._controller.enqueue(*DNS_SERVICE)

    def advertise(self, address: str, port: int, metrics_port: int) -> None:
        """Where the server listens, by UDP and TCP."""
        self._served = address, port, metrics_port
        self._controller.enqueue(*DNS_SERVICE)

    async def last_port(self) -> int:
        """Where the server listened when it last ran: whoever still has rules to there is served again."""
        for informer in self._kept.informers:
            await informer.synced.wait()
        entry = self._kept.current(ENDPOINT_SLICES) or {}
        return next((port["port"] for port in entry.get("ports") or () if port.get("name") == "dns"), 0)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for informer in self._kept.informers:
                group.create_task(informer.run())
            group.create_task(self._controller.run(), name="dns-service")

    async def _reconcile(self, _key: Key) -> None:
        await self._kept.keep(SERVICES, self._service)
        if self._served is None:
            return
        address, port, metrics_port = self._served
        ports = [
            {"name": "dns", "port": port, "protocol": "UDP"},
            {"name": "dns-tcp", "port": port, "protocol": "TCP"},
            {"name": "metrics", "port": metrics_port, "protocol": "TCP"},
        ]
        for gvr, wanted in ((ENDPOINT_SLICES, endpoint_slice), (ENDPOINTS, endpoints)):
            await self._kept.keep(gvr, partial(same_parts, wanted=wanted(_NAME, address, ports)))

    def _service(self, current: Obj | None) -> Obj | None:
        """Of a service that is there only the ports are put right: its address is for ever."""
        ports = [
            {"name": "dns", "protocol": "UDP", "port": DNS_PORT, "targetPort": DNS_PORT},
            {"name": "dns-tcp", "protocol": "TCP", "port": DNS_PORT, "targetPort": DNS_PORT},
            {"name": "metrics", "protocol": "TCP", "port": METRICS_PORT, "targetPort": METRICS_PORT},
        ]
        if current is None:
            return {
                "metadata": {"name": _NAME, "labels": _LABELS, "annotations": _ANNOTATIONS},
                "spec": {"clusterIP": self._address, "ports": ports},
            }
        spec = current["spec"]
        return None if spec.get("ports") == ports else {**current, "spec": {**spec, "ports": ports}}
