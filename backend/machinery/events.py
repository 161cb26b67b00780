"""Events for people, recorded without making the recorder wait.

Source of the rules: k8s.io/client-go/tools/record (events_cache.go). A repeat raises the count of the first
one; more than 10 alike but for their message within 10 minutes are combined into one; an object gets 25 at
once and then one in 5 minutes, so that a crash loop does not fill the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from backend.machinery.client import EVENTS, Client
from backend.machinery.clock import Clock, RealClock
from backend.meta.errors import ApiError
from backend.meta.timefmt import format_time
from backend.meta.types import Obj

log = logging.getLogger(__name__)

AGGREGATE_AFTER = 10
AGGREGATE_WINDOW = 600.0
BURST = 25
REFILL_SECONDS = 300.0
QUEUE_SIZE = 4096
"""Events that may wait: a thousand pods that start at once tell three things each."""
AT_ONCE = 16
"""Events of different objects that are written together, as the store commits together what waits."""
CACHE_SIZE = 4096


@dataclass(slots=True)
class _Similar:
    """Events of one object that differ only in their message."""

    messages: set[str] = field(default_factory=set)
    last: float = 0.0


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True)
class _Recorded:
    """An event that is in the store, and how often it happened."""

    name: str
    count: int


class _Cache(OrderedDict):  # type: ignore[type-arg]
    """The newest CACHE_SIZE entries; what is older is forgotten, so that a long life does not grow."""

    def __setitem__(self, key: object, value: object) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > CACHE_SIZE:
            self.popitem(last=False)


class EventRecorder:
    """Records what `component` on `host` says of objects. `run` must be running for anything to be written."""

    def __init__(self, client: Client, component: str, host: str = "", clock: Clock | None = None) -> None:
        self._client = client
        self._component = component
        self._host = host
        self._clock = clock or RealClock()
        self._queue: asyncio.Queue[Obj] = asyncio.Queue(QUEUE_SIZE)
        self._stamp = 0
        self._similar: dict[tuple[str, ...], _Similar] = _Cache()
        self._buckets: dict[tuple[str, ...], _Bucket] = _Cache()
        self._recorded: dict[tuple[str, ...], _Recorded] = _Cache()

    def event(
        self, obj: Obj, type_: Literal["Normal", "Warning"], reason: str, message: str, field_path: str = ""
    ) -> None:
        """Record, or drop what the object says too often, or anything when too much waits. `field_path` is such as
        spec.containers{name}."""
        event = self._build(obj, type_, reason, message, field_path)
        if not self._has_token(_about(event)):
            return
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            log.warning("dropped an event: %s %s: %s", event["involvedObject"].get("name"), reason, message)

    async def run(self) -> None:
        while True:
            events = [await self._queue.get()]
            while len(events) < AT_ONCE and not self._queue.empty():
                events.append(self._queue.get_nowait())
            by_object: dict[tuple[str, ...], list[Obj]] = {}
            for event in events:
                by_object.setdefault(_about(event), []).append(event)
            await asyncio.gather(*map(self._record_all, by_object.values()))

    async def _record_all(self, events: Iterable[Obj]) -> None:
        """In their order: a later one may be a repeat."""
        for event in events:
            try:
                await self._record(event)
            except ApiError as error:
                # A namespace that is going away takes no new events: not worth a line.
                log.debug("event %s not recorded: %s", event["reason"], error)
            except Exception:
                log.exception("event %s not recorded", event["reason"])

    def _build(self, obj: Obj, type_: str, reason: str, message: str, field_path: str) -> Obj:
        meta = obj["metadata"]
        now = self._clock.now()
        self._stamp = max(self._stamp + 1, int(now * 1e9))  # Two at one moment still need two names.
        involved = {
            "kind": obj["kind"],
            "namespace": meta.get("namespace", ""),
            "name": meta["name"],
            "uid": meta.get("uid", ""),
            "apiVersion": obj["apiVersion"],
            "resourceVersion": meta.get("resourceVersion", ""),
            "fieldPath": field_path,
        }
        source = {"component": self._component, "host": self._host}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{meta['name']}.{self._stamp:x}",
                "namespace": meta.get("namespace") or "default",
            },
            "involvedObject": {name: value for name, value in involved.items() if value},
            "reason": reason,
            "message": message[:1024],
            "source": {name: value for name, value in source.items() if value},
            "firstTimestamp": format_time(now),
            "lastTimestamp": format_time(now),
            "count": 1,
            "type": type_,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }

    async def _record(self, event: Obj) -> None:
        group = (*_about(event), event["type"], event["reason"])
        combined = self._combine(group, event)
        key = group if combined else (*group, event["message"])
        known = self._recorded.get(key)
        if known is not None and await self._raise_count(event, known):
            return
        created = await self._client.create(EVENTS, event, event["metadata"]["namespace"])
        self._recorded[key] = _Recorded(created["metadata"]["name"], 1)

    async def _raise_count(self, event: Obj, known: _Recorded) -> bool:
        patch = {
            "count": known.count + 1,
            "lastTimestamp": event["lastTimestamp"],
            "message": event["message"],
        }
        try:
            await self._client.patch(EVENTS, known.name, patch, event["metadata"]["namespace"])
        except ApiError as error:
            if error.code == 404:  # It was deleted, or expired: start anew.
                return False
            raise
        known.count += 1
        return True

    def _has_token(self, about: tuple[str, ...]) -> bool:
        now = self._clock.monotonic()
        bucket = self._buckets.get(about)
        if bucket is None:
            bucket = self._buckets[about] = _Bucket(BURST, now)
        bucket.tokens = min(BURST, bucket.tokens + (now - bucket.at) / REFILL_SECONDS)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _combine(self, group: tuple[str, ...], event: Obj) -> bool:
        now = self._clock.monotonic()
        similar = self._similar.get(group)
        if similar is None or now - similar.last > AGGREGATE_WINDOW:
            similar = self._similar[group] = _Similar()
        similar.last = now
        similar.messages.add(event["message"])
        if len(similar.messages) < AGGREGATE_AFTER:
            return False
        if len(similar.messages) > AGGREGATE_AFTER:
            similar.messages.pop()
        event["message"] = f"(combined from similar events): {event['message']}"[:1024]
        return True


def _about(event: Obj) -> tuple[str, ...]:
    """What an event tells of, as a key."""
    involved = event["involvedObject"]
    return tuple(involved.get(name, "") for name in ("kind", "namespace", "name", "uid", "fieldPath"))
