"""The engine's event stream: what wakes the kubelet. An idle engine costs nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from backend.kubelet.runtime.api import RuntimeEvent, RuntimeUnavailable
from backend.kubelet.runtime.engine import EngineRefused
from backend.kubelet.runtime.engine_http import Endpoint, Exchange, request
from backend.kubelet.runtime.names import CLUSTER_LABEL, POD_UID_LABEL, TYPE_LABEL

_ACTIONS = ["start", "die", "oom", "destroy"]
_FIRST_DELAY_SECONDS = 0.2
_LONGEST_DELAY_SECONDS = 2.0


async def pod_events(
    endpoint: Endpoint, cluster_id: str, on_connect: Callable[[], None]
) -> AsyncIterator[RuntimeEvent]:
    """For ever. "reconnected" comes after each connection, the first included: whoever lists the pods then
    misses nothing. "disconnected" comes when one is lost. While no engine answers it tries again, after at most two
    seconds."""
    delay = _FIRST_DELAY_SECONDS
    while True:
        try:
            exchange = await _subscribe(endpoint, cluster_id)
        except (RuntimeUnavailable, EngineRefused):
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY_SECONDS)
            continue
        try:
            delay = _FIRST_DELAY_SECONDS
            on_connect()
            yield RuntimeEvent("", "", "reconnected")
            async for event in _events(exchange):
                yield event
        finally:
            exchange.close()
        yield RuntimeEvent("", "", "disconnected")


async def _subscribe(endpoint: Endpoint, cluster_id: str) -> Exchange:
    filters = {"type": ["container"], "label": [f"{CLUSTER_LABEL}={cluster_id}"], "event": _ACTIONS}
    return await request(endpoint, "GET", "/events", reason="Events", query={"filters": json.dumps(filters)})


async def _events(exchange: Exchange) -> AsyncIterator[RuntimeEvent]:
    rest = b""
    async for chunk in exchange.chunks():
        *lines, rest = (rest + chunk).split(b"\n")
        for document in map(json.loads, filter(None, map(bytes.strip, lines))):
            attributes = document["Actor"]["Attributes"]
            if TYPE_LABEL in attributes:
                yield RuntimeEvent(attributes.get(POD_UID_LABEL, ""), document["Actor"]["ID"], document["Action"])
