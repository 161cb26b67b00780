"""All controllers together, over the informers that they share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from backend.controllers import cluster_role_aggregation, pod_gc, root_ca, service_account
from backend.controllers.credentials import Credentials, Signers
from backend.controllers.disruption import NAME as DISRUPTION
from backend.controllers.disruption import DisruptionController
from backend.controllers.endpoints.controller import ENDPOINTS_NAME, SLICES_NAME, EndpointsControllers
from backend.controllers.endpoints.mirroring import NAME as MIRRORING
from backend.controllers.endpoints.mirroring import EndpointSliceMirroring
from backend.controllers.garbage_collector import GarbageCollector
from backend.controllers.horizontal_pod_autoscaler.controller import AUTOSCALERS, HorizontalPodAutoscalerController
from backend.controllers.horizontal_pod_autoscaler.controller import NAME as AUTOSCALER
from backend.controllers.horizontal_pod_autoscaler.settings import Settings as AutoscalerSettings
from backend.controllers.kept_objects import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from backend.controllers.namespace import NamespaceController
from backend.controllers.resource_quota import RESOURCE_QUOTAS, ResourceQuotaController
from backend.controllers.service_cidr import SERVICE_CIDRS, ServiceCidrController
from backend.controllers.storage_protection import StorageProtection
from backend.controllers.workloads.all import Workloads
from backend.machinery.client import NAMESPACES, NODES, PODS, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller
from backend.machinery.informer import Informer
from backend.machinery.informers import SharedInformers
from backend.meta.types import Obj
from backend.resources.catalog import Catalog


class ControllerManager:
    """`run` works until it is cancelled. `controllers` have the counters for /metrics."""

    def __init__(
        self, client: Client, *, acting_as: Callable[[str], Client], catalog: Catalog, ca_bundle: str,
        signers: Signers, autoscaling: AutoscalerSettings | None = None, clock: Clock | None = None,
    ) -> None:  # fmt: skip
        """`client` reads what controllers share; each changes things as its own service account of kube-system, whose
        client `acting_as(NAME)` gives. `ca_bundle` is the API server's CA as PEM text, which pods get."""
        namespaces = Informer(client, NAMESPACES, clock=clock)
        nodes = Informer(client, NODES, clock=clock)
        shared = SharedInformers(client, clock)
        pods = pod_gc.indexed(shared.of(PODS))
        workloads = Workloads(shared, acting_as, clock)
        budgets = DisruptionController(acting_as(DISRUPTION), informers=shared, pods=pods, clock=clock)
        autoscaler = HorizontalPodAutoscalerController(
            acting_as(AUTOSCALER), autoscalers=shared.of(AUTOSCALERS), pods=pods, catalog=catalog,
            settings=autoscaling, clock=clock,
        )  # fmt: skip
        endpoints = EndpointsControllers(
            slice_client=acting_as(SLICES_NAME), endpoints_client=acting_as(ENDPOINTS_NAME),
            services=shared.of(SERVICES), pods=pods, nodes=nodes, endpoint_slices=shared.of(ENDPOINT_SLICES),
            endpoints=shared.of(ENDPOINTS), clock=clock,
        )  # fmt: skip
        mirroring = EndpointSliceMirroring(
            acting_as(MIRRORING), services=shared.of(SERVICES), endpoints=shared.of(ENDPOINTS),
            endpoint_slices=shared.of(ENDPOINT_SLICES), clock=clock,
        )  # fmt: skip
        ranges = ServiceCidrController(
            acting_as("service-cidrs-controller"), service_cidrs=shared.of(SERVICE_CIDRS),
            services=shared.of(SERVICES), clock=clock,
        )  # fmt: skip
        accounts = service_account.informer(client, clock)
        config_maps = root_ca.informer(client, clock)
        emptier = NamespaceController(
            acting_as("namespace-controller"), namespaces=namespaces, catalog=catalog, clock=clock
        )
        quotas = Informer(client, RESOURCE_QUOTAS, clock=clock)
        counter = ResourceQuotaController(
            acting_as("resourcequota-controller"), catalog=catalog, quotas=quotas, pods=pods, clock=clock
        )

        def content_deleted(obj: Obj) -> None:
            emptier.content_deleted(obj)
            counter.content_changed(obj)

        collector = GarbageCollector(
            acting_as("generic-garbage-collector"), catalog=catalog, on_deleted=content_deleted, clock=clock
        )
        publisher = acting_as("root-ca-cert-publisher")
        aggregation = cluster_role_aggregation.make(acting_as("clusterrole-aggregation-controller"), clock)
        protection = StorageProtection(client, acting_as, pods=pods, clock=clock)
        credentials = Credentials(client, acting_as, signers, ca_bundle, clock)
        self._informers = [
            *shared, namespaces, nodes, accounts, config_maps, quotas, aggregation.roles, *protection.informers,
            *counter.informers, *credentials.informers,
        ]  # fmt: skip
        self._collector = collector
        self._controllers: list[Controller] = [
            service_account.make(
                acting_as("service-account-controller"), namespaces=namespaces, accounts=accounts, clock=clock
            ),
            root_ca.make(publisher, ca_bundle, namespaces=namespaces, config_maps=config_maps, clock=clock),
            emptier.controller,
            counter.controller,
            pod_gc.PodGarbageCollector(
                acting_as("pod-garbage-collector"), pods=pods, nodes=nodes, clock=clock
            ).controller,
            aggregation.controller,
            *protection.controllers,
            *credentials.controllers,
            *workloads.controllers,
            *endpoints.controllers,
            mirroring.controller,
            budgets.controller,
            autoscaler.controller,
            ranges.controller,
        ]
        self._recorders = [*workloads.recorders, budgets.recorder, autoscaler.recorder, mirroring.recorder]

    @property
    def controllers(self) -> list[Controller]:
        return [*self._controllers, *self._collector.controllers]

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for informer in self._informers:
                group.create_task(informer.run())
            for recorder in self._recorders:
                group.create_task(recorder.run())
            group.create_task(self._collector.run())
            for controller in self._controllers:
                group.create_task(controller.run(), name=controller.name)
