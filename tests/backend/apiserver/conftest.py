"""A handler over the real store, on a file of its own, and clients of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from backend.apiserver.bootstrap import create_system_namespaces, create_system_priority_classes
from backend.apiserver.handler import Answer, Handler
from backend.machinery.client import CONFIGMAPS, PODS, SERVICE_ACCOUNTS, Client
from backend.meta.errors import ApiError
from backend.meta.schema import Schemas
from backend.meta.types import ADMIN, ApiRequest, Obj
from backend.resources.catalog import Catalog
from backend.store.sqlstore import SqlStore


@cache
def schemas() -> Schemas:
    return Schemas.load()


@dataclass
class Cluster:
    """What a test talks to. `now` is the server's clock; it stands still until a test moves it."""

    store: SqlStore
    now: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.handler = Handler(self.store, Catalog.builtin(), schemas(), clock=lambda: self.now)
        self.client = Client(self.handler, ADMIN)

    async def send(self, verb: str, resource: str, name: str = "", body: Any = None, **more: Any) -> Answer:
        """A request as HTTP sends it: the body goes over as bytes, and comes back as bytes."""
        raw = orjson.dumps(body) if body is not None else None
        more.setdefault("namespace", "" if resource in ("namespaces", "nodes") else "default")
        decoded = orjson.loads(raw) if raw is not None else None
        form, include = more.pop("form", "object"), more.pop("include", "Metadata")
        more.setdefault("raw_body", raw)
        request = ApiRequest(verb, "", "v1", resource, name=name, body=decoded, **more)
        return await self.handler.answer(request, form, include)

    async def object(self, *args: Any, **more: Any) -> Obj:
        answer: Obj = orjson.loads((await self.send(*args, **more)).body)
        return answer

    async def refused(self, code: int, *args: Any, **more: Any) -> str:
        """The message of a request that must fail with `code`, and must change nothing."""
        before = self.store.revision
        with pytest.raises(ApiError) as caught:
            await self.send(*args, **more)
        assert caught.value.code == code, caught.value.message
        assert self.store.revision == before
        return caught.value.message

    async def config_map(self, name: str = "a", **data: str) -> Obj:
        return await self.client.create(CONFIGMAPS, {"metadata": {"name": name}, "data": data}, "default")

    async def pod(self, name: str = "p", **spec: Any) -> Obj:
        return await self.client.create(PODS, pod(name, **spec), "default")


def pod(name: str = "p", **spec: Any) -> Obj:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "busybox"}], **spec}}


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'state.db'}")
    cluster = Cluster(store)
    await create_system_namespaces(cluster.client)
    await create_system_priority_classes(cluster.client)
    await cluster.client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    yield cluster
    await store.close()
