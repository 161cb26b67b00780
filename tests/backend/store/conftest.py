"""A real store on a real disk for each test, closed whatever the test did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from backend.meta.types import Obj
from backend.store.keyring import Keyring
from backend.store.sqlstore import Limits, SqlStore

OpenStore = Callable[..., Awaitable[SqlStore]]


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Waits for what happens in the writer's thread and is told to nobody: housekeeping, a resumed rotation."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    return wait


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
async def open_store(path: Path) -> AsyncIterator[OpenStore]:
    """Opens the test's database; secrets are encrypted if the test gives a keyring."""
    stores: list[SqlStore] = []

    async def open_one(keyring: Keyring | None = None, **limits: Any) -> SqlStore:
        prefixes = ("core/secrets/",) if keyring else ()
        url = f"sqlite:///{path}"
        store = await SqlStore.open(url, keyring=keyring, encrypted_prefixes=prefixes, limits=Limits(**limits))
        stores.append(store)
        return store

    yield open_one
    for store in stores:
        await store.close()


@pytest.fixture
async def store(open_store: OpenStore) -> SqlStore:
    return await open_store()


@pytest.fixture
def thing() -> Callable[..., Obj]:
    """An object with some content."""

    def make(value: Any = 0) -> Obj:
        return {"kind": "Thing", "metadata": {"name": "thing"}, "value": value}

    return make
