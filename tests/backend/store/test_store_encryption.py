"""Encryption at rest: no plain text anywhere, clear errors for wrong keys, rotation that survives anything."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3

import pytest

from backend.store.api import StoreError, StoreUnavailable
from backend.store.keyring import Keyring
from backend.store.sqlstore import SqlStore

MARK = "plain-text-marker"


@pytest.fixture
def keys(tmp_path):
    return tmp_path / "keys.json"


def sealed_by(path):
    with sqlite3.connect(path) as other:
        return {row[0] for row in other.execute("SELECT sealed_by FROM log")}


def key_ids(keys):
    return {key["id"] for key in json.loads(keys.read_bytes())["keys"]}


async def fill(store, thing, count=20):
    for n in range(count):
        entry = await store.create(f"core/secrets/a/{n}", thing(f"{MARK}-{n}"))
        await store.update(entry.key, thing(f"{MARK}-{n}-new"), revision=entry.revision)
    await store.create("core/things/a/x", thing("in the open"))


async def history(store, start):
    watch = store.watch("", start)
    events = [await anext(watch) for _ in range(store.revision - start)]
    watch.close()
    return [(event.type, event.entry.key, event.entry.revision, event.entry.raw) for event in events]


def test_the_keyring_is_private_and_opened_again(keys):
    first = Keyring.open(keys)
    assert keys.stat().st_mode & 0o777 == 0o600
    assert Keyring.open(keys).active == first.active
    assert list(keys.parent.iterdir()) == [keys]


def test_a_keyring_that_others_can_read_is_refused(keys):
    Keyring.open(keys)
    keys.chmod(0o644)
    with pytest.raises(StoreError, match=r"chmod 600"):
        Keyring.open(keys)


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"version":1,"active":1,"keys":[{"id":1,"key":"AAAA"}]}'])
def test_a_damaged_keyring_is_refused_and_left_alone(keys, damage):
    keys.write_bytes(damage)
    keys.chmod(0o600)
    with pytest.raises(StoreError, match=r"damaged"):
        Keyring.open(keys)
    assert keys.read_bytes() == damage


async def test_encryption_without_a_keyring_is_refused(path):
    with pytest.raises(StoreError, match=r"keyring"):
        await SqlStore.open(f"sqlite:///{path}", encrypted_prefixes=("core/secrets/",))
    assert not path.exists()


async def test_no_plain_text_in_the_files_or_the_logs(open_store, path, keys, thing, caplog):
    caplog.set_level(logging.DEBUG)
    store = await open_store(Keyring.open(keys))
    await fill(store, thing)
    on_disk = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"in the open" in on_disk
    assert MARK.encode() not in on_disk
    gone = store.get("core/secrets/a/3")
    await store.delete(gone.key, revision=gone.revision)
    await store.rotate_key()
    await store.close()
    assert MARK.encode() not in b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert MARK not in caplog.text


async def test_a_failing_write_does_not_tell_what_it_wrote(open_store, keys, thing, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    store = await open_store(Keyring.open(keys))
    with sqlite3.connect(store._database.dialect.path) as other:
        other.execute("DROP TABLE log")
    other.close()
    with pytest.raises(StoreUnavailable) as caught:
        await store.create("core/things/a/x", thing(MARK))
    assert "no such table" in str(caught.value)
    assert MARK not in f"{caught.value!r}{caught.value.__cause__!r}{caplog.text}"


async def test_secrets_are_read_back_after_a_restart(open_store, keys, thing):
    store = await open_store(Keyring.open(keys))
    start = store.revision
    await fill(store, thing)
    before = await history(store, start)
    await store.close()
    store = await open_store(Keyring.open(keys))
    assert store.get("core/secrets/a/7").obj["value"] == f"{MARK}-7-new"
    assert await history(store, start) == before


async def test_a_foreign_keyring_is_named_and_nothing_changes(open_store, path, keys, thing, tmp_path):
    store = await open_store(Keyring.open(keys))
    await fill(store, thing, 1)
    await store.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"encrypted with key \d+, which keyring .*other.json does not have"):
        await open_store(Keyring.open(tmp_path / "other.json"))
    wire = json.loads(keys.read_bytes())
    wire["keys"][0]["key"] = "A" * 43 + "="
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(wire))
    wrong.chmod(0o600)
    with pytest.raises(StoreError, match=r"cannot be decrypted with key \d+ .*wrong.json"):
        await open_store(Keyring.open(wrong))
    with pytest.raises(StoreError, match=r"there is no keyring"):
        await open_store()
    assert path.read_bytes() == before
    store = await open_store(Keyring.open(keys))
    assert store.get("core/secrets/a/0").obj["value"] == f"{MARK}-0-new"


async def test_a_value_cannot_be_moved_to_another_row(open_store, path, keys, thing):
    store = await open_store(Keyring.open(keys))
    await store.create("core/secrets/a/1", thing(1))
    await store.create("core/secrets/a/2", thing(2))
    await store.close()
    with sqlite3.connect(path) as other:
        other.execute("UPDATE log SET value = (SELECT value FROM log ORDER BY id LIMIT 1)")
    other.close()
    with pytest.raises(StoreError, match=r"core/secrets/a/2 cannot be decrypted"):
        await open_store(Keyring.open(keys))


async def test_rotation_changes_every_key_and_no_content(open_store, path, keys, thing):
    store = await open_store(Keyring.open(keys), memory_events=4)
    start = store.revision
    await fill(store, thing, 100)
    before, old = await history(store, start), key_ids(keys)

    async def write_on():
        for n in range(200):
            await store.create(f"core/secrets/b/{n}", thing(n))

    writing = asyncio.ensure_future(write_on())
    assert await store.rotate_key() >= 200
    await writing
    assert not key_ids(keys) & old
    assert sealed_by(path) == {None, *key_ids(keys)}
    assert (await history(store, start))[: len(before)] == before
    await store.close()
    store = await open_store(Keyring.open(keys))
    assert store.get("core/secrets/a/99").obj["value"] == f"{MARK}-99-new"
    assert (await history(store, start))[: len(before)] == before


async def test_two_rotations_at_once_both_finish(open_store, path, keys, thing):
    store = await open_store(Keyring.open(keys))
    await fill(store, thing)
    await asyncio.gather(store.rotate_key(), store.rotate_key())
    assert len(key_ids(keys)) == 1
    assert sealed_by(path) == {None, *key_ids(keys)}


@pytest.mark.parametrize("point", ["add", "drop_retired"])
async def test_a_rotation_that_fails_removes_no_key_and_goes_on_later(
    open_store, path, keys, thing, monkeypatch, point
):
    store = await open_store(Keyring.open(keys))
    await fill(store, thing)
    old = key_ids(keys)

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Keyring, point, full)
        with pytest.raises(StoreUnavailable, match=r"No space left on device"):
            await store.rotate_key()
    assert old <= key_ids(keys)
    await store.create("core/secrets/b/x", thing("after"))
    await store.close()
    store = await open_store(Keyring.open(keys))
    await store.rotate_key()
    assert not old & key_ids(keys)
    assert sealed_by(path) == {None, *key_ids(keys)}
    assert store.get("core/secrets/a/0").obj["value"] == f"{MARK}-0-new"
    assert store.get("core/secrets/b/x").obj["value"] == "after"


async def test_closing_in_the_middle_of_a_rotation(open_store, until, path, keys, thing):
    store = await open_store(Keyring.open(keys))
    await asyncio.gather(*(store.create(f"core/secrets/a/{n}", thing(n)) for n in range(2000)))
    old = key_ids(keys)
    rotation = asyncio.ensure_future(store.rotate_key())
    await until(lambda: key_ids(keys) != old)
    await store.close()
    with pytest.raises(StoreUnavailable, match=r"goes on"):
        await rotation
    assert len(key_ids(keys)) == 2
    store = await open_store(Keyring.open(keys))  # goes on by itself
    await until(lambda: not key_ids(keys) & old)
    assert sealed_by(path) == key_ids(keys)
    assert {entry.obj["value"] for entry in store.list("").entries} == set(range(2000))


def test_a_keyring_is_replaced_as_a_whole(keys, monkeypatch):
    keyring = Keyring.open(keys)
    before = keys.read_bytes()

    def fail(*_arguments):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"Input/output"):
        keyring.add()
    assert keys.read_bytes() == before
    assert list(keys.parent.iterdir()) == [keys]
    assert keyring.retired == []
