"""A handler that serves what CustomResourceDefinitions declare."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from backend.apiserver.handler import Answer, Handler
from backend.machinery.client import GVR, Client
from backend.meta.errors import ApiError
from backend.meta.types import ADMIN, ApiRequest, Obj
from backend.resources.catalog import Catalog
from tests.backend.apiserver.conftest import Cluster, schemas
from tests.support.control_plane import running

DEFINITIONS = GVR("apiextensions.k8s.io", "v1", "customresourcedefinitions")
WIDGETS = GVR("example.com", "v1", "widgets")


def definition(schema: Obj | None = None, /, **more: Any) -> Obj:
    """A CustomResourceDefinition of Widgets; `schema` is that of their spec, `more` goes into the version."""
    spec = schema if schema is not None else {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    root = {"type": "object", "properties": {"spec": spec, "status": {"type": "object",
            "x-kubernetes-preserve-unknown-fields": True}}}  # fmt: skip
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": root}, **more}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
            "versions": [version],
        },
    }


@dataclass
class Served:
    """What a test talks to."""

    handler: Handler
    client: Client
    catalog: Catalog

    async def define(self, schema: Obj | None = None, /, **more: Any) -> Obj:
        return await self.client.create(DEFINITIONS, definition(schema, **more))

    async def send(self, verb: str, name: str = "", body: Any = None, **more: Any) -> Answer:
        """A request for widgets, as HTTP sends it."""
        raw = orjson.dumps(body) if body is not None else None
        group, version = more.pop("group", "example.com"), more.pop("version", "v1")
        form = more.pop("form", "object")
        request = ApiRequest(
            verb, group, version, "widgets", "default", name, body=orjson.loads(raw) if raw else None,
            raw_body=raw, user=ADMIN, **more,
        )  # fmt: skip
        return await self.handler.answer(request, form)

    async def widget(self, name: str = "w", /, **fields: Any) -> Obj:
        made: Obj = orjson.loads((await self.send("create", "", widget(name, **fields))).body)
        return made

    async def refused(self, code: int, verb: str, *args: Any, **more: Any) -> str:
        with pytest.raises(ApiError) as caught:
            await self.send(verb, *args, **more)
        assert caught.value.code == code, caught.value.message
        return caught.value.message

    async def not_defined(self, body: Obj) -> str:
        """Why a definition is refused."""
        with pytest.raises(ApiError) as caught:
            await self.client.create(DEFINITIONS, body)
        assert caught.value.code == 422, caught.value.message
        return caught.value.message


def widget(name: str = "w", /, **fields: Any) -> Obj:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, **fields}


@pytest.fixture
async def served(cluster: Cluster) -> AsyncIterator[Served]:
    catalog = Catalog.builtin()
    handler = Handler(cluster.store, catalog, schemas(), clock=lambda: cluster.now)
    handler.definitions.load()
    async with running(handler.definitions.run()):
        yield Served(handler, Client(handler, ADMIN), catalog)
