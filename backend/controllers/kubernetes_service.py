"""The service `kubernetes` in `default`, by which pods find the API server, and the range of service addresses.

kube-apiserver keeps them itself. Sources: pkg/controlplane/controller/{kubernetesservice,defaultservicecidr},
pkg/controlplane/reconcilers (EndpointsAdapter).
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from functools import partial

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta import timefmt
from backend.meta.errors import ApiError
from backend.meta.types import Obj

NAME, NAMESPACE = "kubernetes", "default"
HTTPS_PORT = 443

SERVICES = GVR("", "v1", "services")
ENDPOINTS = GVR("", "v1", "endpoints")
ENDPOINT_SLICES = GVR("discovery.k8s.io", "v1", "endpointslices")
SERVICE_CIDRS = GVR("networking.k8s.io", "v1", "servicecidrs")

_READY = "Kubernetes default Service CIDR is ready"

Desired = Callable[[Obj | None], Obj | None]
"""(the object as it is, or None) -> as it should be, or None if it is so."""


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
        selector = f"metadata.name={NAME}"
        self._informers = {
            gvr: Informer(
                client,
                gvr,
                namespace="" if gvr is SERVICE_CIDRS else NAMESPACE,
                clock=clock,
                fieldSelector=selector,
            )
            for gvr in (SERVICE_CIDRS, SERVICES, ENDPOINT_SLICES, ENDPOINTS)
        }
        informers = (*self._informers.values(),)
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
            for informer in self._informers.values():
                group.create_task(informer.run())
            group.create_task(self.controller.run(), name=self.controller.name)

    async def _reconcile(self, _key: Key) -> None:
        await self._keep(SERVICE_CIDRS, self._service_cidr)
        await self._keep(SERVICES, self._service)
        if self._address:
            await self._keep(ENDPOINT_SLICES, partial(_same_parts, wanted=self._endpoint_slice()))
            await self._keep(ENDPOINTS, partial(_same_parts, wanted=self._endpoints()))
        await self._set_ready()

    async def _keep(self, gvr: GVR, desired: Desired) -> None:
        namespace = "" if gvr is SERVICE_CIDRS else NAMESPACE
        current = self._informers[gvr].get(namespace, NAME)
        wanted = desired(current)
        if wanted is None:
            return
        try:
            if current is None:
                await self._client.create(gvr, wanted, namespace)
            else:
                await self._client.update(gvr, wanted)
        except ApiError as error:
            if error.code != 409:  # the cache will tell what somebody else did
                raise

    def _service_cidr(self, current: Obj | None) -> Obj | None:
        return None if current is not None else {"metadata": {"name": NAME}, "spec": {"cidrs": self._cidrs}}

    async def _set_ready(self) -> None:
        """Says that addresses of the range can be had; the allocator itself does not ask."""
        current = self._informers[SERVICE_CIDRS].get("", NAME)
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

    def _port_of_endpoints(self) -> Obj:
        return {"name": "https", "port": self._port, "protocol": "TCP"}

    def _endpoint_slice(self) -> Obj:
        family = "IPv6" if ":" in self._address else "IPv4"
        return {
            "metadata": {"name": NAME, "labels": {"kubernetes.io/service-name": NAME}},
            "addressType": family,
            "endpoints": [{"addresses": [self._address], "conditions": {"ready": True}}],
            "ports": [self._port_of_endpoints()],
        }

    def _endpoints(self) -> Obj:
        return {
            "metadata": {"name": NAME, "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
            "subsets": [{"addresses": [{"ip": self._address}], "ports": [self._port_of_endpoints()]}],
        }


def _same_parts(current: Obj | None, *, wanted: Obj) -> Obj | None:
    """`current` with the labels and the other parts of `wanted`; None if it has them."""
    if current is None:
        return wanted
    labels = {**(current["metadata"].get("labels") or {}), **wanted["metadata"]["labels"]}
    parts = {name: value for name, value in wanted.items() if name != "metadata"}
    new = {**current, **parts, "metadata": {**current["metadata"], "labels": labels}}
    return None if new == current else new
