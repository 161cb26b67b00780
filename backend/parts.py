"""The parts of the control plane that are clients of its API: how each is made, and under which identity.

Imports are inside the functions: the API answers before any of these modules is loaded.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from backend import home
from backend.machinery.client import Client
from backend.meta.errors import ApiError
from backend.meta.types import ADMIN, Obj, User

if TYPE_CHECKING:
    from backend.apiserver.authentication.service_account_tokens import ServiceAccountTokens
    from backend.apiserver.handler import Handler
    from backend.config import Config
    from backend.controllers.credentials import Signers
    from backend.controllers.kubernetes_service import KubernetesService
    from backend.kubelet.kubelet import Kubelet
    from backend.kubelet.pod_dns import ClusterDns
    from backend.kubelet.runtime.api import Runtime
    from backend.network.bridge import PodBridge
    from backend.network.pod_network import PodNetwork
    from backend.node_to_come import NodeToCome
    from backend.resources.catalog import Catalog
    from backend.supervisor import Supervisor

logger = logging.getLogger("backend")

AUTHENTICATED = "system:authenticated"
STOP_GRACE = 10.0
"""Seconds that a container may take to end when its cluster stops, as with `docker stop`, whatever its own grace."""


class Parts:
    """What runs beside the API server that `handler` is. `port` is the API's TCP port; `listen_at` makes it answer at
    one more address, and says at which port."""

    def __init__(
        self,
        config: Config,
        handler: Handler,
        catalog: Catalog,
        accounts: ServiceAccountTokens,
        node: NodeToCome,
        supervisor: Supervisor,
        port: int,
        listen_at: Callable[[str], Awaitable[int]],
    ) -> None:
        self._config = config
        self._handler = handler
        self._catalog = catalog
        self._accounts = accounts
        self._node = node
        self._supervisor = supervisor
        self._port = port
        self._listen_at = listen_at
        self._kubernetes_service: KubernetesService | None = None
        # Pods find the server at the bridge, once there is one; without any, there may still be clients elsewhere.
        self._advertised = "" if config.runtime == "docker" else home.advertised_address(config), port
        self._kubelet: Kubelet | None = None
        self._runtime: Runtime | None = None
        self._pod_network: PodNetwork | None = None

    def status_of(self, pod: Obj) -> Obj:
        """A pod's status as the kubelet knows it, which the API server may not have yet."""
        status: Obj = self._kubelet.status_of(pod) if self._kubelet is not None else pod.get("status") or {}
        return status

    async def start(self) -> None:
        """Everything that is a client of the API."""
        self._supervisor.start("local API services", self._handler.local_services.run)
        self._start_kubernetes_service()
        importing = asyncio.create_task(asyncio.to_thread(_import_parts, self._config.runtime))
        await self._make_policy()
        await importing
        self._start_controllers()
        self._start_flow_control()
        self._start_scheduler()
        if self._config.runtime != "none":
            await asyncio.to_thread(self._prepare_pods_dir)
            self._start_kubelet()
        if self._config.runtime == "docker":
            self._start_network()

    async def stop(self, keep_pods: bool) -> None:
        """However far the start got; the supervisor's tasks are ended here."""
        if self._runtime is not None and not keep_pods:
            # Without a kubelet of this run yet, there are still the pods of the last one.
            await (self._kubelet or self._new_kubelet(self._runtime)).stop_all(STOP_GRACE)
        await self._supervisor.stop()
        if self._runtime is not None:
            await self._runtime.close()
        if self._config.runtime == "fake":
            from backend.kubelet.volumes.memory import end_in_memory

            await asyncio.to_thread(end_in_memory, self._config.pods_dir)
        if self._config.runtime == "docker" and not keep_pods:
            from backend.network.removal import remove_network

            await remove_network(self._config)

    def _prepare_pods_dir(self) -> None:
        from backend.kubelet.volumes.memory import begin_in_memory, end_in_memory

        if self._config.runtime == "fake":
            begin_in_memory(self._config.pods_dir)
        elif self._config.pods_dir.is_mount():  # of a run with the fake runtime, which was killed
            end_in_memory(self._config.pods_dir)

    async def _make_policy(self) -> None:
        """The roles that the parts work under. Masters need none, and so do not wait for it."""
        from backend.apiserver.authorization.reconciling import reconcile_policy

        try:
            await reconcile_policy(Client(self._handler, ADMIN))
            await self._handler.authorizer.rbac.policy.prime()
        except ApiError as error:
            logger.warning(
                "the bootstrap roles could not be written, and are tried again at the next start: %s", error
            )

    def _client(self, name: str, *groups: str) -> Client:
        """A client in this process, under a component's own identity."""
        return Client(self._handler, User(name, (*groups, AUTHENTICATED)))

    def _account_client(self, account: str) -> Client:
        """A client as a service account of kube-system, which need not exist."""
        from backend.apiserver.authentication import accounts

        return self._client(accounts.username("kube-system", account), *accounts.groups("kube-system"))

    def _start_kubernetes_service(self) -> None:
        from backend.controllers.ip_addresses import IpAddresses
        from backend.controllers.kubernetes_service import KubernetesService

        client = self._client("system:apiserver", "system:masters")
        cidrs = self._config.service_cidrs

        async def run() -> None:
            address, port = self._advertised
            self._kubernetes_service = KubernetesService(client, cidrs=cidrs, address=address, port=port)
            await self._kubernetes_service.run()

        self._supervisor.start("kubernetes service", run)
        self._supervisor.start("IP addresses", lambda: IpAddresses(client).run())

    def _start_controllers(self) -> None:
        from backend.controllers.horizontal_pod_autoscaler.settings import Settings
        from backend.controllers.manager import ControllerManager

        client = self._client("system:kube-controller-manager")
        ca_bundle, signers = (self._config.pki_dir / "ca.crt").read_text(), self._signers()
        autoscaling = Settings(self._config.autoscaler_sync_period)
        self._supervisor.start(
            "controllers",
            lambda: ControllerManager(
                client,
                acting_as=self._account_client,
                catalog=self._catalog,
                ca_bundle=ca_bundle,
                signers=signers,
                autoscaling=autoscaling,
            ).run(),
        )

    def _signers(self) -> Signers:
        from backend.apiserver.authentication.claims import legacy_claims
        from backend.apiserver.certificate_authority import CertificateAuthority
        from backend.controllers.credentials import Signers

        folder, accounts = self._config.pki_dir, self._accounts
        authority = CertificateAuthority(folder / "ca.crt", folder / "ca.key", time.time)
        return Signers(authority.sign, lambda account, secret: accounts.sign(legacy_claims(account, secret)))

    def _start_flow_control(self) -> None:
        from backend.controllers.flow_control import FlowControl

        self._supervisor.start("flow control", lambda: FlowControl(Client(self._handler, ADMIN)).run())

    def _start_scheduler(self) -> None:
        from backend.scheduler.scheduler import Scheduler

        client = self._client("system:kube-scheduler")
        self._supervisor.start("scheduler", lambda: Scheduler(client).run())

    def _start_kubelet(self) -> None:
        from backend.controllers.control_plane_role import ControlPlaneRole
        from backend.kubelet.streams import KubeletStreams, NodeView

        self._runtime = runtime = self._new_runtime()
        if self._config.runtime == "docker":
            self._pod_network = self._new_pod_network(runtime)

        async def run() -> None:
            self._kubelet = self._new_kubelet(runtime)
            await self._kubelet.run()

        admin, node = Client(self._handler, ADMIN), self._config.node_name
        self._supervisor.start("control plane role", lambda: ControlPlaneRole(admin, node).run())
        view = NodeView(node, self._config.kubelet_dir, lambda: self._kubelet.pods() if self._kubelet else [])
        self._node.arrived(KubeletStreams(runtime, self.status_of, view))
        self._supervisor.start("kubelet", run)

    def _new_runtime(self) -> Runtime:
        if self._config.runtime == "fake":
            from backend.kubelet.runtime.pretending import PretendingRuntime

            return PretendingRuntime(lambda: self._kubelet.stored_pods() if self._kubelet else [])
        from backend.kubelet.runtime.docker import DockerRuntime

        return DockerRuntime(self._config.cluster_id)

    def _new_kubelet(self, runtime: Runtime) -> Kubelet:
        from backend.kubelet.kubelet import Kubelet

        name = self._config.node_name
        client = self._client(f"system:node:{name}", "system:nodes")
        engine_came = self._pod_network.engine_came if self._pod_network is not None else lambda: None
        address_given = self._pod_network.address_given if self._pod_network is not None else None
        return Kubelet(
            client, runtime, node_name=name, root_dir=self._config.kubelet_dir, dns=self._cluster_dns(),
            engine_came=engine_came, address_given=address_given,
        )  # fmt: skip

    def _cluster_dns(self) -> ClusterDns:
        """None where service addresses lead nowhere: containers then resolve names as this machine does."""
        from backend.kubelet.pod_dns import ClusterDns
        from backend.meta.addresses import dns_address
        from backend.network.ability import network_problem

        if self._config.runtime == "docker" and network_problem(self._config):
            return ClusterDns()
        return ClusterDns((dns_address(self._config.service_cidrs[0]),))

    def _start_network(self) -> None:
        from backend.network.parts import Surroundings, network_parts

        assert self._pod_network is not None
        surroundings = Surroundings(self._config, self._account_client, self._pod_network)
        for name, run in network_parts(surroundings):
            self._supervisor.start(name, run)

    def _new_pod_network(self, runtime: Runtime) -> PodNetwork:
        from backend.kubelet.runtime.api import RuntimeUnavailable
        from backend.network.pod_network import PodNetwork

        async def inspect() -> PodBridge | None:
            with contextlib.suppress(RuntimeUnavailable):
                return await runtime.pod_bridge()
            return None

        config = self._config
        network = PodNetwork(
            inspect, config.pod_network_cidrs, self._account_client("kube-proxy"), config.node_name
        )
        network.on_bridge(self._serve_pods)
        return network

    async def _serve_pods(self, bridge: PodBridge) -> None:
        """At this machine's address on the bridge, of the family that the service `kubernetes` has."""
        v6 = ":" in self._config.service_cidrs[0]
        address = next((each for each in bridge.gateways if (":" in each) == v6), bridge.gateways[0])
        try:
            self._advertised = address, await self._listen_at(address)
        except (OSError, home.StartError) as error:
            assert self._pod_network is not None
            await self._pod_network.tell("API server", f"the API server is not reached by pods: {error}")
            return
        if self._kubernetes_service is not None:
            self._kubernetes_service.advertise(*self._advertised)


def _import_parts(runtime: str) -> None:
    """In a thread: it takes as long as everything before it, and the API answers already."""
    names = [
        "backend.controllers.manager",
        "backend.controllers.flow_control",
        "backend.scheduler.scheduler",
        "jwt.api_jws",
    ]
    if runtime == "docker":
        names.append("backend.network.parts")
    if runtime != "none":
        module = "docker" if runtime == "docker" else "pretending"
        names += ["backend.kubelet.kubelet", f"backend.kubelet.runtime.{module}", "backend.kubelet.streams"]
        names += ["uvicorn.protocols.websockets.wsproto_impl"]  # for exec, which without a kubelet nobody can use
    for name in names:
        importlib.import_module(name)
