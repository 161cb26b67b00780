"""Deletes what belonged to something that is gone. Source: pkg/controller/garbagecollector.

In the background only: once all owners of an object are gone, it is deleted; while one is left, references to the
others are taken out. Caches only tell where to look. Whether an owner is gone, by its uid, is always read live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.resources.catalog import Catalog
from backend.resources.resource import Resource

_BY_OWNER = "owner"
_KEPT = ("namespace", "name", "uid", "resourceVersion", "ownerReferences")
_NEVER_OWNED = frozenset({"events"})
"""Too many and too short-lived to be looked at; they expire by themselves."""


def _essentials(obj: Obj) -> Obj | None:
    """What has no owner is not kept: that is nearly everything."""
    meta = obj["metadata"]
    if not meta.get("ownerReferences"):
        return None
    return {"metadata": {name: meta[name] for name in _KEPT if name in meta}}


def _owner_uids(obj: Obj) -> list[str]:
    return [reference["uid"] for reference in obj["metadata"].get("ownerReferences") or ()]


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
            self._client, gvr, indexers={_BY_OWNER: _owner_uids}, clock=self._clock, transform=_essentials
        )

        async def reconcile(key: Key) -> None:
            await self.reconcile(gvr, key)

        controller = Controller(f"garbage-collector-{kind.qualified}", reconcile, clock=self._clock)

        def changed(new: Obj | None, old: Obj | None) -> None:
            if new is None and old is not None:
                self._gone(old)
            elif new is not None and _owner_uids(new) != (_owner_uids(old) if old else []):
                controller.enqueue_changed(new, old)

        informer.on_change(changed)
        # An owner may have gone while nobody watched, and owners are not kept.
        informer.on_list(self._enqueue_all)
        return informer, controller

    def _enqueue_all(self) -> None:
        for informer, controller in self._watched.values():
            for dependent in informer.list():
                controller.enqueue_changed(dependent, None)

    def _gone(self, obj: Obj) -> None:
        uid = obj["metadata"].get("uid", "")
        for informer, controller in self._watched.values():
            for dependent in informer.by_index(_BY_OWNER, uid):
                controller.enqueue_changed(dependent, None)
        if self._on_deleted is not None:
            self._on_deleted(obj)

    async def reconcile(self, gvr: GVR, key: Key) -> None:
        """Delete the object, or take out dead references, as its owners are gone or not."""
        try:
            dependent = await self._client.get(gvr, key.name, key.namespace)
        except ApiError as error:
            if error.code == 404:
                return
            raise
        meta = dependent["metadata"]
        references = meta.get("ownerReferences") or []
        if not references or meta.get("deletionTimestamp"):
            return
        alive = [reference for reference in references if await self._exists(reference, key.namespace)]
        if len(alive) == len(references):
            return
        try:
            if alive:
                patch = {"metadata": {"resourceVersion": meta["resourceVersion"], "ownerReferences": alive}}
                await self._client.patch(gvr, key.name, patch, key.namespace)
            else:
                preconditions = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
                options = {"preconditions": preconditions, "propagationPolicy": "Background"}
                await self._client.delete(gvr, key.name, key.namespace, options)
        except ApiError as error:
            if error.code != 404:
                raise

    async def _exists(self, reference: Obj, namespace: str) -> bool:
        """An owner of a kind that is not served here may live elsewhere: it is left alone."""
        group, _, version = reference["apiVersion"].rpartition("/")
        kind = self._catalog.find_kind(group, version, reference["kind"])
        if kind is None or (kind.namespaced and not namespace):
            return True
        gvr = GVR(kind.group, kind.version, kind.plural)
        try:
            owner = await self._client.get(gvr, reference["name"], namespace if kind.namespaced else "")
        except ApiError as error:
            if error.code == 404:
                return False
            raise
        return bool(owner["metadata"]["uid"] == reference["uid"])
