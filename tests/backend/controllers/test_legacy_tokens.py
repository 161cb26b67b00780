"""Secrets that ask for a token get one, and go with the account that they name."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest

from backend.controllers.legacy_tokens import NAME, UID, LegacyTokens
from backend.machinery.client import SECRETS, SERVICE_ACCOUNTS
from backend.machinery.informer import Informer
from backend.meta.types import Obj
from tests.support.control_plane import ControlPlane, eventually, running


@pytest.fixture
async def filling(plane: ControlPlane) -> AsyncIterator[None]:
    accounts = Informer(plane.client, SERVICE_ACCOUNTS)
    tokens = LegacyTokens(plane.client, plane.signers.token, "THE CA", accounts=accounts)
    async with running(accounts.run(), tokens.secrets.run(), tokens.controller.run()):
        yield


async def secret(plane: ControlPlane, account: str = "default", **annotations: str) -> Obj:
    meta = {"name": "s", "annotations": {NAME: account, **annotations}}
    body = {"metadata": meta, "type": "kubernetes.io/service-account-token"}
    return await plane.client.create(SECRETS, body, "default")


async def filled(plane: ControlPlane) -> Obj:
    async def found() -> Obj | None:
        current = await plane.find(SECRETS, "s", "default")
        return current if current is not None and "token" in (current.get("data") or {}) else None

    current: Obj = await eventually(found)
    return current


async def gone(plane: ControlPlane) -> bool:
    async def check() -> bool:
        return await plane.find(SECRETS, "s", "default") is None

    return bool(await eventually(check))


async def test_a_secret_is_filled(plane: ControlPlane, filling: None) -> None:
    await secret(plane)
    found = await filled(plane)
    data = {key: base64.b64decode(value).decode() for key, value in found["data"].items()}
    assert data == {"ca.crt": "THE CA", "namespace": "default", "token": "token of default in s"}
    account = await plane.client.get(SERVICE_ACCOUNTS, "default", "default")
    assert found["metadata"]["annotations"][UID] == account["metadata"]["uid"]


async def test_a_secret_without_an_account_goes(plane: ControlPlane, filling: None) -> None:
    await secret(plane, "nobody")
    assert await gone(plane)


async def test_a_secret_of_an_account_that_was_goes(plane: ControlPlane, filling: None) -> None:
    await secret(plane, **{UID: "old"})
    assert await gone(plane)


async def test_a_secret_goes_with_its_account(plane: ControlPlane, filling: None) -> None:
    await secret(plane)
    await filled(plane)
    await plane.client.delete(SERVICE_ACCOUNTS, "default", "default")
    assert await gone(plane)
