"""Versions between which only a webhook can convert.

A view's reads are answered at once, so what was not converted yet is named by an exception: whoever serves the request
has it converted, all at once, and serves the request again. Source: webhook_converter.go of
k8s.io/apiextensions-apiserver/pkg/apiserver/conversion.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from backend.apiserver.versions import VersionedStore, ViewedEntry
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.meta.uids import new_uid
from backend.resources.resource import Resource
from backend.store.api import Deliver, Entry, Event, RevisionMismatch, Snapshot, Store, Watch

_SECONDS = 30
Entries = list[Entry]
_KEPT = 4096
"""Conversions that are kept at least, each of one revision of one object."""


class NeedsConversion(Exception):
    """What was asked for is stored in another version."""

    def __init__(self, store: ConvertedStore, entries: Sequence[Entry]) -> None:
        super().__init__("needs conversion")
        self._store = store
        self._entries = entries

    async def convert(self) -> None:
        """To be awaited before the same is asked for again. Raises ApiError for what the webhook cannot convert."""
        await self._store.convert(self._entries)


@dataclass(frozen=True, slots=True)
class WebhookConverter:
    """Asks the webhook of a CustomResourceDefinition. `store` is where services are looked up."""

    store: Store
    webhook: Obj
    kind: str

    async def convert(self, objects: list[Obj], version: str) -> list[Obj]:
        """The objects in `version` ("example.com/v1"), in their order. Raises ApiError."""
        from backend.apiserver.admission.webhook.client import CallFailed, post
        from backend.apiserver.admission.webhook.endpoints import find_endpoint

        review_version = next(v for v in self.webhook["conversionReviewVersions"] if v in ("v1", "v1beta1"))
        uid = new_uid()
        review = {
            "kind": "ConversionReview",
            "apiVersion": f"apiextensions.k8s.io/{review_version}",
            "request": {"uid": uid, "desiredAPIVersion": version, "objects": objects},
        }
        try:
            endpoint = find_endpoint(self.store, self.webhook["clientConfig"], _SECONDS)
            answer = await post(endpoint, orjson.dumps(review), _SECONDS)
        except CallFailed as error:
            raise self._failed(version, str(error)) from None
        return self._checked(answer, uid, objects, version)

    def _failed(self, version: str, why: str) -> ApiError:
        return ApiError(500, "", f"conversion webhook for {version}, Kind={self.kind} failed: {why}")

    def _checked(self, answer: Any, uid: str, objects: list[Obj], version: str) -> list[Obj]:
        response = answer.get("response") if isinstance(answer, dict) else None
        if not isinstance(response, dict) or response.get("uid") != uid:
            raise self._failed(version, "invalid response: no response, or one to another request")
        result = response.get("result") or {}
        if result.get("status") != "Success":
            raise self._failed(version, result.get("message") or "response.result.status was not Success")
        converted = response.get("convertedObjects") or []
        if len(converted) != len(objects):
            text = f"webhook returned {len(converted)} objects, expected {len(objects)}"
            raise self._failed(version, text)
        return [
            self._restored(new, old, version, index)
            for index, (new, old) in enumerate(zip(converted, objects, strict=True))
        ]

    def _restored(self, new: Any, old: Obj, version: str, index: int) -> Obj:
        """Of its metadata, a webhook changes labels and annotations only."""
        if not isinstance(new, dict) or new.get("apiVersion") != version or new.get("kind") != old["kind"]:
            text = f"invalid converted object at index {index}: it is no {old['kind']} in {version}"
            raise self._failed(version, text)
        meta = {key: value for key, value in old["metadata"].items() if key not in ("labels", "annotations")}
        sent = new.get("metadata") or {}
        meta.update((key, sent[key]) for key in ("labels", "annotations") if sent.get(key))
        return {**new, "metadata": meta}


class ConvertedStore(VersionedStore):
    """Reads raise NeedsConversion; writes are converted on the way."""

    def __init__(self, store: Store, resource: Resource) -> None:
        super().__init__(store, resource)
        assert resource.conversion is not None
        self._converter = WebhookConverter(store, resource.conversion["webhook"], resource.kind)
        self._known: OrderedDict[tuple[str, int], Entry] = OrderedDict()

    def get(self, key: str) -> Entry | None:
        entry = self._store.get(key)
        return self.views([entry])[0] if entry is not None and self._own(key) else entry

    def list(self, prefix: str) -> Snapshot:
        snapshot = self._store.list(prefix)
        if not self._own(prefix):
            return snapshot
        return Snapshot(self.views(snapshot.entries), snapshot.revision)

    def views(self, entries: Sequence[Entry]) -> Entries:
        """Raises NeedsConversion for all that are not at hand."""
        found = [self._view_of(entry) for entry in entries]
        missing = [entry for entry, view in zip(entries, found, strict=True) if view is None]
        if missing:
            raise NeedsConversion(self, missing)
        return [view for view in found if view is not None]

    def _view_of(self, entry: Entry) -> Entry | None:
        if entry.obj["apiVersion"] == self._resource.api_version:
            return ViewedEntry(self._resource, entry)
        return self._known.get((entry.key, entry.revision))

    async def convert(self, entries: Sequence[Entry]) -> None:
        converted = await self._converter.convert([entry.obj for entry in entries], self._resource.api_version)
        for entry, obj in zip(entries, converted, strict=True):
            self._keep(entry, obj)
        while len(self._known) > max(_KEPT, 2 * len(entries)):
            self._known.popitem(last=False)

    def _keep(self, entry: Entry, obj: Obj) -> Entry:
        """`obj` is what `entry` is in this version."""
        view = ViewedEntry(self._resource, Entry(entry.key, entry.revision, orjson.dumps(obj), obj))
        self._known[entry.key, entry.revision] = view
        return view

    async def create(self, key: str, obj: Obj) -> Entry:
        if not self._own(key):
            return await self._store.create(key, obj)
        return self._written(await self._store.create(key, await self._to_stored(obj)), obj)

    async def update(self, key: str, obj: Obj, *, revision: int) -> Entry:
        if not self._own(key):
            return await self._store.update(key, obj, revision=revision)
        try:
            entry = await self._store.update(key, await self._to_stored(obj), revision=revision)
        except RevisionMismatch:
            raise RevisionMismatch(None) from None
        return self._written(entry, obj)

    async def delete(self, key: str, *, revision: int) -> Entry:
        before = self._store.get(key)
        entry = await self._store.delete(key, revision=revision)
        if not self._own(key):
            return entry
        view = self._view_of(before) if before is not None else None
        if view is None:
            await self.convert([entry])
            return self._known[entry.key, entry.revision]
        return self._written(entry, view.obj)

    async def _to_stored(self, obj: Obj) -> Obj:
        stored = self._resource.stored_as
        assert stored is not None
        if stored.api_version == self._resource.api_version:
            return {**obj, "metadata": dict(obj["metadata"])}
        return (await self._converter.convert([obj], stored.api_version))[0]

    def _written(self, entry: Entry, obj: Obj) -> Entry:
        """The answer to a write is what was written: nobody has to convert it back."""
        meta = {**obj["metadata"], "resourceVersion": str(entry.revision)}
        return self._keep(entry, {**obj, "metadata": meta})

    def watch(self, prefix: str, revision: int | None = None) -> Watch:
        watch = _ConvertedWatch(self._store.watch(prefix, revision), self)
        self._watches.add(watch)
        return watch

    def event(self, event: Event) -> Event:
        """Raises NeedsConversion."""
        if not self._own(event.entry.key):
            return event
        entries = [event.entry, *([event.previous] if event.previous is not None else [])]
        views = self.views(entries)
        return Event(event.type, views[0], views[1] if len(views) > 1 else None)


class _ConvertedWatch:
    """See backend.store.api.Watch. An event that waits for its conversion holds up those after it."""

    def __init__(self, watch: Watch, store: ConvertedStore) -> None:
        self._watch = watch
        self._store = store
        self._waiting: Event | None = None

    @property
    def progress(self) -> int:
        return self._waiting.entry.revision - 1 if self._waiting is not None else self._watch.progress

    @property
    def idle(self) -> bool:
        return self._waiting is None and self._watch.idle

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        event = self._waiting or await self._watch.__anext__()
        return await self._converted(event)

    def ready(self) -> Event | None:
        event = self._waiting or self._watch.ready()
        if event is None:
            return None
        try:
            found = self._store.event(event)
        except NeedsConversion:
            self._waiting = event
            return None
        self._waiting = None
        return found

    async def before(self, when: float, _deliver: Deliver | None = None) -> Event | None:
        """Delivers nothing: what has to be converted first waits for it here."""
        event = self._waiting or await self._watch.before(when)
        return await self._converted(event) if event is not None else None

    async def _converted(self, event: Event) -> Event:
        self._waiting = event
        while True:
            try:
                found = self._store.event(event)
            except NeedsConversion as needed:
                await needed.convert()
            else:
                self._waiting = None
                return found

    def close(self) -> None:
        self._watch.close()
