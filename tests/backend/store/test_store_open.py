"""Opening: what is refused, in clear words, and with nothing changed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys

import pytest

from backend.store.api import StoreError
from backend.store.sqlstore import SqlStore

HOLD = """
import asyncio, sys
from backend.store.sqlstore import SqlStore
async def main():
    await SqlStore.open(sys.argv[1])
    print("open", flush=True)
    sys.stdin.read()
    import os; os._exit(0)
asyncio.run(main())
"""


def holder_of(path):
    command = [sys.executable, "-c", HOLD, f"sqlite:///{path}"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def contents(path):
    return {file.name: file.read_bytes() for file in path.parent.iterdir() if file.name.startswith("state.db")}


async def test_the_files_are_private(store, path, thing):
    await store.create("core/things/a/x", thing())
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


async def test_a_store_from_a_newer_version_is_refused_and_unchanged(open_store, path, thing):
    store = await open_store()
    await store.create("core/things/a/x", thing())
    await store.close()
    with sqlite3.connect(path) as other:
        other.execute("UPDATE meta SET value = 7 WHERE name = 'schema_version'")
    other.close()
    before = contents(path)
    with pytest.raises(StoreError) as caught:
        await open_store()
    text = str(caught.value)
    assert str(path) in text
    assert "newer version" in text
    assert "schema version 7" in text
    assert "up to 1" in text
    assert "nothing was changed" in text
    assert contents(path) == before


@pytest.mark.parametrize("kind", ["text", "foreign"])
async def test_a_file_that_is_no_store_is_refused_and_unchanged(open_store, path, kind):
    if kind == "text":
        path.write_text("not a database, whatever its name says\n" * 100)
    else:
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE music (title TEXT)")
        other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        await open_store()
    assert str(path) in str(caught.value)
    assert "nothing was changed" in str(caught.value)
    assert path.read_bytes() == before


async def test_a_second_process_is_told_who_has_the_store(open_store, path, thing):
    with holder_of(path) as child:
        assert child.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match=rf"{path} is in use by process {child.pid}"):
            await open_store()
        child.kill()
    store = await open_store()  # the lock died with its holder
    assert (await store.create("core/things/a/x", thing())).revision > 0


async def test_two_stores_of_one_process_exclude_each_other(open_store, path):
    first = await open_store()
    with pytest.raises(StoreError, match=rf"in use by process {os.getpid()}"):
        await open_store()
    await first.close()
    await open_store()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite://", "needs a database file"),
        ("sqlite:///:memory:", "needs a database file"),
        ("no url", "not a database URL"),
        ("postgresql://somewhere/db", "no support for postgresql"),
    ],
)
async def test_a_url_that_cannot_be_served(url, words):
    with pytest.raises(StoreError, match=words):
        await SqlStore.open(url)


async def test_a_directory_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        await SqlStore.open(f"sqlite:///{tmp_path}/file/state.db")


async def test_a_commit_waits_for_the_disk(store):
    """What kill -9 cannot show and a power failure would: 2 is FULL."""
    with store._database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
