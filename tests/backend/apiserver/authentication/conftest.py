"""A cluster that gives tokens, signed by a key of its own, and a clock that stands still."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from backend.apiserver import pki
from backend.apiserver.authentication.bearer_tokens import BearerTokens
from backend.apiserver.authentication.service_account_tokens import ServiceAccountTokens
from backend.apiserver.authentication.signing_key import SigningKey
from backend.apiserver.bootstrap import create_system_namespaces
from backend.apiserver.handler import Handler
from backend.machinery.client import GVR, SERVICE_ACCOUNTS, Client
from backend.meta.errors import ApiError
from backend.meta.schema import Schemas
from backend.meta.types import ADMIN, Obj, User
from backend.resources.catalog import Catalog
from backend.store.sqlstore import SqlStore

ADMIN_TOKEN = "the-admin-token"
TOKEN_REVIEWS = GVR("authentication.k8s.io", "v1", "tokenreviews")
SELF_REVIEWS = GVR("authentication.k8s.io", "v1", "selfsubjectreviews")


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> pki.Pki:
    return pki.ensure(tmp_path_factory.mktemp("pki"))


@dataclass
class TokenCluster:
    store: SqlStore
    key: SigningKey
    schemas: Schemas
    now: float = field(default_factory=lambda: float(int(time.time())))

    def __post_init__(self) -> None:
        self.accounts = ServiceAccountTokens(self.store, self.key, lambda: self.now)
        self.tokens = BearerTokens(ADMIN_TOKEN, self.accounts)
        self.handler = Handler(
            self.store, Catalog.builtin(), self.schemas, clock=lambda: self.now, tokens=self.tokens
        )
        self.client = Client(self.handler, ADMIN)

    async def request_token(self, name: str = "default", meta: Obj | None = None, **spec: Any) -> Obj:
        body = {"metadata": meta or {}, "spec": spec}
        return await self.client.create(SERVICE_ACCOUNTS, body, "default", name, "token")

    async def token(self, name: str = "default", **spec: Any) -> str:
        text: str = (await self.request_token(name, **spec))["status"]["token"]
        return text

    async def refused(self, name: str = "default", meta: Obj | None = None, **spec: Any) -> tuple[int, str]:
        with pytest.raises(ApiError) as caught:
            await self.request_token(name, meta, **spec)
        return caught.value.code, caught.value.message

    async def review(self, token: str, *audiences: str) -> Obj:
        spec: Obj = {"token": token, **({"audiences": list(audiences)} if audiences else {})}
        review = await self.client.create(TOKEN_REVIEWS, {"spec": spec})
        status: Obj = review["status"]
        return status

    async def who_am_i(self, user: User) -> Obj:
        review = await Client(self.handler, user).create(SELF_REVIEWS, {})
        info: Obj = review["status"]["userInfo"]
        return info


@pytest.fixture(scope="session")
def token_schemas() -> Schemas:
    return Schemas.load()


@pytest.fixture
async def cluster(tmp_path: Path, keys: pki.Pki, token_schemas: Schemas) -> AsyncIterator[TokenCluster]:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'state.db'}")
    cluster = TokenCluster(store, SigningKey(keys.service_account_key), token_schemas)
    await create_system_namespaces(cluster.client)
    await cluster.client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    yield cluster
    await store.close()
