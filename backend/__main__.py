"""The process: the one place where the parts of the control plane are wired together.

Imports are inside the functions where it matters for the time to the first answer: keys are made in a thread
while the store and the server are imported, and the kubelet's are left until the API answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import logging
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from backend import address_ranges, home
from backend.apiserver import pki
from backend.config import Config, parse
from backend.home import Starter, StartError
from backend.machinery.client import Client
from backend.meta.errors import ApiError
from backend.meta.types import ADMIN
from backend.node_to_come import NodeToCome
from backend.purge import purge
from backend.supervisor import Supervisor
from backend.watchdog import Watchdog

if TYPE_CHECKING:
    import socket
    import ssl

    from backend.apiserver.authentication.bearer_tokens import BearerTokens
    from backend.apiserver.handler import Handler
    from backend.apiserver.http.app import App
    from backend.apiserver.http.health import Health
    from backend.apiserver.http.limits import Limits
    from backend.apiserver.http.server import Server
    from backend.parts import Parts
    from backend.resources.catalog import Catalog
    from backend.store.keyring import Keyring
    from backend.store.sqlstore import SqlStore

logger = logging.getLogger("backend")

SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread must give the interpreter up: with Python's own 5 ms the store's writer waits that long
for each of its statements while the event loop is busy (see backend.store.writer)."""


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
        self._parts: Parts | None = None
        self._store: SqlStore
        self._keyring: Keyring
        self._handler: Handler
        self._server: Server | None = None
        self._tls: ssl.SSLContext
        self._port = 0
        self._ports: dict[str, int] = {}  # by address, of `listen_at`

    def shutdown(self, keep_pods: bool) -> None:
        self._keep_pods = keep_pods
        self._stop.set()

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
        from backend.apiserver import bootstrap
        from backend.apiserver.handler import Handler
        from backend.apiserver.http.server import Server, bind_unix, tls_context
        from backend.apiserver.resource_metrics.serving import Meters
        from backend.kubelet import reboot
        from backend.meta.schema import Schemas

        self._tokens = tokens = self._bearer_tokens()
        self._handler = Handler(
            self._store, self._catalog, Schemas.load(), tokens=tokens, service_cidrs=self._config.service_cidrs,
            meters=Meters(self._node) if self._config.runtime != "none" else None,
        )  # fmt: skip
        try:
            client = Client(self._handler, ADMIN)
            await asyncio.gather(
                bootstrap.create_system_namespaces(client), bootstrap.create_system_priority_classes(client),
                *([bootstrap.create_ingress_class(client)] if self._config.runtime == "docker" else []),
            )  # fmt: skip
            if self._config.runtime == "docker":
                await reboot.mark_pods_not_ready(client, self._config.node_name)
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
        self._tls = tls_context(keys)
        await server.listen_tls(listener, self._tls)
        home.announce(self._config, port)  # Before the socket: a command that it answers reads what is announced.
        await server.listen_unix(bind_unix(self._config.socket_path))
        self._starter.tell("ready")
        logger.info("cluster %s answers at %s:%d", self._config.cluster, self._config.address, port)

    async def listen_at(self, address: str) -> int:
        """Answer at one more address of this machine, which the certificate names from then on. The port there.

        It is the one that clients outside of the cluster use, unless somebody has that at `address`. Raises OSError,
        StartError."""
        from backend.apiserver.http.server import bind

        keys = await asyncio.to_thread(_prepare, self._config, (address,))
        self._tls.load_cert_chain(keys.server_cert, keys.server_key)
        if self._config.address in home.WILDCARDS:
            return self._port
        if address in self._ports:
            return self._ports[address]
        try:
            listener = bind(address, self._port, to_come=True)
        except OSError:
            listener = bind(address, 0, to_come=True)
        assert self._server is not None
        await self._server.listen_tls(listener, self._tls)
        self._ports[address] = listener.getsockname()[1]
        return self._ports[address]

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
        from backend.parts import Parts

        self._supervisor.start("event expiry", lambda: expire_events(self._store))
        self._parts = Parts(
            self._config,
            self._handler,
            self._catalog,
            self._tokens.accounts,
            self._node,
            self._supervisor,
            self._port,
            self.listen_at,
        )
        await self._parts.start()

    async def _stop_parts(self) -> None:
        """Everything but the store, however far the start got."""
        if self._server is not None:
            await self._server.stop()
        if self._parts is not None:
            await self._parts.stop(self._keep_pods)
        await self._supervisor.stop()
        if self._server is not None:
            home.retract(self._config)


def _calm_garbage_collector() -> None:
    """Full collections hold the loop for as long as it takes to walk all cached objects, and find next to nothing:
    what the parts drop is freed by its reference count."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(10_000, 10, 100)


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


def _prepare(config: Config, addresses: Sequence[str] = ()) -> pki.Pki:
    """The certificates, made or renewed; `addresses` are what the server's has to name beside those of the machine."""
    try:
        extra = [*addresses] if config.address in home.WILDCARDS else [config.address, *addresses]
        services = [str(ipaddress.ip_network(cidr)[1]) for cidr in config.service_cidrs]
        return pki.ensure(config.pki_dir, [*services, *extra])
    except OSError as error:
        raise StartError(f"cannot write {error.filename}: {(error.strerror or str(error)).lower()}") from None


def _run(config: Config, starter: Starter) -> None:
    """Raises StartError."""
    home.prepare(config)
    if config.purge:
        for warning in asyncio.run(purge(address_ranges.recall(config))):
            sys.stderr.write(f"warning: {warning}\n")
        return
    config = address_ranges.settle(config)
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
