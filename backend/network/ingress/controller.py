"""The ingress controller: serves the Ingresses of its classes, and says in their status and events how.

While there is none, it watches Ingresses and IngressClasses, and has neither ports nor the code to serve them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer, object_key
from backend.machinery.machine import primary_address
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.network.ingress.backends import Backends
from backend.network.ingress.classes import INGRESS_CLASSES, Classes, class_of
from backend.network.ingress.ports import wanted_ports
from backend.network.ingress.routing import ServiceBackend, Table
from backend.resources.networking.ingress_class import OWN_CLASS

if TYPE_CHECKING:
    from backend.network.ingress.serving import Serving

log = logging.getLogger(__name__)

INGRESSES = GVR("networking.k8s.io", "v1", "ingresses")
COMPONENT = "ingress-controller"
PATIENCE_SECONDS = 1.0
"""How long something must be missing before an event says so: files often have an Ingress before its service."""
_TABLE = Key("", "table")
_BY_SERVICE = "service"
_BY_SECRET = "secret"

_Fault = tuple[str, str]
"""A reason and a message."""


class IngressController:
    """`run` works until it is cancelled, and closes the ports then."""

    def __init__(
        self, client: Client, *, services: Informer, slices: Informer, memory: Path,
        http_port: int | None = None, https_port: int | None = None,
        address: Callable[[], str] = primary_address, clock: Clock | None = None,
    ) -> None:  # fmt: skip
        """`services` and `slices` are shared, and run by their owner. A port may be 0, which is any, and None is
        that of the last time, or 80 and 443; `memory` is the file that remembers. `address` tells this machine's."""
        self._client = client
        self._memory = memory
        self._ports = wanted_ports(memory, http_port, https_port)
        self._address = address
        self._clock = clock or RealClock()
        self._ingresses = Informer(client, INGRESSES, clock=clock)
        self._ingresses.add_index(_BY_SERVICE, _service_keys)
        self._ingresses.add_index(_BY_SECRET, _secret_keys)
        self._class_objects = Informer(client, INGRESS_CLASSES, clock=clock)
        self._classes = Classes(client, self._class_objects)
        self._backends = Backends(services, slices)
        self._events = EventRecorder(client, COMPONENT, clock=clock)
        self._serving: Serving | None = None
        self._table = Table()
        self._stack = AsyncExitStack()
        self._told: dict[tuple[str, str, str], dict[_Fault, float]] = {}
        """Of each Ingress (namespace, name, uid) the faults that it has, and since when: inf for those that an event
        told of."""
        informers = (self._ingresses, self._class_objects, services)
        self._tables = Controller("ingress-rules", self.reconcile_table, clock=clock, informers=informers)
        self._statuses = Controller("ingress-status", self.reconcile_status, clock=clock, informers=informers)
        self._class_objects.on_change(self._class_changed)
        self._ingresses.on_change(self._ingress_changed)
        services.on_change(self._service_changed)

    async def run(self) -> None:
        controllers = (self._tables, self._statuses, self._classes.controller)
        self._serving = None
        self._tables.enqueue(*_TABLE)
        async with self._stack, asyncio.TaskGroup() as group:
            group.create_task(self._events.run(), name="ingress events")
            for informer in (self._ingresses, self._class_objects):
                group.create_task(informer.run())
            for controller in controllers:
                group.create_task(controller.run(), name=controller.name)

    @property
    def serving(self) -> Serving | None:
        """What answers now, if there is an Ingress."""
        return self._serving

    # What has changed.

    def _class_changed(self, _new: Obj | None, _old: Obj | None) -> None:
        self._tables.enqueue(*_TABLE)
        self._enqueue_statuses()

    def _ingress_changed(self, new: Obj | None, old: Obj | None) -> None:
        self._statuses.enqueue_changed(new, old)
        if new is None or old is None or _is_served_anew(new, old):
            self._tables.enqueue(*_TABLE)

    def _service_changed(self, new: Obj | None, old: Obj | None) -> None:
        if new is not None and old is not None and new["spec"] == old["spec"]:
            return
        namespace, name = object_key(new or old or {})
        for ingress in self._ingresses.by_index(_BY_SERVICE, f"{namespace}/{name}"):
            self._statuses.enqueue(*object_key(ingress))

    def _secret_changed(self, new: Obj | None, old: Obj | None) -> None:
        namespace, name = object_key(new or old or {})
        if self._ingresses.by_index(_BY_SECRET, f"{namespace}/{name}"):
            self._tables.enqueue(*_TABLE)

    def _enqueue_statuses(self) -> None:
        for ingress in self._ingresses.list():
            self._statuses.enqueue(*object_key(ingress))

    # The rules.

    async def reconcile_table(self, _key: Key) -> None:
        """Serve what there is to serve, or close. Every Ingress may have another state then: of two with one path,
        the younger gets it when the older goes."""
        ours = [ingress for ingress in self._ingresses.list() if self._is_ours(ingress)]
        if not ours:
            self._serving = None
            await self._stack.aclose()
            self._table = Table()
        else:
            self._table = await asyncio.to_thread(Table, ours)  # A thousand Ingresses take a while.
            if self._serving is not None:
                await self._serving.use(self._table)
            else:
                from backend.network.ingress.serving import serving

                self._serving = await self._stack.enter_async_context(serving(
                    self._client, self._backends, self._table, self._memory, self._ports, self._secret_changed
                ))  # fmt: skip
        self._enqueue_statuses()

    def _is_ours(self, ingress: Obj) -> bool:
        return not ingress["metadata"].get("deletionTimestamp") and self._classes.is_ours(ingress)

    # Status and events.

    async def reconcile_status(self, key: Key) -> float | None:
        ingress = self._ingresses.get(*key)
        if ingress is None:
            self._told = {known: faults for known, faults in self._told.items() if known[:2] != tuple(key)}
            return None
        again = self._tell(ingress)
        if self._is_ours(ingress):
            if self._serving is not None and "/".join(key) in self._table.faults:
                await self._write_status(ingress, self._serving)
        elif _points(ingress) and self._was_ours(ingress):
            await self._patch_status(key, None)
        return again

    async def _write_status(self, ingress: Obj, serving: Serving) -> None:
        ports = [{"port": port, "protocol": "TCP"} for port in serving.ports()]
        address = self._address()
        wanted = [{"ip": address, "ports": ports}]
        if _points(ingress) == wanted:
            return
        await self._patch_status(Key(*object_key(ingress)), wanted)
        self._events.event(ingress, "Normal", "Serving", _where(address, serving))

    def _was_ours(self, ingress: Obj) -> bool:
        """Whether its status is one that we wrote: other controllers' points have no two ports of this machine."""
        return any(len(point.get("ports") or ()) == 2 for point in _points(ingress))

    async def _patch_status(self, key: Key, points: list[Obj] | None) -> None:
        patch = {"status": {"loadBalancer": {"ingress": points}}}
        try:
            await self._client.patch(INGRESSES, key.name, patch, key.namespace, "status")
        except ApiError as error:
            if error.code != 404:
                raise

    def _tell(self, ingress: Obj) -> float | None:
        """One event for each fault that stays for a while; the seconds until that is to be looked at again. A fault
        that went is told of again when it comes back."""
        meta = ingress["metadata"]
        known = (meta["namespace"], meta["name"], meta["uid"])
        before, now = self._told.get(known, {}), self._clock.monotonic()
        faults = {fault: before.get(fault, now) for fault in self._faults(ingress)}
        waits: list[float] = []
        for fault, since in faults.items():
            left = since + PATIENCE_SECONDS - now
            if since != float("inf") and left <= 0:
                self._events.event(ingress, "Warning", *fault)
                faults[fault] = float("inf")
            elif left > 0 and since != float("inf"):
                waits.append(left)
        self._told[known] = faults
        return min(waits, default=None)

    def _faults(self, ingress: Obj) -> Iterator[_Fault]:
        if not self._is_ours(ingress):
            if self._classes.is_missing(ingress):
                named = class_of(ingress)
                yield (
                    "IngressClassNotFound",
                    f"there is no IngressClass {named}: the one of this cluster is {OWN_CLASS}",
                )
            return
        meta = ingress["metadata"]
        yield from self._table.faults.get(f"{meta['namespace']}/{meta['name']}", ())
        for backend in _backends(ingress):
            if (fault := self._backends.fault(backend)) is not None:
                yield fault.reason, fault.message
        if self._serving is not None:
            for name in _secrets(ingress):
                if (found := self._serving.certificate_fault(meta["namespace"], name)) is not None:
                    yield found


