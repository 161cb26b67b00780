"""watch: the changes of what a selection holds, bookmarks, and the ways in which a watch ends.

Sources: k8s.io/apiserver/pkg/storage/cacher (initial events, selector transitions, bookmarks), and
validateWatchOptions of k8s.io/apimachinery/pkg/apis/meta/internalversion/validation.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from backend.apiserver import options
from backend.apiserver.call import Call, unstored
from backend.apiserver.reading import PACE, collection_prefix
from backend.apiserver.selection import select
from backend.meta import causes, errors
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.store.api import Compacted, Deliver, Entry, Event, SlowWatcher, Watch

INITIAL_EVENTS_END = "k8s.io/initial-events-end"
BOOKMARK_SECONDS = 60.0
_FAREWELL_SECONDS = 2.0
"""How long before its timeout a watch gets its last bookmark."""


@dataclass(slots=True)
class Shown:
    """What a watch gets where that is not an event of the store; nobody changes it."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    entry: Entry


Change = Event | Shown
Push = Callable[[Change], bool]
"""Takes a change, or answers False to one that it cannot take now."""


@dataclass(slots=True)
class Plan:
    """How a watch starts, from its query."""

    revision: int
    initial: bool
    """Whether the present state comes first, as ADDED events."""
    announce: bool
    """Whether a bookmark says where the present state ends."""
    bookmarks: bool
    timeout: float | None


class Watching:
    """One watch: iterate `changes`, then `close`. Opening it raises ApiError for what is refused at once."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._selection = select(call)
        self._plan = _plan(call)
        self._prefix = self._store_prefix()
        store = call.server.store
        if self._plan.revision > store.revision:
            raise options.too_large(self._plan.revision, store.revision)
        self._initial = store.list(self._prefix) if self._plan.initial else None
        start = self._plan.revision if self._initial is None else self._initial.revision
        try:
            self._watch: Watch = store.watch(self._prefix, start or None)
        except Compacted as error:
            raise errors.expired(f"too old resource version: {start} ({error.oldest})") from None
        self._sent = start

    def close(self) -> None:
        self._watch.close()

    def _store_prefix(self) -> str:
        resource, namespace = self._call.resource, self._call.request.namespace
        if self._selection.name and (namespace or not resource.namespaced):
            return resource.key(namespace, self._selection.name)
        return collection_prefix(self._call)

    async def changes(self, push: Push | None = None) -> AsyncGenerator[Change, None]:
        """Ends at the timeout or when the store closes. Raises 410 for a reader that lagged too far.

        While the next change is awaited, those that `push` takes go there.
        """
        deliver = self._delivery(push) if push is not None else None
        clock = asyncio.get_running_loop().time
        started = clock()
        async for change in self._present():
            yield change
        timeout = self._plan.timeout
        end = started + timeout if timeout is not None else None
        farewell = end - min(_FAREWELL_SECONDS, (timeout or 0) / 2) if end is not None else None
        bookmark = started + BOOKMARK_SECONDS
        wake = min(when for when in (end, farewell, bookmark) if when is not None)
        while True:
            event: Event | object | None = self._watch.ready()
            if event is None:
                event = await self._next(wake, deliver)
            if event is _CLOSED:
                return
            if isinstance(event, Event):
                change_or_none = self._transition(event)
                if change_or_none is not None:
                    yield change_or_none
                continue
            now = clock()
            if end is not None and now >= end:
                return
            if farewell is not None and now >= farewell:
                farewell = None
            bookmark = now + BOOKMARK_SECONDS
            wake = min(when for when in (end, farewell, bookmark) if when is not None)
            if self._plan.bookmarks:
                yield self._bookmark()

    async def _present(self) -> AsyncGenerator[Change, None]:
        if self._initial is not None:
            entries, self._initial = self._initial.entries, None
            for index, entry in enumerate(entries):
                if self._selection.everything or self._selection.matches(entry.obj):
                    yield Shown("ADDED", entry)
                if index % PACE == PACE - 1:
                    await asyncio.sleep(0)
        if self._plan.announce:
            yield self._bookmark({INITIAL_EVENTS_END: "true"})

    async def _next(self, wake: float, deliver: Deliver | None) -> Event | object | None:
        """The next event, None when it is `wake` by the event loop's clock, or _CLOSED."""
        try:
            return await self._watch.before(wake, deliver)
        except StopAsyncIteration:
            return _CLOSED
        except SlowWatcher:
            current, sent = self._call.server.store.revision, max(self._sent, self._watch.progress)
            raise errors.expired(f"too old resource version: {sent} ({current})") from None

    def _delivery(self, push: Push) -> Deliver:
        if self._selection.everything:
            return push

        def deliver(event: Event) -> bool:
            change = self._transition(event)
            return change is None or push(change)

        return deliver

    def _transition(self, event: Event) -> Change | None:
        """What an event is to this watch: an object may start or stop to match the selection."""
        self._sent = event.entry.revision
        selection = self._selection
        if selection.everything:
            return event
        before = event.previous is not None and selection.matches(event.previous.obj)
        if event.type == "DELETED":
            return event if before else None
        if selection.matches(event.entry.obj):
            return Shown("MODIFIED" if before else "ADDED", event.entry)
        if before and event.previous is not None:
            return Shown("DELETED", _at_revision(event.previous, event.entry.revision))
        return None

    def _bookmark(self, annotations: Obj | None = None) -> Change:
        """The revision up to which this watch has had everything."""
        self._sent = max(self._sent, self._watch.progress)
        resource = self._call.resource
        meta: Obj = {"resourceVersion": str(self._sent), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = annotations
        obj = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta}
        return Shown("BOOKMARK", Entry("", self._sent, orjson.dumps(obj), obj))


_CLOSED = object()


def _at_revision(entry: Entry, revision: int) -> Entry:
    meta = {**entry.obj["metadata"], "resourceVersion": str(revision)}
    return unstored(entry.key, {**entry.obj, "metadata": meta})


def _plan(call: Call) -> Plan:
    query = call.request.query
    options.check("ListOptions", _causes(query))
    asked = query.get("resourceVersion", "")
    revision = options.revision(asked)
    initial_events = options.boolean(query, "sendInitialEvents")
    bookmarks = bool(options.boolean(query, "allowWatchBookmarks"))
    timeout = options.integer(query, "timeoutSeconds")
    if initial_events is None:
        initial = revision == 0
    else:
        initial = initial_events
        if initial:
            options.revision(asked)
    return Plan(
        revision, initial, bool(initial_events) and bookmarks, bookmarks, float(timeout) if timeout else None
    )


def _causes(query: Any) -> list[Cause]:
    found: list[Cause] = []
    match, path = query.get("resourceVersionMatch", ""), "resourceVersionMatch"
    wants_initial = "sendInitialEvents" in query
    if wants_initial and match != "NotOlderThan":
        found.append(causes.forbidden(path, f"sendInitialEvents requires setting {path} to NotOlderThan"))
    if match:
        if not wants_initial:
            text = f"{path} is forbidden for watch unless sendInitialEvents is provided"
            found.append(causes.forbidden(path, text))
        if match != "NotOlderThan":
            found.append(causes.not_supported(path, match, ("NotOlderThan",)))
        if query.get("continue"):
            found.append(causes.forbidden(path, f"{path} is forbidden when continue is provided"))
    return found
