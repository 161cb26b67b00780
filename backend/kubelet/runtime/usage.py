"""What a container uses, as the engine reads it of its cgroup; read when asked, once.

An engine may take a second to answer, which is why this waits on a connection and not in a thread.
Source of the sums: cadvisor's container/libcontainer/handler.go.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from backend.kubelet.runtime.api import ContainerUsage, NetworkUsage
from backend.kubelet.runtime.engine import EngineRefused
from backend.kubelet.runtime.engine_http import Endpoint, request

_ASKED_AT_ONCE = 64
_QUERY = {"stream": "false", "one-shot": "true"}


async def read_usages(endpoint: Endpoint, ids: Sequence[str]) -> dict[str, ContainerUsage]:
    """Without those that do not run."""
    limit = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def read(id_: str) -> ContainerUsage | None:
        async with limit:
            return await _read_usage(endpoint, id_)

    found = await asyncio.gather(*map(read, ids))
    return {id_: usage for id_, usage in zip(ids, found, strict=True) if usage is not None}


async def _read_usage(endpoint: Endpoint, id_: str) -> ContainerUsage | None:
    try:
        exchange = await request(endpoint, "GET", f"/containers/{id_}/stats", reason="StatsError", query=_QUERY)
    except EngineRefused as error:
        if error.status in (404, 409):
            return None
        raise
    try:
        document = json.loads(await exchange.body() or b"{}")
    finally:
        exchange.close()
    if not (document.get("pids_stats") or {}).get("current"):
        return None
    memory = document.get("memory_stats") or {}
    details: Mapping[str, int] = memory.get("stats") or {}
    used = memory.get("usage", 0)
    return ContainerUsage(
        time=time.time(),
        cpu_nanoseconds=document["cpu_stats"]["cpu_usage"]["total_usage"],
        memory_bytes=used,
        working_set_bytes=max(0, used - _either(details, "total_inactive_file", "inactive_file")),
        rss_bytes=_either(details, "total_rss", "anon"),
        page_faults=_either(details, "total_pgfault", "pgfault"),
        major_page_faults=_either(details, "total_pgmajfault", "pgmajfault"),
        processes=document["pids_stats"]["current"],
        networks={name: _network(one) for name, one in (document.get("networks") or {}).items()},
    )


def _either(details: Mapping[str, int], first: str, second: str) -> int:
    """cgroup v1 has a total of a container and what is below it, v2 nothing else."""
    return details.get(first, details.get(second, 0))


def _network(document: Mapping[str, Any]) -> NetworkUsage:
    return NetworkUsage(document["rx_bytes"], document["rx_errors"], document["tx_bytes"], document["tx_errors"])
