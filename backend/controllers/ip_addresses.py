"""An IPAddress for every address that a service has, as kube-apiserver makes them.

They say who has an address; that no two services have the same one is the allocator's doing, which does not ask them.
Source: pkg/registry/core/service/ipallocator/controller/repairip.go.
"""

from __future__ import annotations

import asyncio

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta.addresses import family
from backend.meta.errors import ApiError
from backend.meta.types import Obj

SERVICES = GVR("", "v1", "services")
IP_ADDRESSES = GVR("networking.k8s.io", "v1", "ipaddresses")

FAMILY_LABEL = "ipaddress.kubernetes.io/ip-family"
MANAGED_BY_LABEL = "ipaddress.kubernetes.io/managed-by"
MANAGER = "ipallocator.k8s.io"
_BY_ADDRESS = "address"
_WORKERS = 8
"""Objects that are written at once: the store commits them together."""


def _kept(service: Obj) -> Obj:
    """What is needed of a service."""
    meta = service["metadata"]
    names = ("name", "namespace", "uid", "resourceVersion")
    return {"metadata": {name: meta[name] for name in names}, "addresses": _addresses(service)}


def _addresses(service: Obj) -> list[str]:
    return [address for address in service["spec"].get("clusterIPs") or () if family(address)]


class IpAddresses:
    """`run` works until it is cancelled. Only objects with our label are ever deleted."""

    def __init__(self, client: Client, clock: Clock | None = None) -> None:
        self._client = client
        self._services = Informer(
            client, SERVICES, clock=clock, transform=_kept,
            indexers={_BY_ADDRESS: lambda service: service["addresses"]},
        )  # fmt: skip
        self._objects = Informer(client, IP_ADDRESSES, clock=clock)
        informers = (self._services, self._objects)
        self.controller = Controller(
            "ip-addresses", self._reconcile, clock=clock, workers=_WORKERS, informers=informers
        )
        self._services.on_change(self._service_changed)
        self._objects.on_change(self.controller.enqueue_changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._services.run())
            group.create_task(self._objects.run())
            group.create_task(self.controller.run(), name=self.controller.name)

    def _service_changed(self, new: Obj | None, old: Obj | None) -> None:
        before, after = (set(service["addresses"]) if service is not None else set() for service in (old, new))
        for address in before ^ after:
            self.controller.enqueue("", address)

    async def _reconcile(self, key: Key) -> None:
        address = key.name
        current = self._objects.get("", address)
        parent = self._parent(address)
        try:
            if current is None and parent is not None:
                await self._client.create(IP_ADDRESSES, _object(address, parent))
            elif current is not None and current["spec"].get("parentRef") != parent and _is_ours(current):
                # A parentRef cannot change: the object is made anew once this one is seen to be gone.
                await self._client.delete(IP_ADDRESSES, address)
        except ApiError as error:
            if error.code not in (404, 409):  # the caches will tell what somebody else did
                raise

    def _parent(self, address: str) -> Obj | None:
        for service in self._services.by_index(_BY_ADDRESS, address):
            meta = service["metadata"]
            return {"resource": "services", "namespace": meta["namespace"], "name": meta["name"]}
        return None


def _is_ours(ip_address: Obj) -> bool:
    return (ip_address["metadata"].get("labels") or {}).get(MANAGED_BY_LABEL) == MANAGER


def _object(address: str, parent: Obj) -> Obj:
    labels = {FAMILY_LABEL: family(address), MANAGED_BY_LABEL: MANAGER}
    return {"metadata": {"name": address, "labels": labels}, "spec": {"parentRef": parent}}
