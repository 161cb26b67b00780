"""What the store promises, whatever SQL dialect is below it.

An append-only log of revisions: a row is one revision of one key, and its id is the resourceVersion of the
whole store. Keys are `GROUP/RESOURCE/NAMESPACE/NAME` (`core` for the empty group) or `GROUP/RESOURCE/NAME` for
what has no namespace, so that a prefix that ends in `/` names a collection or a namespace of it. The empty prefix
names everything, and one that does not end in `/` names a single key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

import orjson

from backend.meta.types import Obj


class Entry:
    """One revision of one object. Immutable: nobody may change `obj`, and `raw` are its JSON bytes."""

    __slots__ = ("_obj", "key", "raw", "revision")

    def __init__(self, key: str, revision: int, raw: bytes, obj: Obj | None = None) -> None:
        self.key = key
        self.revision = revision
        self.raw = raw
        self._obj = obj

    @property
    def obj(self) -> Obj:
        """The decoded object, with metadata.resourceVersion; decoded once and kept."""
        if self._obj is None:
            self._obj = orjson.loads(self.raw)
        return self._obj


@dataclass(frozen=True, slots=True)
class Event:
    """One change. For DELETED, `entry` is the last state, at the revision of the deletion.

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


class SlowWatcher(StoreError):
    """The watcher fell too far behind and was dropped: list again and watch from there."""


class Watch(Protocol):
    """A stream of events, in order, none missed, none repeated.

    Iteration ends by SlowWatcher when the reader lags, and by StopAsyncIteration once the store or the watch is
    closed. `progress` is a revision up to which everything has been delivered (for bookmarks).
    """

    @property
    def progress(self) -> int: ...

    def __aiter__(self) -> AsyncIterator[Event]: ...

    async def __anext__(self) -> Event: ...

    def close(self) -> None: ...


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
