"""The store as one kind sees it whose objects are stored as those of another kind: another version, or another group.

Everything above the store works on a view of it as on the store itself. What is read is converted when somebody
looks at it; what is written is converted first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from weakref import WeakSet

import orjson

from backend.meta.types import Obj
from backend.resources.resource import Resource
from backend.store.api import Deliver, Entry, Event, RevisionMismatch, Snapshot, Store, Watch


def from_stored(resource: Resource, obj: Obj) -> Obj:
    """A stored object in the form of `resource`; shares its parts, so nobody may change it."""
    return {
        **resource.from_stored(obj),
        "apiVersion": resource.api_version,
        "kind": resource.kind,
    }


def to_stored(resource: Resource, obj: Obj) -> Obj:
    """An object of `resource` in the form that is stored."""
    stored = resource.stored_as
    assert stored is not None
    return {**resource.to_stored(obj), "apiVersion": stored.api_version, "kind": stored.kind}


class ViewedEntry(Entry):
    """A stored entry in another form, converted when it is first looked at."""

    __slots__ = ("_resource", "_stored")

    def __init__(self, resource: Resource, stored: Entry) -> None:
        self._resource = resource
        self._stored = stored
        self._obj = None
        self.key = stored.key
        self.revision = stored.revision

    @property
    def obj(self) -> Obj:
        if self._obj is None:
            self._obj = from_stored(self._resource, self._stored.obj)
        return self._obj

    @property
    def raw(self) -> bytes:  # type: ignore[override]  # computed here, kept there
        return orjson.dumps(self.obj)


class VersionedStore:
    """See backend.store.api.Store, which this is. Keys of other collections are passed through."""

    def __init__(self, store: Store, resource: Resource) -> None:
        self._store = store
        self._resource = resource
        self._view = partial(ViewedEntry, resource)
        self._watches: WeakSet[Watch] = WeakSet()
        self._newest: tuple[Event, Event] | None = None
        """An event, and its view."""

    @property
    def revision(self) -> int:
        return self._store.revision

    def _own(self, key: str) -> bool:
        return key.startswith(self._resource.prefix)

    def get(self, key: str) -> Entry | None:
        entry = self._store.get(key)
        return self._view(entry) if entry is not None and self._own(key) else entry

    def list(self, prefix: str) -> Snapshot:
        snapshot = self._store.list(prefix)
        if not self._own(prefix):
            return snapshot
        return Snapshot([self._view(entry) for entry in snapshot.entries], snapshot.revision)

    async def create(self, key: str, obj: Obj) -> Entry:
        if not self._own(key):
            return await self._store.create(key, obj)
        return self._view(await self._store.create(key, self._converted(obj)))

    async def update(self, key: str, obj: Obj, *, revision: int) -> Entry:
        if not self._own(key):
            return await self._store.update(key, obj, revision=revision)
        try:
            return self._view(await self._store.update(key, self._converted(obj), revision=revision))
        except RevisionMismatch as error:
            raise RevisionMismatch(self._view(error.current) if error.current is not None else None) from None

    async def delete(self, key: str, *, revision: int) -> Entry:
        entry = await self._store.delete(key, revision=revision)
        return self._view(entry) if self._own(key) else entry

    def watch(self, prefix: str, revision: int | None = None) -> Watch:
        watch = _VersionedWatch(self._store.watch(prefix, revision), self)
        self._watches.add(watch)
        return watch

    def event(self, event: Event) -> Event:
        """An event of the store, viewed; the newest is the same for all who watch it."""
        if not self._own(event.entry.key):
            return event
        if self._newest is None or self._newest[0] is not event:
            previous = self._view(event.previous) if event.previous is not None else None
            self._newest = event, Event(event.type, self._view(event.entry), previous)
        return self._newest[1]

    def end_watches(self) -> None:
        """The kind is no longer served."""
        for watch in tuple(self._watches):
            watch.close()

    async def close(self) -> None:
        await self._store.close()

    def _converted(self, obj: Obj) -> Obj:
        """For the store, which takes it over and writes into its metadata."""
        stored = to_stored(self._resource, obj)
        return {**stored, "metadata": dict(stored["metadata"])}


class _VersionedWatch:
    """See backend.store.api.Watch."""

    def __init__(self, watch: Watch, store: VersionedStore) -> None:
        self._watch = watch
        self._viewed = store.event

    @property
    def progress(self) -> int:
        return self._watch.progress

    @property
    def idle(self) -> bool:
        return self._watch.idle

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        return self._viewed(await self._watch.__anext__())

    def ready(self) -> Event | None:
        event = self._watch.ready()
        return self._viewed(event) if event is not None else None

    async def before(self, when: float, deliver: Deliver | None = None) -> Event | None:
        viewed = None if deliver is None else lambda event: deliver(self._viewed(event))
        event = await self._watch.before(when, viewed)
        return self._viewed(event) if event is not None else None

    def close(self) -> None:
        self._watch.close()
