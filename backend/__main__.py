"""The process: the one place where the parts of the control plane are wired together.

Imports are inside the functions where it matters for the time to the first answer: keys are made in a thread
while the store and the server are imported, and the kubelet's are left until the API answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import logging
import signal
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from backend import home
from backend.apiserver import pki
from backend.config import Config, parse
from backend.home import Starter, StartError
from backend.machinery.client import Client
from backend.meta.errors import ApiError
from backend.meta.types import ADMIN, Obj, User
from backend.node_to_come import NodeToCome
from backend.purge import purge
from backend.supervisor import Supervisor
from backend.watchdog import Watchdog

if TYPE_CHECKING:
    import socket

    from backend.apiserver.authentication.bearer_tokens import BearerTokens
    from backend.apiserver.handler import Handler
    from backend.apiserver.http.app import App
    from backend.apiserver.http.health import Health
    from backend.apiserver.http.limits import Limits
    from backend.apiserver.http.server import Server
    from backend.controllers.credentials import Signers
    from backend.kubelet.kubelet import Kubelet
    from backend.kubelet.runtime.api import Runtime
    from backend.resources.catalog import Catalog
    from backend.store.keyring import Keyring
    from backend.store.sqlstore import SqlStore

logger = logging.getLogger("backend")

AUTHENTICATED = "system:authenticated"
SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread must give the interpreter up: with Python's own 5 ms the store's writer waits that long
for each of its statements while the event loop is busy (see backend.store.writer)."""
STOP_GRACE = 10.0
"""Seconds that a container may take to end when its cluster stops, as with `docker stop`, whatever its own grace."""


