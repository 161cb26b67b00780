"""The service `kubernetes` in `default`, by which pods find the API server, and the range of service addresses.

kube-apiserver keeps them itself. Sources: pkg/controlplane/controller/{kubernetesservice,defaultservicecidr},
pkg/controlplane/reconcilers (EndpointsAdapter).
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
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
from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.meta import timefmt
from backend.meta.types import Obj

NAME, NAMESPACE = "kubernetes", "default"
HTTPS_PORT = 443

SERVICE_CIDRS = GVR("networking.k8s.io", "v1", "servicecidrs")

_READY = "Kubernetes default Service CIDR is ready"


class KubernetesService:
    """`run` works until it is cancelled."""

    def __init__(
        self, client: Client, *, cidrs: Sequence[str], address: str, port: int, clock: Clock | None = None
    ) -> None:
        """`address` and `port` are where pods reach the API server ("": nowhere); the service has the first address
        of `cidrs`."""
        self._client = client
        self._cidrs = list(cidrs)
        self._address = address
        self._port = port
        namespaces = dict.fromkeys((SERVICES, ENDPOINT_SLICES, ENDPOINTS), NAMESPACE)
        self._kept = KeptObjects(client, NAME, {SERVICE_CIDRS: "", **namespaces}, clock)
        informers = self._kept.informers
        self.controller = Controller("kubernetes-service", self._reconcile, clock=clock, informers=informers)
        for informer in informers:
            informer.on_change(lambda _new, _old: self.controller.enqueue(NAMESPACE, NAME))
        self.controller.enqueue(NAMESPACE, NAME)

    def advertise(self, address: str, port: int) -> None:
        """From now on pods reach the API server there."""
        self._address, self._port = address, port
        self.controller.enqueue(NAMESPACE, NAME)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for informer in self._kept.informers:
                group.create_task(informer.run())
            group.create_task(self.controller.run(), name=self.controller.name)

    async def _reconcile(self, _key: Key) -> None:
        await self._kept.keep(SERVICE_CIDRS, self._service_cidr)
        await self._kept.keep(SERVICES, self._service)
        if self._address:
            ports = [{"name": "https", "port": self._port, "protocol": "TCP"}]
            for gvr, wanted in ((ENDPOINT_SLICES, endpoint_slice), (ENDPOINTS, endpoints)):
                await self._kept.keep(gvr, partial(same_parts, wanted=wanted(NAME, self._address, ports)))
        await self._set_ready()

    def _service_cidr(self, current: Obj | None) -> Obj | None:
        return None if current is not None else {"metadata": {"name": NAME}, "spec": {"cidrs": self._cidrs}}

    async def _set_ready(self) -> None:
        """Says that addresses of the range can be had; the allocator itself does not ask."""
        current = self._kept.current(SERVICE_CIDRS)
        if current is None or (current.get("status") or {}).get("conditions"):
            return
        condition = {
            "type": "Ready", "status": "True", "reason": "", "message": _READY, "lastTransitionTime": timefmt.now(),
        }  # fmt: skip
        status = {"status": {"conditions": [condition]}}
        await self._client.patch(SERVICE_CIDRS, NAME, status, subresource="status")

    def _service(self, current: Obj | None) -> Obj | None:
        """Of a service that is there only the ports and the type are put right."""
        port = {"name": "https", "protocol": "TCP", "port": HTTPS_PORT, "targetPort": self._port}
        if current is None:
            return {
                "metadata": {"name": NAME, "labels": {"component": "apiserver", "provider": "kubernetes"}},
                "spec": {
                    "type": "ClusterIP",
                    "clusterIP": str(ipaddress.ip_network(self._cidrs[0])[1]),
                    "ipFamilyPolicy": "SingleStack",
                    "sessionAffinity": "None",
                    "ports": [port],
                },
            }
        spec = current["spec"]
        if (spec.get("ports"), spec.get("type")) == ([port], "ClusterIP"):
            return None
        return {**current, "spec": {**spec, "ports": [port], "type": "ClusterIP"}}
