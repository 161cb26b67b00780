"""kill -9: whatever was acknowledged is there, nothing is there twice, and revisions only go up."""

from __future__ import annotations

import os
import random
import select
import signal
import sqlite3
import subprocess
import sys

from backend.store.keyring import Keyring

WRITER = """
import asyncio, os, sys
from backend.store.keyring import Keyring
from backend.store.sqlstore import Limits, SqlStore

url, keys, round_, rotate = sys.argv[1:]
out = sys.stdout.fileno()

async def main():
    store = await SqlStore.open(url, keyring=Keyring.open(keys), encrypted_prefixes=("core/secrets/",),
                                limits=Limits(keep_revisions=200))
    os.write(out, f"open {store.revision}\\n".encode())

    async def write(who):
        n = 0
        while True:
            n += 1
            key = f"core/{'secrets' if who % 2 else 'things'}/a/{round_}-{who}-{n}"
            entry = await store.create(key, {"metadata": {"name": key}, "step": 1})
            os.write(out, f"{key} 1 {entry.revision}\\n".encode())
            if n % 3:
                entry = await store.update(key, {"metadata": {"name": key}, "step": 2}, revision=entry.revision)
                os.write(out, f"{key} 2 {entry.revision}\\n".encode())
            if n % 3 == 2:
                entry = await store.delete(key, revision=entry.revision)
                os.write(out, f"{key} 0 {entry.revision}\\n".encode())

    async def rotate_on():
        while rotate == "rotate":
            await store.rotate_key()

    await asyncio.gather(*(write(who) for who in range(12)), rotate_on())

asyncio.run(main())
"""


def run_and_kill(path, keys, round_, rotate):
    """What a writer told before it was killed at a random moment: its starting revision and its acknowledgements."""
    read, write = os.pipe()
    arguments = [sys.executable, "-c", WRITER, f"sqlite:///{path}", str(keys), str(round_), rotate]
    child = subprocess.Popen(arguments, stdout=write)
    os.close(write)
    told = b""
    quota = random.randrange(2_000, 60_000)
    while len(told) < quota and select.select([read], [], [], 20)[0]:
        piece = os.read(read, 65536)
        if not piece:
            break
        told += piece
    child.send_signal(signal.SIGKILL)
    while piece := os.read(read, 65536):
        told += piece
    os.close(read)
    assert child.wait() == -signal.SIGKILL
    lines = told.decode().splitlines()
    start = int(lines[0].removeprefix("open "))
    return start, [(key, int(step), int(revision)) for key, step, revision in map(str.split, lines[1:])]


async def check(open_store, path, keys, rotate):
    last: dict[str, tuple[int, int]] = {}
    highest = 0
    for round_ in range(3):
        start, acknowledged = run_and_kill(path, keys, round_, rotate)
        assert len(acknowledged) > 20
        assert start >= highest
        revisions = [revision for _, _, revision in acknowledged]
        assert len(set(revisions)) == len(revisions)
        assert min(revisions) > start
        for key, step, revision in acknowledged:
            assert last.get(key, (0, 0))[1] < revision
            last[key] = step, revision
        highest = max(revisions)

        store = await open_store(Keyring.open(keys))
        assert store.revision >= highest
        highest = store.revision
        for key, (step, revision) in last.items():
            entry = store.get(key)
            if step == 0:
                assert entry is None
            elif entry is None or entry.revision != revision:
                # It died between a commit and its acknowledgement: a later step of the same key, no other.
                assert key.split("/")[-1].startswith(f"{round_}-")
                assert entry is None or (entry.revision > revision and entry.obj["step"] > step)
            else:
                assert entry.obj["step"] == step
                assert entry.obj["metadata"]["resourceVersion"] == str(revision)
        listed = [entry.key for entry in store.list("").entries]
        assert len(set(listed)) == len(listed)
        last = {entry.key: (entry.obj["step"], entry.revision) for entry in store.list("").entries}
        await store.close()
        with sqlite3.connect(path) as other:
            assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        other.close()


async def test_killed_writers_lose_nothing(open_store, path, tmp_path):
    await check(open_store, path, tmp_path / "keys.json", "stay")


async def test_killed_rotations_lose_nothing(open_store, path, tmp_path):
    await check(open_store, path, tmp_path / "keys.json", "rotate")
