"""The endpoints behind the services that Ingresses name, as the caches know them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from backend.machinery.informer import Informer
from backend.meta.types import Obj
from backend.network.ingress.routing import ServiceBackend

SERVICE_NAME = "kubernetes.io/service-name"
BY_SERVICE = "ingress-backend"


class Endpoint(NamedTuple):
    """Where a pod listens. `host` is an address or, of a service that is an ExternalName, a name."""

    host: str
    port: int


class Fault(NamedTuple):
    """Why a backend cannot be served: as an event says it."""

    reason: str
    message: str


class Backends:
    """Requests are spread over ready endpoints in turn, and go to them and not to the service's address: every request
    is balanced, not every connection; another endpoint can be tried where one does not answer; and what leaves a
    service gets no more requests over connections that are kept. As ingress-nginx does it."""

    def __init__(self, services: Informer, slices: Informer) -> None:
        """The informers are run by whoever made them."""
        self._services = services
        self._slices = slices
        self._ready: dict[tuple[str, str], dict[ServiceBackend, Sequence[Endpoint]]] = {}
        self._turn: dict[ServiceBackend, int] = {}
        slices.add_index(BY_SERVICE, _service_of)
        services.on_change(self._changed)
        slices.on_change(self._slice_changed)

    def fault(self, backend: ServiceBackend) -> Fault | None:
        """What somebody has to mend. A service whose pods are not ready has none."""
        name = f"{backend.namespace}/{backend.service}"
        service = self._services.get(backend.namespace, backend.service)
        if service is None:
            return Fault("ServiceNotFound", f"service {name} not found")
        if _port_name(service, backend.port) is None and not _is_external(service):
            return Fault("ServicePortNotFound", f"service {name} has no port {backend.port}")
        return None

    def next_endpoints(self, backend: ServiceBackend) -> Sequence[Endpoint]:
        """All ready ones, in the order in which they are to be tried: each begins as often as any other."""
        of_service = self._ready.setdefault((backend.namespace, backend.service), {})
        ready = of_service.get(backend)
        if ready is None:
            ready = of_service[backend] = self._look_up(backend)
        if len(ready) < 2:
            return ready
        turn = self._turn.get(backend, 0) % len(ready)
        self._turn[backend] = turn + 1
        return [*ready[turn:], *ready[:turn]]

    def _look_up(self, backend: ServiceBackend) -> Sequence[Endpoint]:
        service = self._services.get(backend.namespace, backend.service)
        if service is None:
            return ()
        if _is_external(service):
            return _external(service, backend.port)
        name = _port_name(service, backend.port)
        found: dict[Endpoint, None] = {}
        for entry in self._slices.by_index(BY_SERVICE, f"{backend.namespace}/{backend.service}"):
            ports = [
                p["port"] for p in entry.get("ports") or () if (p.get("name") or "") == name and p.get("port")
            ]
            for endpoint in entry.get("endpoints") or ():
                if (endpoint.get("conditions") or {}).get("ready", True) and ports:
                    found[Endpoint(endpoint["addresses"][0], ports[0])] = None
        return sorted(found)

    def _changed(self, new: Obj | None, old: Obj | None) -> None:
        meta = (new or old or {})["metadata"]
        self._ready.pop((meta["namespace"], meta["name"]), None)

    def _slice_changed(self, new: Obj | None, old: Obj | None) -> None:
        for entry in (new, old):
            for key in _service_of(entry) if entry is not None else ():
                namespace, name = key.split("/")
                self._ready.pop((namespace, name), None)


def _service_of(entry: Obj) -> list[str]:
    name = (entry["metadata"].get("labels") or {}).get(SERVICE_NAME)
    return [f"{entry['metadata']['namespace']}/{name}"] if name else []


def _is_external(service: Obj) -> bool:
    return bool(service["spec"].get("type") == "ExternalName")


def _external(service: Obj, port: str | int) -> Sequence[Endpoint]:
    """A port by number needs no entry in the service: there is nothing that it could be translated to."""
    numbers = [entry["port"] for entry in service["spec"].get("ports") or () if entry.get("name") == port]
    number = port if isinstance(port, int) else (numbers[0] if numbers else 0)
    return (Endpoint(service["spec"]["externalName"], number),) if number else ()


def _port_name(service: Obj, port: str | int) -> str | None:
    """What the port is called in the service and in its slices, which is "" for an only port; None if there is none."""
    field = "port" if isinstance(port, int) else "name"
    for entry in service["spec"].get("ports") or ():
        if entry.get(field) == port and entry.get("protocol", "TCP") == "TCP":
            name: str = entry.get("name") or ""
            return name
    return None
