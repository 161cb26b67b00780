"""The ingress's front on a free port, with backends that a test writes as a few lines."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from backend.network.ingress.backends import Endpoint, Fault
from backend.network.ingress.certificates import default_context
from backend.network.ingress.front import Front
from backend.network.ingress.ports import open_listener
from backend.network.ingress.routing import ServiceBackend, Table

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class FixedBackends:
    """Stands for the caches: endpoints by the name of their service."""

    def __init__(self) -> None:
        self.endpoints: dict[str, list[Endpoint]] = {}

    def next_endpoints(self, backend: ServiceBackend) -> Sequence[Endpoint]:
        return self.endpoints.get(backend.service, ())

    def fault(self, backend: ServiceBackend) -> Fault | None:
        known = backend.service in self.endpoints
        return None if known else Fault("ServiceNotFound", f"service {backend.service} not found")


class Ingress:
    """What a test has: `port` is the one for HTTP, `tls_port` for HTTPS."""

    def __init__(self, front: Front, backends: FixedBackends, port: int, tls_port: int) -> None:
        self.front = front
        self.backends = backends
        self.port = port
        self.tls_port = tls_port
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def rules(self, *services: str, host: str = "", tls: list[str] | None = None, **annotations: str) -> None:
        """/NAME is for the service NAME."""
        prefix = "nginx.ingress.kubernetes.io/"
        paths = [
            {
                "path": f"/{name}",
                "pathType": "Prefix",
                "backend": {"service": {"name": name, "port": {"number": 80}}},
            }
            for name in services
        ]
        given = {prefix + name.replace("_", "-"): text for name, text in annotations.items()}
        spec = {"rules": [{"host": host, "http": {"paths": paths}}], "tls": [{"hosts": tls}] if tls else []}
        meta = {"namespace": "default", "name": "web", "annotations": given}
        self.front.table = Table([{"metadata": meta, "spec": spec}])

    async def backend(self, serve: Serve, name: str = "app", tls: ssl.SSLContext | None = None) -> Endpoint:
        """One more endpoint of a service; `serve` gets each connection."""

        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await serve(reader, writer)
            writer.close()

        server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=tls)
        self._servers.append(server)
        endpoint = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
        self.backends.endpoints.setdefault(name, []).append(endpoint)
        return endpoint

    @asynccontextmanager
    async def connect(
        self, *, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        port = self.tls_port if tls else self.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        try:
            async with asyncio.timeout(20):
                yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def close(self) -> None:
        await self.front.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks)
        for server in self._servers:
            server.close()
            await server.wait_closed()


@pytest.fixture
async def ingress(tmp_path) -> AsyncIterator[Ingress]:
    backends = FixedBackends()
    front = Front(backends)  # type: ignore[arg-type]
    plain, tls = (open_listener(tmp_path / "ports", scheme, 0) for scheme in ("http", "https"))
    await front.listen(plain.socket, tls.socket, default_context())
    made = Ingress(front, backends, plain.port, tls.port)
    made.rules("app")
    yield made
    await made.close()
