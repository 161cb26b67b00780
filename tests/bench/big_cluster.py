"""A cluster of 100,000 objects: its start and memory, and a list of the 27,000 Secrets among them."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from pathlib import Path

import uvloop

from backend.meta.types import Obj
from backend.store.keyring import Keyring
from backend.store.sqlstore import SqlStore
from tests.bench.backend_start import cpu_seconds, resident_mb
from tests.bench.report import Row, median
from tests.bench.tls_client import Api, exchange
from tests.support.cli import Cluster

OBJECTS = 100_000
SECRETS = 27_483
SECRET_VALUE = "c2VjcmV0IHZhbHVl" * 78
"""It makes 41 MB of all Secrets."""
CONFIG_VALUE = "value of about one KB " * 36
SETTLE_SECONDS = 10
LISTS = 7
BATCH = 2000


def big_rows(home: Path) -> list[Row]:
    cluster = Cluster(home, f"bench-big-{os.getpid()}")
    cluster.run("cluster", "start")
    try:
        cluster.run("create", "namespace", "bench")
        cluster.run("cluster", "stop")
        uvloop.run(_fill(cluster.folder))
        began = time.monotonic()
        cluster.run("cluster", "start")
        took = time.monotonic() - began
        cpu = cpu_seconds(cluster.pid)
        time.sleep(SETTLE_SECONDS)
        resident = resident_mb(cluster.pid)
        work = f"{OBJECTS:,} objects"
        return [
            Row(f"{work}: start, whole command", f"{took:.2f} s", f"CPU {cpu:.2f} s", "<= 2 s", took <= 2),
            Row(f"{work}: memory", f"{resident:.0f} MB", "", "<= 500 MB", resident <= 500),
            _list_row(cluster),
        ]
    finally:
        cluster.delete()


async def _fill(folder: Path) -> None:
    """Straight into the store of a stopped cluster, which takes seconds where requests would take minutes."""
    keyring = Keyring.open(folder / "keyring.json")
    url = f"sqlite:///{folder / 'state.db'}"
    store = await SqlStore.open(url, keyring=keyring, encrypted_prefixes=["core/secrets/"])
    for start in range(0, OBJECTS, BATCH):
        numbers = range(start, min(start + BATCH, OBJECTS))
        await asyncio.gather(*(store.create(*_object(number)) for number in numbers))
    await store.close()


def _object(number: int) -> tuple[str, Obj]:
    name = f"{number:06}"
    meta = {
        "name": name, "namespace": "bench", "uid": str(uuid.uuid4()), "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"app": "bench"},
    }  # fmt: skip
    if number < SECRETS:
        obj = {"kind": "Secret", "apiVersion": "v1", "metadata": meta, "type": "Opaque"}
        return f"core/secrets/bench/{name}", {**obj, "data": {"value": SECRET_VALUE}}
    obj = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta}
    return f"core/configmaps/bench/{name}", {**obj, "data": {"value": CONFIG_VALUE}}


def _list_row(cluster: Cluster) -> Row:
    api = Api(cluster)
    seconds = []
    size = 0
    before = cpu_seconds(cluster.pid)
    with api.connect() as connection:
        for _ in range(LISTS):
            took, status, body = exchange(connection, api.head("GET", "/api/v1/namespaces/bench/secrets"))
            if status != 200 or body.count(b'"uid"') != SECRETS:
                raise RuntimeError(f"the list was answered with {status}: {body[:200]!r}")
            seconds.append(took)
            size = len(body)
    cpu = (cpu_seconds(cluster.pid) - before) / LISTS
    took = median(seconds)
    return Row(
        f"list of {SECRETS:,} Secrets, TLS, {size / 1e6:.0f} MB",
        f"{took:.2f} s ({min(seconds):.2f} to {max(seconds):.2f})", f"CPU {cpu:.2f} s", "<= 0.3 s", took <= 0.3,
    )  # fmt: skip
