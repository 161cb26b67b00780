"""ServiceCIDRs become ready, and stay until no service has an address that only they offer.

Source: pkg/controller/servicecidrs/servicecidrs_controller.go, where IPAddress objects stand for the services.
"""

from __future__ import annotations

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta import timefmt
from backend.meta.addresses import Network, parse_cidr, parse_ip
from backend.meta.types import Obj

SERVICE_CIDRS = GVR("networking.k8s.io", "v1", "servicecidrs")
SERVICES = GVR("", "v1", "services")
FINALIZER = "networking.k8s.io/service-cidr-finalizer"

_READY = "Kubernetes Service CIDR is ready"
_IN_USE = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"


class ServiceCidrController:
    def __init__(
        self, client: Client, *, service_cidrs: Informer, services: Informer, clock: Clock | None = None
    ) -> None:
        self._client = client
        self._service_cidrs = service_cidrs
        self._services = services
        informers = (service_cidrs, services)
        self.controller = Controller("service-cidr", self._reconcile, clock=clock, informers=informers)
        service_cidrs.on_change(self._range_changed)
        services.on_change(self._service_changed)

    def _range_changed(self, new: Obj | None, old: Obj | None) -> None:
        """A range that comes may offer what one that goes is still needed for."""
        self.controller.enqueue_changed(new, old)
        self._look_at_going()

    def _service_changed(self, new: Obj | None, old: Obj | None) -> None:
        if old is not None and (new is None or _addresses(new) != _addresses(old)):
            self._look_at_going()

    def _look_at_going(self) -> None:
        for service_cidr in self._service_cidrs.list():
            if service_cidr["metadata"].get("deletionTimestamp"):
                self.controller.enqueue_changed(service_cidr, None)

    async def _reconcile(self, key: Key) -> None:
        current = self._service_cidrs.get("", key.name)
        if current is None:
            return
        meta = current["metadata"]
        finalizers: list[str] = meta.get("finalizers") or []
        if not meta.get("deletionTimestamp"):
            if FINALIZER not in finalizers:
                await self._set_finalizers(current, [*finalizers, FINALIZER])
            elif not (current.get("status") or {}).get("conditions"):
                await self._set_ready(current, "True", "", _READY)
        elif FINALIZER in finalizers and not self._in_use(current):
            await self._set_finalizers(current, [name for name in finalizers if name != FINALIZER])
        elif FINALIZER in finalizers and not _is_terminating(current):
            await self._set_ready(current, "False", "Terminating", _IN_USE)

    async def _set_finalizers(self, service_cidr: Obj, finalizers: list[str]) -> None:
        meta = {**service_cidr["metadata"], "finalizers": finalizers}
        await self._client.update(SERVICE_CIDRS, {**service_cidr, "metadata": meta})

    async def _set_ready(self, service_cidr: Obj, status: str, reason: str, message: str) -> None:
        condition = {
            "type": "Ready", "status": status, "reason": reason, "message": message,
            "lastTransitionTime": timefmt.now(),
        }  # fmt: skip
        name = service_cidr["metadata"]["name"]
        patch = {"status": {"conditions": [condition]}}
        await self._client.patch(SERVICE_CIDRS, name, patch, subresource="status")

    def _in_use(self, service_cidr: Obj) -> bool:
        """Whether a service has an address of it that no range offers which stays."""
        going = _networks(service_cidr)
        others = (one for one in self._service_cidrs.list() if not one["metadata"].get("deletionTimestamp"))
        staying = [network for one in others for network in _networks(one)]
        for address in (parse_ip(text) for service in self._services.list() for text in _addresses(service)):
            if address is None or not any(address in network for network in going):
                continue
            if not any(address in network for network in staying):
                return True
        return False


def _addresses(service: Obj) -> list[str]:
    return service["spec"].get("clusterIPs") or []


def _is_terminating(service_cidr: Obj) -> bool:
    conditions = (service_cidr.get("status") or {}).get("conditions") or ()
    return any(condition.get("reason") == "Terminating" for condition in conditions)


def _networks(service_cidr: Obj) -> list[Network]:
    found = (parse_cidr(cidr) for cidr in (service_cidr.get("spec") or {}).get("cidrs") or ())
    return [each[1] for each in found if each is not None]