def _where(address: str, serving: Serving) -> str:
    host = f"[{address}]" if ":" in address else address
    text = f"Served at http://{host}:{serving.plain.port} and https://{host}:{serving.tls.port}"
    reasons = [
        f"port {listener.wanted}: {listener.why}" for listener in (serving.plain, serving.tls) if listener.why
    ]
    return f"{text} ({', '.join(reasons)})" if reasons else text


def _points(ingress: Obj) -> list[Obj]:
    points: list[Obj] = ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return points


def _is_served_anew(new: Obj, old: Obj) -> bool:
    """Whether more changed than a status."""
    metas = [
        (obj["metadata"].get("annotations"), obj["metadata"].get("deletionTimestamp"), obj["metadata"]["uid"])
        for obj in (new, old)
    ]
    return metas[0] != metas[1] or new.get("spec") != old.get("spec")


def _given_backends(spec: Obj) -> Iterator[Obj]:
    if spec.get("defaultBackend"):
        yield spec["defaultBackend"]
    for rule in spec.get("rules") or ():
        for path in (rule.get("http") or {}).get("paths") or ():
            yield path.get("backend") or {}


def _backends(ingress: Obj) -> list[ServiceBackend]:
    found: dict[ServiceBackend, None] = {}
    for given in _given_backends(ingress.get("spec") or {}):
        service = given.get("service")
        if service is not None:
            port = service.get("port") or {}
            number_or_name = port.get("name") or port.get("number", 0)
            found[ServiceBackend(ingress["metadata"]["namespace"], service["name"], number_or_name)] = None
    return list(found)


def _secrets(ingress: Obj) -> list[str]:
    entries = (ingress.get("spec") or {}).get("tls") or ()
    return list(dict.fromkeys(entry["secretName"] for entry in entries if entry.get("secretName")))


def _service_keys(ingress: Obj) -> list[str]:
    return [f"{backend.namespace}/{backend.service}" for backend in _backends(ingress)]


def _secret_keys(ingress: Obj) -> list[str]:
    return [f"{ingress['metadata']['namespace']}/{name}" for name in _secrets(ingress)]
