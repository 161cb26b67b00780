"""Services of type LoadBalancer get an address of their own on this machine, of a pool that no other cluster has.

The pool is routed to the pods' bridge, so that its addresses are reached from this machine and from pods and by nobody
else; the proxy's rules translate what is sent to them. Who has which address is what the services' statuses say.

Source of finalizer, events and messages: cloud-provider/controllers/service/controller.go of Kubernetes. As there, a
service with a loadBalancerClass is another implementation's.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import Literal

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer, object_key
from backend.meta.errors import ApiError
from backend.meta.types import Obj

SERVICES = GVR("", "v1", "services")
FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
LOAD_BALANCER = "LoadBalancer"


class NoAddress(Exception):
    """Why a service cannot have one."""


class LoadBalancers:
    """Addresses are kept over restarts, and given to another service once theirs gave them up. The informer is run by
    whoever made it; `run` works until it is cancelled."""

    def __init__(
        self, client: Client, services: Informer, cidrs: Sequence[str], clock: Clock | None = None
    ) -> None:
        """`cidrs` are the pool: one range of each IP family that services have."""
        self._client = client
        self._services = services
        self._pool = [ipaddress.ip_network(cidr) for cidr in cidrs]
        self._holders: dict[str, Key] = {}
        self._waiting: set[Key] = set()
        self._recorder = EventRecorder(client, "service-controller", clock=clock)
        self.controller = Controller("service-lb", self._reconcile, clock=clock, informers=(services,))
        services.on_change(self._changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._recorder.run(), name="service-lb events")
            group.create_task(self.controller.run(), name=self.controller.name)

    def _changed(self, new: Obj | None, old: Obj | None) -> None:
        service = new if new is not None else old
        assert service is not None
        key = Key(*object_key(service))
        if new is None:
            self._release(key)
            return
        for address in _addresses(new):
            self._holders.setdefault(address, key)
        if _wants(new) or _has_finalizer(new):
            self.controller.enqueue(*key)
        if old is not None and _wants(old) != _wants(new):
            types = [each["spec"].get("type", "") for each in (old, new)]
            self._say(new, "Normal", "Type", " -> ".join(types))

    async def _reconcile(self, key: Key) -> None:
        service = self._services.get(*key)
        if service is None:
            return
        try:
            if _has_finalizer(service) and (service["metadata"].get("deletionTimestamp") or not _wants(service)):
                await self._take_away(key, service)
            elif _wants(service) and not service["metadata"].get("deletionTimestamp"):
                await self._give(key, service)
        except ApiError as error:
            if error.code != 404:  # else it went away in the meantime
                raise

    async def _take_away(self, key: Key, service: Obj) -> None:
        self._say(service, "Normal", "DeletingLoadBalancer", "Deleting load balancer")
        finalizers = [each for each in service["metadata"]["finalizers"] if each != FINALIZER]
        await self._patch(service, finalizers, [])
        self._release(key)
        self._say(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer")

    async def _give(self, key: Key, service: Obj) -> None:
        try:
            addresses = [self._address(key, service, family) for family in service["spec"].get("ipFamilies") or ()]
        except NoAddress as error:
            if key not in self._waiting:
                message = f"Error syncing load balancer: failed to ensure load balancer: {error}"
                self._say(service, "Warning", "SyncLoadBalancerFailed", message)
            self._waiting.add(key)
            return
        self._waiting.discard(key)
        for address in addresses:
            self._holders[address] = key
        for address in [each for each, holder in self._holders.items() if holder == key and each not in addresses]:
            self._free(address)
        if _addresses(service) == addresses and _has_finalizer(service):
            return
        self._say(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer")
        others = [each for each in service["metadata"].get("finalizers") or () if each != FINALIZER]
        await self._patch(service, [*others, FINALIZER], [{"ip": each, "ipMode": "VIP"} for each in addresses])
        self._say(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer")

    async def _patch(self, service: Obj, finalizers: list[str], ingress: list[Obj]) -> None:
        """Only of the service as it was seen: a list of finalizers is replaced as a whole."""
        meta = service["metadata"]
        patch = {
            "metadata": {"finalizers": finalizers, "resourceVersion": meta["resourceVersion"]},
            "status": {"loadBalancer": {"ingress": ingress or None}},
        }
        await self._client.patch(SERVICES, meta["name"], patch, meta["namespace"], subresource="status")

    def _address(self, key: Key, service: Obj, family: str) -> str:
        """The one that was asked for, else the one it has, else the first that is free. Raises NoAddress."""
        version = 6 if family == "IPv6" else 4
        pool = next((each for each in self._pool if each.version == version), None)
        if pool is None:
            raise NoAddress(f"there are no {family} addresses for load balancers")
        asked = service["spec"].get("loadBalancerIP")
        if asked and ipaddress.ip_address(asked).version == version:
            if ipaddress.ip_address(asked) not in pool:
                raise NoAddress(f"{asked} is not in {pool}")
            holder = self._holders.get(asked, key)
            if holder != key:
                raise NoAddress(f"{asked} is in use by {holder.namespace}/{holder.name}")
            return str(ipaddress.ip_address(asked))
        held = [address for address, holder in self._holders.items() if holder == key]
        for address in [*_addresses(service), *held]:
            if self._holders.get(address) == key and ipaddress.ip_address(address) in pool:
                return address
        for candidate in pool.hosts():
            if str(candidate) not in self._holders:
                return str(candidate)
        raise NoAddress(f"all addresses of {pool} are in use")

    def _release(self, key: Key) -> None:
        self._waiting.discard(key)
        for address in [address for address, holder in self._holders.items() if holder == key]:
            self._free(address)

    def _free(self, address: str) -> None:
        """Whoever waits for one may have it now."""
        del self._holders[address]
        for key in self._waiting:
            self.controller.enqueue(*key)

    def _say(self, service: Obj, type_: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        self._recorder.event({**service, "apiVersion": "v1", "kind": "Service"}, type_, reason, message)


def _wants(service: Obj) -> bool:
    """Source: wantsLoadBalancer."""
    spec = service["spec"]
    return spec.get("type") == LOAD_BALANCER and spec.get("loadBalancerClass") is None


def _has_finalizer(service: Obj) -> bool:
    return FINALIZER in (service["metadata"].get("finalizers") or ())


def _addresses(service: Obj) -> list[str]:
    points = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return [point["ip"] for point in points if point.get("ip")]
