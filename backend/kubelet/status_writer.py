"""Writes pod statuses: the newest of each pod, one request at a time, as often as it takes.

Pods do not wait for each other, nor a pod's worker for its writes; states in between may be skipped. The patch
carries the pod's uid, so that a pod made again under the same name never gets its predecessor's status.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from backend.kubelet.podspec import OWNED_CONDITIONS, RESIZE_CONDITIONS
from backend.machinery.client import PODS, STRATEGIC_MERGE_PATCH, Client
from backend.machinery.clock import Clock
from backend.meta.errors import ApiError
from backend.meta.types import Obj

log = logging.getLogger(__name__)

RETRY_SECONDS = (0.1, 0.5, 1.0, 5.0)

_ATOMIC = ("podIPs", "hostIPs")
"""Lists that a strategic patch would merge, and that must become what the kubelet says."""


class StatusWriter:
    """One pod's writer. `write` never waits; `flush` waits until what was given is in the store, or futile."""

    def __init__(self, client: Client, clock: Clock, namespace: str, name: str, uid: str) -> None:
        self._client = client
        self._clock = clock
        self._address = (namespace, name, uid)
        self._written: Obj | None = None
        self._sent: Obj | None = None
        """On its way."""
        self._next: Obj | None = None
        self._task: asyncio.Task[None] | None = None
        self._shown: set[str] = set()

    def write(self, status: Obj, stored: Obj) -> None:
        """`stored` is the status as the informer last saw it."""
        known = self.newest or stored
        if _same(status, known):
            return
        self._next = status
        self._shown |= {c["type"] for c in known.get("conditions") or ()}
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"status {self._address[1]}")

    @property
    def newest(self) -> Obj | None:
        """What was last given to `write`; None before the first."""
        return self._next or self._sent or self._written

    async def flush(self) -> None:
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        failures = 0
        while self._next is not None:
            status = self._sent = self._next
            self._next = None
            try:
                await self._patch(status)
                self._written = status
                failures = 0
            except ApiError as error:
                if error.code in (404, 409):  # Gone, or another pod of that name.
                    self._written = status
                    continue
                self._next = self._next or status
                delay = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                failures += 1
                log.warning("status of pod %s/%s not written: %s", *self._address[:2], error)
                await self._clock.sleep(delay)
            finally:
                self._sent = None

    async def _patch(self, status: Obj) -> None:
        namespace, name, uid = self._address
        patch: dict[str, Any] = _changes(status, self._written or {})
        held = {c["type"] for c in status["conditions"]}
        over = [type_ for type_ in RESIZE_CONDITIONS if type_ in self._shown and type_ not in held]
        patch["conditions"] += [{"type": type_, "$patch": "delete"} for type_ in over]
        for field in _ATOMIC:
            if field in patch:
                patch[field] = [{"$patch": "replace"}, *patch[field]]
        body = {"metadata": {"uid": uid}, "status": patch}
        await self._client.patch(PODS, name, body, namespace, "status", STRATEGIC_MERGE_PATCH)


def _changes(status: Obj, written: Obj) -> Obj:
    """What differs from the status that was written last, which nobody else changes."""
    before = {c["type"]: c for c in written.get("conditions") or ()}
    patch = {key: value for key, value in status.items() if key == "conditions" or written.get(key) != value}
    patch["conditions"] = [
        c for c in status["conditions"] if c["type"] in OWNED_CONDITIONS and before.get(c["type"]) != c
    ]
    return patch


def _same(new: Obj, known: Obj) -> bool:
    """Whether writing `new` over `known` would change nothing that the kubelet owns."""
    return all(known.get(key) == value for key, value in new.items() if key != "conditions") and (
        _owned(new) == _owned(known)
    )


def _owned(status: Obj) -> dict[str, Obj]:
    return {c["type"]: c for c in status.get("conditions") or () if c["type"] in OWNED_CONDITIONS}
