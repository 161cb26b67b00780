"""A real API server on a store of its own, for what works against it: controllers and the scheduler."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from backend.apiserver import pki
from backend.apiserver.bootstrap import create_system_namespaces, create_system_priority_classes
from backend.apiserver.certificate_authority import CertificateAuthority
from backend.apiserver.handler import Handler
from backend.controllers.credentials import Signers
from backend.machinery.client import NODES, PODS, SERVICE_ACCOUNTS, Client
from backend.meta.errors import ApiError
from backend.meta.schema import Schemas
from backend.meta.types import ADMIN, Obj
from backend.resources.catalog import Catalog
from backend.store.sqlstore import SqlStore


@cache
def schemas() -> Schemas:
    return Schemas.load()


class ControlPlane:
    """What a test talks to."""

    def __init__(self, store: SqlStore, root: Path) -> None:
        self.store = store
        self.root = root
        self.catalog = Catalog.builtin()
        self.handler = Handler(store, self.catalog, schemas())
        self.client = Client(self.handler, ADMIN)

    def acting_as(self, _account: str) -> Client:
        """Controllers are masters here: there are no roles yet."""
        return self.client

    @cached_property
    def keys(self) -> pki.Pki:
        return pki.ensure(self.root / "pki")

    @property
    def signers(self) -> Signers:
        """By the plane's own CA, and with tokens that name account and Secret."""
        authority = CertificateAuthority(self.keys.ca_cert, self.keys.ca_key, time.time)
        return Signers(
            authority.sign, lambda account, secret: f"token of {account['metadata']['name']} in {secret}"
        )

    async def pod(
        self, name: str = "p", *, namespace: str = "default", metadata: Obj | None = None, **spec: Any
    ) -> Obj:
        body = {
            "metadata": {"name": name, **(metadata or {})},
            "spec": {"containers": [{"name": "c", "image": "busybox"}], **spec},
        }
        return await self.client.create(PODS, body, namespace)

    async def node(
        self, name: str = "n", *, labels: Obj | None = None, spec: Obj | None = None, **allocatable: str
    ) -> Obj:
        offered = {"cpu": "4", "memory": "8Gi", "pods": "110", **allocatable}
        body = {
            "metadata": {"name": name, "labels": labels or {}},
            "spec": spec or {},
            "status": {"capacity": offered, "allocatable": offered},
        }
        return await self.client.create(NODES, body)

    async def find(self, gvr: Any, name: str, namespace: str = "") -> Obj | None:
        try:
            return await self.client.get(gvr, name, namespace)
        except ApiError as error:
            if error.code == 404:
                return None
            raise


@asynccontextmanager
async def control_plane(root: Path) -> AsyncIterator[ControlPlane]:
    """With the system's namespaces, and the account that pods in `default` run as."""
    store = await SqlStore.open(f"sqlite:///{root / 'state.db'}")
    plane = ControlPlane(store, root)
    await create_system_namespaces(plane.client)
    await create_system_priority_classes(plane.client)
    await plane.client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    yield plane
    await store.close()


@asynccontextmanager
async def running(*parts: Awaitable[None]) -> AsyncIterator[None]:
    """The parts run beside the test, and a part that fails fails it."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def eventually(condition: Callable[[], Awaitable[Any]], seconds: float = 5.0) -> Any:
    """What `condition` answers once that is true. Fails the test if it stays false."""
    async with asyncio.timeout(seconds):
        while not (found := await condition()):  # noqa: ASYNC110 - anything may be looked at, not only events
            await asyncio.sleep(0.005)
    return found
