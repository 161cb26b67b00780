"""Objects that the control plane needs, kept as they should be: services without selectors, and their endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.types import Obj

SERVICES = GVR("", "v1", "services")
ENDPOINTS = GVR("", "v1", "endpoints")
ENDPOINT_SLICES = GVR("discovery.k8s.io", "v1", "endpointslices")

Desired = Callable[[Obj | None], Obj | None]
"""(the object as it is, or None) -> as it should be, or None if it is so."""


class KeptObjects:
    """Objects of one name and of several kinds. Whoever made this runs the `informers`."""

    def __init__(
        self, client: Client, name: str, namespaces: Mapping[GVR, str], clock: Clock | None = None
    ) -> None:
        """`namespaces` are those of the kinds."""
        self._client = client
        self._name = name
        self._namespaces = namespaces
        self._informers = {
            gvr: Informer(
                client, gvr, namespace=namespace, clock=clock, fieldSelector=f"metadata.name={name}"
            )
            for gvr, namespace in namespaces.items()
        }  # fmt: skip

    @property
    def informers(self) -> Sequence[Informer]:
        return [*self._informers.values()]

    def current(self, gvr: GVR) -> Obj | None:
        return self._informers[gvr].get(self._namespaces[gvr], self._name)

    async def keep(self, gvr: GVR, desired: Desired) -> None:
        current = self.current(gvr)
        wanted = desired(current)
        if wanted is None:
            return
        try:
            if current is None:
                await self._client.create(gvr, wanted, self._namespaces[gvr])
            else:
                await self._client.update(gvr, wanted)
        except ApiError as error:
            if error.code != 409:  # the cache will tell what somebody else did
                raise


def same_parts(current: Obj | None, *, wanted: Obj) -> Obj | None:
    """`current` with the labels and the other parts of `wanted`; None if it has them."""
    if current is None:
        return wanted
    labels = {**(current["metadata"].get("labels") or {}), **wanted["metadata"]["labels"]}
    parts = {name: value for name, value in wanted.items() if name != "metadata"}
    new = {**current, **parts, "metadata": {**current["metadata"], "labels": labels}}
    return None if new == current else new


def endpoint_slice(service: str, address: str, ports: Sequence[Obj]) -> Obj:
    """The only one of a service that is served at one address; `ports` have name, port and protocol."""
    return {
        "metadata": {"name": service, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv6" if ":" in address else "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [*ports],
    }


def endpoints(service: str, address: str, ports: Sequence[Obj]) -> Obj:
    """The same in the older form, of which nobody is to make slices."""
    return {
        "metadata": {"name": service, "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
        "subsets": [{"addresses": [{"ip": address}], "ports": [*ports]}],
    }
