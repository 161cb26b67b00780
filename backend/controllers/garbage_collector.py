"""Deletes what belonged to something that is gone. Source: pkg/controller/garbagecollector.

Once all owners of an object are gone, it is deleted; while one is left, references to the others are taken out. An
owner that is deleted in the foreground stays until nothing is left that blocks it; one that is deleted as to orphan
stays until nothing refers to it. Caches only tell where to look. Whether an owner is gone, by its uid, is always read
live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.resources.catalog import Catalog
from backend.resources.resource import Resource

_BY_OWNER = "owner"
_BY_UID = "uid"
_KEPT = ("namespace", "name", "uid", "resourceVersion", "ownerReferences", "finalizers", "deletionTimestamp")
_ORPHAN, _FOREGROUND = "orphan", "foregroundDeletion"
_LOOK_AGAIN = 30.0
"""Seconds after which an owner that waits is looked at again: that a dependent was let go of is not told."""
_NEVER_OWNED = frozenset({"events"})
"""Too many and too short-lived to be looked at; they expire by themselves."""


def _essentials(obj: Obj) -> Obj | None:
    """What has no owner and waits for no dependents is not kept: that is nearly everything."""
    meta = obj["metadata"]
    if not meta.get("ownerReferences") and not _waiting(obj):
        return None
    return {"metadata": {name: meta[name] for name in _KEPT if name in meta}}


def _owner_uids(obj: Obj) -> list[str]:
    return [reference["uid"] for reference in obj["metadata"].get("ownerReferences") or ()]


def _waiting(obj: Obj) -> str:
    """The finalizer that an owner has while it is deleted and its dependents are to be dealt with; "" for none."""
    meta = obj["metadata"]
    finalizers = meta.get("finalizers") or ()
    if not meta.get("deletionTimestamp"):
        return ""
    return _ORPHAN if _ORPHAN in finalizers else _FOREGROUND if _FOREGROUND in finalizers else ""


def _waiting_uid(obj: Obj) -> list[str]:
    return [obj["metadata"]["uid"]] if _waiting(obj) else []


class GarbageCollector:
    """One informer and one controller for each collection of objects, as long as its kind is served."""

    def __init__(
        self,
        client: Client,
        *,
        catalog: Catalog,
        on_deleted: Callable[[Obj], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`on_deleted` is called with the metadata of everything that goes away."""
        self._client = client
        self._catalog = catalog
        self._on_deleted = on_deleted
        self._clock = clock
        self._recorder = EventRecorder(client, "garbage-collector-controller", clock=clock)
        self._watched: dict[Resource, tuple[Informer, Controller]] = {}
        self._changed = asyncio.Event()
        self._follow()

    @property
    def controllers(self) -> list[Controller]:
        return [controller for _, controller in self._watched.values()]

    @property
    def informers(self) -> list[Informer]:
        return [informer for informer, _ in self._watched.values()]

    async def run(self) -> None:
        """Work, and follow the catalog, until cancelled."""
        tasks: dict[Resource, asyncio.Task[None]] = {}
        stop = self._catalog.on_change(self._changed.set)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._recorder.run())
                while True:
                    self._changed.clear()
                    self._follow()
                    for kind in tasks.keys() - self._watched.keys():
                        tasks.pop(kind).cancel()
                    for kind in self._watched.keys() - tasks.keys():
                        tasks[kind] = group.create_task(self._collect(kind), name=f"collect {kind.qualified}")
                    await self._changed.wait()
        finally:
            stop()

    async def _collect(self, kind: Resource) -> None:
        informer, controller = self._watched[kind]
        async with asyncio.TaskGroup() as group:
            group.create_task(informer.run())
            group.create_task(controller.run(), name=controller.name)

    def _follow(self) -> None:
        kinds = [
            kind
            for kind in self._catalog.collections()
            if {"delete", "watch"} <= {*kind.verbs} and kind.plural not in _NEVER_OWNED
        ]
        self._watched = {kind: self._watched.get(kind) or self._watch(kind) for kind in kinds}

    def _watch(self, kind: Resource) -> tuple[Informer, Controller]:
        gvr = GVR(kind.group, kind.version, kind.plural)
        informer = Informer(
            self._client, gvr, indexers={_BY_OWNER: _owner_uids, _BY_UID: _waiting_uid}, clock=self._clock,
            transform=_essentials,
        )  # fmt: skip

        async def reconcile(key: Key) -> float | None:
            return await self.reconcile(gvr, key)

        controller = Controller(f"garbage-collector-{kind.qualified}", reconcile, clock=self._clock)

        def changed(new: Obj | None, old: Obj | None) -> None:
            if new is None and old is not None:
                self._gone(old)
            elif new is not None and _state(new) != (_state(old) if old else ("", [])):
                controller.enqueue_changed(new, old)
                self._look_at_owners(new, old)

        informer.on_change(changed)
        # An owner may have gone while nobody watched, and owners are not kept.
        informer.on_list(self._enqueue_all)
        return informer, controller

    def _enqueue_all(self) -> None:
        for informer, controller in self._watched.values():
            for dependent in informer.list():
                controller.enqueue_changed(dependent, None)

    def _gone(self, obj: Obj) -> None:
        self._enqueue_dependents(obj["metadata"].get("uid", ""))
        self._look_at_owners(None, obj)
        if self._on_deleted is not None:
            self._on_deleted(obj)

    def _enqueue_dependents(self, uid: str) -> None:
        for _, controller, dependent in self._dependents(uid):
            controller.enqueue_changed(dependent, None)

    def _dependents(self, uid: str) -> list[tuple[GVR, Controller, Obj]]:
        """What the caches know to refer to an owner."""
        return [
            (GVR(kind.group, kind.version, kind.plural), controller, dependent)
            for kind, (informer, controller) in self._watched.items()
            for dependent in informer.by_index(_BY_OWNER, uid)
        ]

    def _look_at_owners(self, new: Obj | None, old: Obj | None) -> None:
        """Enqueue the owners that wait for a dependent that changed."""
        uids = {uid for obj in (new, old) if obj is not None for uid in _owner_uids(obj)}
        for informer, controller in self._watched.values():
            for uid in uids:
                for owner in informer.by_index(_BY_UID, uid):
                    controller.enqueue_changed(owner, None)

    async def reconcile(self, gvr: GVR, key: Key) -> float | None:
        """Do what an owner's finalizer asks for; else delete the object, or take out references to owners that are
        gone or wait for it to go. Returns when to look again."""
        try:
            obj = await self._client.get(gvr, key.name, key.namespace)
            waiting = _waiting(obj)
            if waiting == _ORPHAN:
                await self._orphan(gvr, obj)
            elif waiting == _FOREGROUND:
                return await self._await_dependents(gvr, obj)
            elif not obj["metadata"].get("deletionTimestamp"):
                await self._collect_dependent(gvr, obj)
        except ApiError as error:
            if error.code != 404:
                raise
        return None

    async def _orphan(self, gvr: GVR, owner: Obj) -> None:
        """Take the owner out of its dependents, then let it go."""
        uid = owner["metadata"]["uid"]
        for where, _, known in self._dependents(uid):
            meta = known["metadata"]
            try:
                dependent = await self._client.get(where, meta["name"], meta.get("namespace", ""))
                kept = [ref for ref in dependent["metadata"].get("ownerReferences") or () if ref["uid"] != uid]
                await self._patch(where, dependent, ownerReferences=kept)
            except ApiError as error:
                if error.code != 404:
                    raise
        await self._unfinalize(gvr, owner, _ORPHAN)

    async def _await_dependents(self, gvr: GVR, owner: Obj) -> float | None:
        """Let the owner go once nothing blocks it; until then see to its dependents."""
        uid = owner["metadata"]["uid"]
        dependents = self._dependents(uid)
        if not any(_blocks(dependent, uid) for _, _, dependent in dependents):
            await self._unfinalize(gvr, owner, _FOREGROUND)
            return None
        self._enqueue_dependents(uid)
        return _LOOK_AGAIN

    async def _unfinalize(self, gvr: GVR, obj: Obj, finalizer: str) -> None:
        left = [name for name in obj["metadata"].get("finalizers") or () if name != finalizer]
        await self._patch(gvr, obj, finalizers=left)

    async def _patch(self, gvr: GVR, obj: Obj, **changed: Any) -> Obj:
        meta = obj["metadata"]
        patch = {"metadata": {"resourceVersion": meta["resourceVersion"], "uid": meta["uid"], **changed}}
        return await self._client.patch(gvr, meta["name"], patch, meta.get("namespace", ""))

    async def _collect_dependent(self, gvr: GVR, obj: Obj) -> None:
        meta = obj["metadata"]
        references = meta.get("ownerReferences") or []
        owners = [(ref, await self._owner(ref, obj)) for ref in references]
        solid = [ref for ref, owner in owners if owner is _ELSEWHERE or (owner and _waiting(owner) != _FOREGROUND)]
        waited_for = any(owner and _waiting(owner) == _FOREGROUND for _, owner in owners)
        if len(solid) == len(references):
            return
        if solid:
            await self._patch(gvr, obj, ownerReferences=solid)
            return
        dependents = self._dependents(meta["uid"])
        if waited_for and dependents:
            if any(_waiting(dependent) == _FOREGROUND for _, _, dependent in dependents):
                # A circle of owners that wait for each other would wait for ever.
                open_ = [{**reference, "blockOwnerDeletion": False} for reference in references]
                if open_ != references:
                    obj = await self._patch(gvr, obj, ownerReferences=open_)
            await self._delete(gvr, obj, "Foreground")
            return
        finalizers = meta.get("finalizers") or ()
        policy = "Orphan" if _ORPHAN in finalizers else "Foreground" if _FOREGROUND in finalizers else "Background"
        await self._delete(gvr, obj, policy)

    async def _delete(self, gvr: GVR, obj: Obj, policy: str) -> None:
        meta = obj["metadata"]
        preconditions = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
        options = {"preconditions": preconditions, "propagationPolicy": policy}
        await self._client.delete(gvr, meta["name"], meta.get("namespace", ""), options)

    async def _owner(self, reference: Obj, dependent: Obj) -> Obj | None:
        """The owner, or None if it is gone. One of a kind that is not served here may live elsewhere."""
        namespace = dependent["metadata"].get("namespace", "")
        group, _, version = reference["apiVersion"].rpartition("/")
        kind = self._catalog.find_kind(group, version, reference["kind"])
        if kind is None:
            return _ELSEWHERE
        if kind.namespaced and not namespace:
            self._tell_misplaced(reference, dependent)
            return _ELSEWHERE
        gvr = GVR(kind.group, kind.version, kind.plural)
        try:
            owner = await self._client.get(gvr, reference["name"], namespace if kind.namespaced else "")
            if owner["metadata"]["uid"] == reference["uid"]:
                return owner
        except ApiError as error:
            if error.code != 404:
                raise
        if kind.namespaced and await self._is_in_another_namespace(gvr, reference):
            self._tell_misplaced(reference, dependent)
        return None

    async def _is_in_another_namespace(self, gvr: GVR, reference: Obj) -> bool:
        found = await self._client.list(gvr, fieldSelector=f"metadata.name={reference['name']}")
        return any(owner["metadata"]["uid"] == reference["uid"] for owner in found["items"])

    def _tell_misplaced(self, reference: Obj, dependent: Obj) -> None:
        """An owner in another namespace is no owner. Source: reportInvalidNamespaceOwnerRef."""
        name, version, kind, uid = (reference[part] for part in ("name", "apiVersion", "kind", "uid"))
        shown = f"[{version}/{kind}, namespace: {dependent['metadata'].get('namespace', '')}, name: {name}, uid: {uid}]"
        text = f'ownerRef {shown} does not exist in namespace "{dependent["metadata"].get("namespace", "")}"'
        self._recorder.event(dependent, "Warning", "OwnerRefInvalidNamespace", text)


_ELSEWHERE: Obj = {"metadata": {}}


def _state(obj: Obj) -> tuple[str, list[tuple[str, bool]]]:
    """What of an object the collector acts on."""
    references = obj["metadata"].get("ownerReferences") or ()
    return _waiting(obj), [(ref["uid"], bool(ref.get("blockOwnerDeletion"))) for ref in references]


def _blocks(dependent: Obj, uid: str) -> bool:
    references = dependent["metadata"].get("ownerReferences") or ()
    return any(reference["uid"] == uid and reference.get("blockOwnerDeletion") for reference in references)
