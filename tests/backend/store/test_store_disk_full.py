"""A full disk: a clear error, nothing half done, and life goes on once there is room."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess

import pytest

from backend.store.api import StoreUnavailable
from backend.store.sqlstore import SqlStore


def call(*command):
    subprocess.run([str(word) for word in command], check=True)


async def fill_until_refused(store, thing, size):
    """Concurrent writers until the first failures; (acknowledged entries, errors)."""
    acknowledged, errors = [], []

    async def write(who):
        for n in range(400):
            try:
                acknowledged.append(await store.create(f"core/things/{who}/{n}", thing("x" * size)))
            except StoreUnavailable as error:
                errors.append(error)
                return

    await asyncio.gather(*(write(who) for who in range(8)))
    return acknowledged, errors


async def check_refusal(store, watch, acknowledged, errors):
    assert len(errors) == 8
    assert all("cannot write to" in str(error) for error in errors)
    assert {entry.key for entry in store.list("").entries} == {entry.key for entry in acknowledged}
    seen = [(await anext(watch)).entry for _ in acknowledged]
    assert seen == sorted(acknowledged, key=lambda entry: entry.revision)
    assert watch.progress == store.revision == seen[-1].revision


async def check_recovery(store, watch, thing):
    entry = await store.create("core/things/a/after", thing("y"))
    assert entry.revision == store.revision
    assert (await anext(watch)).entry is entry
    content = {entry.key: entry.raw for entry in store.list("").entries}
    url = f"sqlite:///{store._database.dialect.path}"
    await store.close()
    again = await SqlStore.open(url)
    assert {entry.key: entry.raw for entry in again.list("").entries} == content
    assert again.revision >= entry.revision
    await again.close()


async def test_a_file_that_may_not_grow(open_store, thing):
    store = await open_store()
    watch = store.watch("")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, limits[1]))
    try:
        acknowledged, errors = await fill_until_refused(store, thing, 20_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    await check_refusal(store, watch, acknowledged, errors)
    await check_recovery(store, watch, thing)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
async def test_a_full_file_system(tmp_path, thing):
    mount = tmp_path / "small"
    mount.mkdir()
    call("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", mount)
    try:
        ballast = mount / "ballast"
        ballast.write_bytes(b"x" * 1_500_000)
        store = await SqlStore.open(f"sqlite:///{mount}/state.db")
        watch = store.watch("")
        try:
            acknowledged, errors = await fill_until_refused(store, thing, 20_000)
            assert any("disk is full" in str(error) for error in errors)
            await check_refusal(store, watch, acknowledged, errors)
            with pytest.raises(StoreUnavailable):
                await store.create("core/things/a/still", thing("y" * 500_000))
            ballast.unlink()
            await check_recovery(store, watch, thing)
        finally:
            await store.close()
    finally:
        call("umount", mount)
