"""What the store promises, whatever SQL dialect is below it.

An append-only log of revisions: a row is one revision of one key, and its id is the resourceVersion of the
whole store. Keys are `GROUP/RESOURCE/NAMESPACE/NAME` (`core` for the empty group) or `GROUP/RESOURCE/NAME` for
what has no namespace, so that a prefix that ends in `/` names a collection or a namespace of it. The empty prefix
names everything, and one that does not end in `/` names a single key.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import orjson

from backend.meta.types import Obj

_KEPT_DECODED = 8 << 20
"""Bytes of JSON whose decoded objects are kept, which take about five times as much. With 2 MiB, 1,000 pods that start
at once pushed each other out before they were looked at next, and were decoded 38 times each; the parts' caches have
them anyway."""


class Entry:
    """One revision of one object. Immutable: nobody may change `obj`, and `raw` are its JSON bytes.

    The newest decoded objects are kept, so that all who watch a change share one, and the rest is decoded when it
    is asked for: decoded, everything that nobody looks at would take five times the memory. For the event loop's
    thread only, but for `key`, `raw` and `revision`.
    """

    __slots__ = ("_obj", "key", "raw", "revision")

    _decoded: ClassVar[deque[Entry]] = deque()
    _decoded_bytes: ClassVar[int] = 0

    def __init__(self, key: str, revision: int, raw: bytes, obj: Obj | None = None) -> None:
        """`obj`: what `raw` was encoded from, for whoever asks for it soon."""
        self.key = key
        self.revision = revision
        self.raw = raw
        self._obj = obj
        if obj is not None:
            self._keep()

    @property
    def obj(self) -> Obj:
        """The decoded object, with metadata.resourceVersion."""
        obj = self._obj
        if obj is None:
            obj = self._obj = orjson.loads(self.raw)
            self._keep()
        return obj

    def _keep(self) -> None:
        Entry._decoded.append(self)
        Entry._decoded_bytes += len(self.raw)
        while Entry._decoded_bytes > _KEPT_DECODED:
            oldest = Entry._decoded.popleft()
            oldest._obj = None
            Entry._decoded_bytes -= len(oldest.raw)


@dataclass(slots=True)
class Event:
    """One change; nobody changes it. For DELETED, `entry` is the last state, at the revision of the deletion.

    `previous` is the state before (None for ADDED): a watch with a selector needs it to tell when an object
    starts or stops to match.
    """

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    entry: Entry
    previous: Entry | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The entries of a prefix, sorted by key, as they were at `revision`."""

    entries: list[Entry]
    revision: int


MAX_OBJECT_BYTES = 1536 * 1024
"""Of JSON, not counting the backslashes of what is escaped in it. Source: --max-request-bytes of etcd, where objects
are in protobuf."""


class StoreError(Exception):
    """Base of what the store raises on purpose."""


class KeyExists(StoreError):
    """A create found the key taken."""


class RevisionMismatch(StoreError):
    """An update or a delete found another revision (`current`), or nothing (None)."""

    def __init__(self, current: Entry | None) -> None:
        super().__init__("revision mismatch")
        self.current = current


class Compacted(StoreError):
    """The revision asked for is no longer kept; `oldest` is the oldest that a watch can start from."""

    def __init__(self, oldest: int) -> None:
        super().__init__(f"revision compacted, oldest is {oldest}")
        self.oldest = oldest


class StoreUnavailable(StoreError):
    """A write was not made durable (the disk is full, the database is gone). Nothing of it is visible."""


class TooLarge(StoreError):
    """An object of more than MAX_OBJECT_BYTES was not written."""


class SlowWatcher(StoreError):
    """The watcher fell too far behind and was dropped: list again and watch from there."""


Deliver = Callable[[Event], bool]
"""Takes an event, or answers False to one that it cannot take now. It neither waits nor calls the store."""


class Watch(Protocol):
    """A stream of events, in order, none missed, none repeated.

    Iteration ends by SlowWatcher when the reader lags, and by StopAsyncIteration once the store or the watch is
    closed. `progress` is a revision up to which everything has been delivered (for bookmarks).
    """

    @property
    def progress(self) -> int: ...

    @property
    def idle(self) -> bool:
        """Whether nothing has come since `ready` said that there is nothing, and the watch goes on."""

    def __aiter__(self) -> AsyncIterator[Event]: ...

    async def __anext__(self) -> Event: ...

    def ready(self) -> Event | None:
        """The next event if it is there already. None: `anext` waits for it, or tells why there is none."""

    async def before(self, when: float, deliver: Deliver | None = None) -> Event | None:
        """As `anext`, but None once it is `when` by the event loop's clock.

        What comes while it waits goes to `deliver`, if there is one, and nobody is woken up for it. An event that this
        does not take, or raises for, is the answer.
        """

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """Of a store since its start: writes that failed, how often so many were committed at once, bytes of its files."""

    failures: int
    batches: Mapping[int, int]
    size: int


class Store(Protocol):
    """All methods are called on one event loop. Reads are from memory and never wait."""

    @property
    def revision(self) -> int:
        """The newest durable revision."""

    def get(self, key: str) -> Entry | None: ...

    def list(self, prefix: str) -> Snapshot: ...

    async def create(self, key: str, obj: Obj) -> Entry:
        """Durable when it returns. The store takes `obj` over and sets its metadata.resourceVersion.

        Raises KeyExists, StoreUnavailable.
        """

    async def update(self, key: str, obj: Obj, *, revision: int) -> Entry:
        """Replace the entry that has `revision`. Raises RevisionMismatch, StoreUnavailable."""

    async def delete(self, key: str, *, revision: int) -> Entry:
        """Remove the entry that has `revision`; the answer is its last state at the deletion's revision."""

    def watch(self, prefix: str, revision: int | None = None) -> Watch:
        """Events after `revision` (None: from now on). Raises Compacted."""

    async def close(self) -> None: ...