class Backend:
    """One run of the control plane. Also what the unix socket's owner may ask of it (http.app.Control)."""

    def __init__(self, config: Config, keys: Future[pki.Pki], starter: Starter) -> None:
        self._config = config
        self._starter = starter
        self._keys = keys
        self._supervisor = Supervisor()
        self._stop = asyncio.Event()
        self._keep_pods = True
        self._node = NodeToCome()
        self._kubelet: Kubelet | None = None
        self._runtime: Runtime | None = None
        self._store: SqlStore
        self._keyring: Keyring
        self._handler: Handler
        self._server: Server | None = None
        self._port = 0

    def shutdown(self, keep_pods: bool) -> None:
        self._keep_pods = keep_pods
        self._stop.set()

    def status_of(self, pod: Obj) -> Obj:
        """A pod's status as the kubelet knows it, which the API server may not have yet."""
        status: Obj = self._kubelet.status_of(pod) if self._kubelet is not None else pod.get("status") or {}
        return status

    async def rotate_key(self) -> int:
        await self._store.rotate_key()
        return self._keyring.active

    async def run(self) -> None:
        """From start to clean stop. Raises StartError."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.shutdown, True)
        await self._open_store()
        watchdog = Watchdog() if self._config.watch_loop else None
        try:
            await self._serve()
            _calm_garbage_collector()
            if watchdog is not None:
                watchdog.start()
            await self._start_parts()
            await self._stop.wait()
            logger.info("stopping; pods %s", "go on" if self._keep_pods else "are stopped")
        finally:
            await self._stop_parts()
            await self._store.close()
            if watchdog is not None:
                watchdog.stop()

    async def _open_store(self) -> None:
        from backend.resources.catalog import Catalog
        from backend.store.api import StoreError
        from backend.store.keyring import Keyring
        from backend.store.sqlstore import SqlStore

        self._catalog: Catalog = Catalog.builtin()
        encrypted = [resource.prefix for resource in self._catalog if resource.encrypted]
        try:
            self._keyring = Keyring.open(self._config.keyring_path)
            self._store = await SqlStore.open(
                self._config.state_url, keyring=self._keyring, encrypted_prefixes=encrypted
            )
        except (StoreError, OSError) as error:
            raise StartError(str(error)) from None

    async def _serve(self) -> None:
        """Answer requests: everything from the handler to the listeners, then tell whoever waits."""
        from backend.apiserver.bootstrap import create_system_namespaces, create_system_priority_classes
        from backend.apiserver.handler import Handler
        from backend.apiserver.http.server import Server, bind_unix, tls_context
        from backend.apiserver.resource_metrics.serving import Meters
        from backend.meta.schema import Schemas

        self._tokens = tokens = self._bearer_tokens()
        self._handler = Handler(
            self._store, self._catalog, Schemas.load(), tokens=tokens, service_cidrs=self._config.service_cidrs,
            meters=Meters(self._node) if self._config.runtime != "none" else None,
        )  # fmt: skip
        try:
            client = Client(self._handler, ADMIN)
            await asyncio.gather(create_system_namespaces(client), create_system_priority_classes(client))
        except ApiError as error:
            raise StartError(str(error)) from None
        self._handler.definitions.load()
        self._supervisor.start("custom resources", self._handler.definitions.run)
        keys = await asyncio.wrap_future(self._keys)
        listener = _bind(self._config)
        port: int = listener.getsockname()[1]
        self._port = port
        home.remember_port(self._config, port)
        home.remember_runtime(self._config)
        limits = self._limits()
        self._server = server = Server(self._app(tokens, f"{self._config.address}:{port}", limits), limits)
        await server.listen_tls(listener, tls_context(keys))
        await server.listen_unix(bind_unix(self._config.socket_path))
        home.announce(self._config, port)
        self._starter.tell("ready")
        logger.info("cluster %s answers at %s:%d", self._config.cluster, self._config.address, port)

    def _bearer_tokens(self) -> BearerTokens:
        from backend.apiserver.authentication.bearer_tokens import BearerTokens
        from backend.apiserver.authentication.service_account_tokens import ServiceAccountTokens
        from backend.apiserver.authentication.signing_key import SigningKey

        key = SigningKey(self._config.pki_dir / pki.SERVICE_ACCOUNT_KEY)
        accounts = ServiceAccountTokens(self._store, key, time.time)
        return BearerTokens(home.admin_token(self._config), accounts)

    def _limits(self) -> Limits:
        from backend.apiserver.http.limits import Limits

        config = self._config
        return Limits(
            config.max_requests_inflight, config.max_mutating_requests_inflight, config.request_timeout,
            min(Limits().head_timeout, config.request_timeout),
        )  # fmt: skip

    def _app(self, tokens: BearerTokens, address: str, limits: Limits) -> App:
        from backend.apiserver.authentication.authenticator import Authenticator
        from backend.apiserver.http.app import App
        from backend.apiserver.http.discovery import Discovery
        from backend.apiserver.http.metrics import Metrics
        from backend.apiserver.http.openapi import OpenApi
        from backend.apiserver.http.openid import OpenId
        from backend.apiserver.http.podstreams import PodStreams
        from backend.apiserver.http.request_counts import RequestCounts
        from backend.apiserver.http.resources import Resources
        from backend.apiserver.http.routes import Router
        from backend.meta.schema import Schemas

        counts = RequestCounts()
        pod_streams = PodStreams(self._handler)
        if self._config.runtime != "none":
            pod_streams.node = self._node
        return App(
            router=Router(self._catalog), authenticator=Authenticator(tokens),
            authorizer=self._handler.authorizer, resources=Resources(self._handler, limits), pod_streams=pod_streams,
            discovery=Discovery(self._catalog, address),
            openapi=OpenApi(self._catalog, Schemas.raw_definitions), openid=OpenId(tokens.accounts.key, address),
            health=self._health(), control=self, counts=counts, metrics=Metrics(counts, self._catalog, self._store),
        )  # fmt: skip

    def _health(self) -> Health:
        """Kubernetes calls what stores its objects etcd, and probes ask for its checks by name."""
        from backend.apiserver.http.health import Health

        def store_writes() -> bool:
            return not self._store.failing

        checks = {"ping": lambda: True, "etcd": store_writes}
        return Health(checks, {"etcd-readiness": store_writes, "shutdown": lambda: not self._stop.is_set()})

    async def _start_parts(self) -> None:
        """Everything that is a client of the API, and what keeps the store tidy."""
        from backend.apiserver.expiry import expire_events

        self._supervisor.start("event expiry", lambda: expire_events(self._store))
        self._supervisor.start("local API services", self._handler.local_services.run)
        self._start_kubernetes_service()
        importing = asyncio.create_task(asyncio.to_thread(_import_parts, self._config.runtime))
        await self._make_policy()
        await importing
        self._start_controllers()
        self._start_flow_control()
        self._start_scheduler()
        if self._config.runtime != "none":
            self._start_kubelet()

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
        cidrs, address, port = self._config.service_cidrs, home.advertised_address(self._config), self._port
        self._supervisor.start(
            "kubernetes service",
            lambda: KubernetesService(client, cidrs=cidrs, address=address, port=port).run(),
        )
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

        folder, accounts = self._config.pki_dir, self._tokens.accounts
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
        return Kubelet(client, runtime, node_name=name, root_dir=self._config.kubelet_dir)

    async def _stop_parts(self) -> None:
        """Everything but the store, however far the start got."""
        if self._server is not None:
            await self._server.stop()
        if self._runtime is not None and not self._keep_pods:
            # Without a kubelet of this run yet, there are still the pods of the last one.
            await (self._kubelet or self._new_kubelet(self._runtime)).stop_all(STOP_GRACE)
        await self._supervisor.stop()
        if self._runtime is not None:
            await self._runtime.close()
        if self._server is not None:
            home.retract(self._config)


def _calm_garbage_collector() -> None:
    """Full collections hold the loop for as long as it takes to walk all cached objects, and find next to nothing:
    what the parts drop is freed by its reference count."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(10_000, 10, 100)


