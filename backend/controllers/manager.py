"""All controllers together, over the informers that they share."""

from __future__ import annotations

import asyncio

from backend.controllers import pod_gc, root_ca, service_account
from backend.controllers.garbage_collector import GarbageCollector
from backend.controllers.namespace import NamespaceController
from backend.machinery.client import NAMESPACES, NODES, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller
from backend.machinery.informer import Informer
from backend.resources.catalog import Catalog


class ControllerManager:
    """`run` works until it is cancelled. `controllers` have the counters for /metrics."""

    def __init__(self, client: Client, *, catalog: Catalog, ca_bundle: str, clock: Clock | None = None) -> None:
        """`ca_bundle` is the API server's CA as PEM text, which pods get."""
        namespaces = Informer(client, NAMESPACES, clock=clock)
        nodes = Informer(client, NODES, clock=clock)
        pods = pod_gc.informer(client, clock)
        accounts = service_account.informer(client, clock)
        config_maps = root_ca.informer(client, clock)
        emptier = NamespaceController(client, namespaces=namespaces, catalog=catalog, clock=clock)
        collector = GarbageCollector(client, catalog=catalog, on_deleted=emptier.content_deleted, clock=clock)
        self._informers = [namespaces, nodes, pods, accounts, config_maps]
        self._collector = collector
        self._controllers: list[Controller] = [
            service_account.make(client, namespaces=namespaces, accounts=accounts, clock=clock),
            root_ca.make(client, ca_bundle, namespaces=namespaces, config_maps=config_maps, clock=clock),
            emptier.controller,
            pod_gc.PodGarbageCollector(client, pods=pods, nodes=nodes, clock=clock).controller,
        ]

    @property
    def controllers(self) -> list[Controller]:
        return [*self._controllers, *self._collector.controllers]

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for informer in self._informers:
                group.create_task(informer.run())
            group.create_task(self._collector.run())
            for controller in self._controllers:
                group.create_task(controller.run(), name=controller.name)