def _import_parts(runtime: str) -> None:
    """In a thread: it takes as long as everything before it, and the API answers already."""
    names = [
        "backend.controllers.manager",
        "backend.controllers.flow_control",
        "backend.scheduler.scheduler",
        "jwt.api_jws",
    ]
    if runtime != "none":
        module = "docker" if runtime == "docker" else "pretending"
        names += ["backend.kubelet.kubelet", f"backend.kubelet.runtime.{module}", "backend.kubelet.streams"]
        names += ["uvicorn.protocols.websockets.wsproto_impl"]  # for exec, which without a kubelet nobody can use
    for name in names:
        importlib.import_module(name)


def _bind(config: Config) -> socket.socket:
    """The TCP listener: on the port asked for or, when any will do, on the last one if it is still free."""
    from backend.apiserver.http.server import bind

    ports = [config.port] if config.port else [home.remembered_port(config), 0]
    for port in ports:
        try:
            return bind(config.address, port)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            failure = f"cannot listen on {config.address} port {port}: {reason}"
    raise StartError(failure)


def _prepare(config: Config) -> pki.Pki:
    """The certificates, made or renewed."""
    try:
        extra = [] if config.address in ("0.0.0.0", "::") else [config.address]
        return pki.ensure(config.pki_dir, extra)
    except OSError as error:
        raise StartError(f"cannot write {error.filename}: {(error.strerror or str(error)).lower()}") from None


def _run(config: Config, starter: Starter) -> None:
    """Raises StartError."""
    home.prepare(config)
    if config.purge:
        for warning in asyncio.run(purge(config)):
            sys.stderr.write(f"warning: {warning}\n")
        return
    with ThreadPoolExecutor(1, "keys") as executor:
        keys = executor.submit(_prepare, config)
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(Backend(config, keys, starter).run())


def main() -> int:
    gc.disable()  # What is imported stays: looking for garbage in it is a tenth of the start.
    config = parse(sys.argv[1:])
    logging.basicConfig(
        level=config.log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # Its lines about WebSockets have the arguments of an exec, which may be secrets.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    sys.setswitchinterval(SWITCH_INTERVAL)
    starter = Starter(config.ready_fd)
    try:
        _run(config, starter)
    except StartError as error:
        return _give_up(starter, str(error))
    except OSError as error:
        logger.exception("ended by an error of the operating system")
        return _give_up(starter, f"{error.filename or config.home}: {(error.strerror or str(error)).lower()}")
    return 0


def _give_up(starter: Starter, why: str) -> int:
    """Say why, also where the log cannot be written: a full disk is a reason."""
    starter.tell(f"error: {why}")
    with contextlib.suppress(OSError):
        sys.stderr.write(f"error: {why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
