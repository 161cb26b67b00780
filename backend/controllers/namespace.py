"""Empties a namespace that is being deleted, then lets it go.

Source: pkg/controller/namespace/deletion/namespaced_resources_deleter.go. Pods go first and end gracefully while
what they use is still there (OrderedNamespaceDeletion, v1.33); the rest follows. What remains, and which
finalizers hold it, is in the namespace's conditions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from backend.machinery.client import GVR, NAMESPACES, PODS, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta import timefmt
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.resources.catalog import Catalog
from backend.resources.core.namespace import FINALIZER

LOOK_AGAIN_SECONDS = 15.0
"""When nothing told of a change: far longer than a deletion that somebody does tell of."""


@dataclass(slots=True)
class Remains:
    """What is left in a namespace: instances by `PLURAL.GROUP`, holders by finalizer."""

    instances: dict[str, int] = field(default_factory=dict)
    finalizers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, gvr: GVR, items: Sequence[Obj]) -> None:
        if items:
            self.instances[f"{gvr.resource}.{gvr.group}"] = len(items)
        for item in items:
            self.finalizers.update(item["metadata"].get("finalizers") or ())


class NamespaceController:
    """Keys are ("", namespace)."""

    def __init__(
        self, client: Client, *, namespaces: Informer, catalog: Catalog, clock: Clock | None = None
    ) -> None:
        self._client = client
        self._namespaces = namespaces
        self._clock = clock or RealClock()
        self._catalog = catalog
        self.controller = Controller("namespace", self.reconcile, clock=clock, workers=2, informers=(namespaces,))
        namespaces.on_change(self.controller.enqueue_changed)

    def content_deleted(self, obj: Obj) -> None:
        """To be told of every namespaced object that is gone, so that nobody has to wait for the next look."""
        name = obj["metadata"].get("namespace", "")
        namespace = self._namespaces.get("", name) if name else None
        if namespace is not None and namespace["metadata"].get("deletionTimestamp"):
            self.controller.enqueue("", name)

    async def reconcile(self, key: Key) -> float | None:
        namespace = self._namespaces.get("", key.name)
        if namespace is None or not namespace["metadata"].get("deletionTimestamp"):
            return None
        if FINALIZER not in (namespace["spec"].get("finalizers") or ()):
            return None
        remains = await self._empty(key.name)
        await self._report(key.name, remains)
        if remains.instances or remains.failures:
            return LOOK_AGAIN_SECONDS
        await self._finalize(key.name)
        return None

    async def _empty(self, namespace: str) -> Remains:
        """Delete what is there, and look what is left; what comes after pods waits until they are gone."""
        remains = Remains()
        await self._delete(PODS, namespace, remains)
        if not remains.instances:
            for kind in self._catalog.collections():
                gvr = GVR(kind.group, kind.version, kind.plural)
                if kind.namespaced and "deletecollection" in kind.verbs and gvr != PODS:
                    await self._delete(gvr, namespace, remains)
        return remains

    async def _delete(self, gvr: GVR, namespace: str, remains: Remains) -> None:
        try:
            if (await self._client.list(gvr, namespace, limit="1"))["items"]:
                background = {"propagationPolicy": "Background"}
                await self._client.delete_collection(gvr, namespace, background)
                remains.add(gvr, (await self._client.list(gvr, namespace))["items"])
        except ApiError as error:
            remains.failures.append(str(error))

    async def _report(self, name: str, remains: Remains) -> None:
        try:
            current = await self._client.get(NAMESPACES, name)
            if not (remains.instances or remains.failures or current["status"].get("conditions")):
                return  # It goes at once: nobody would get to read how.
            now = timefmt.format_time(self._clock.now())
            conditions = merged(current["status"].get("conditions") or (), describe(remains), now)
            if conditions != current["status"].get("conditions"):
                status = {**current["status"], "conditions": conditions}
                await self._client.update(NAMESPACES, {**current, "status": status}, "status")
        except ApiError as error:
            if error.code != 404:
                raise

    async def _finalize(self, name: str) -> None:
        try:
            current = await self._client.get(NAMESPACES, name)
            finalizers = [entry for entry in current["spec"].get("finalizers") or () if entry != FINALIZER]
            released = {**current, "spec": {**current["spec"], "finalizers": finalizers}}
            await self._client.update(NAMESPACES, released, "finalize")
        except ApiError as error:
            if error.code != 404:
                raise


def describe(remains: Remains) -> list[Obj]:
    """The conditions that say how far the deletion is, without their times."""
    content = [f"{name} has {count} resource instances" for name, count in sorted(remains.instances.items())]
    holders = [f"{name} in {count} resource instances" for name, count in sorted(remains.finalizers.items())]
    failures = f"Failed to delete all resource types, {len(remains.failures)} remaining: " + ", ".join(
        remains.failures
    )
    return [
        _condition("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered",
                   "All resources successfully discovered"),
        _condition("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions",
                   "All legacy kube types successfully parsed"),
        _condition("NamespaceDeletionContentFailure", "ContentDeletionFailed", failures, fails=True)
        if remains.failures
        else _condition("NamespaceDeletionContentFailure", "ContentDeleted",
                        "All content successfully deleted, may be waiting on finalization"),
        _condition("NamespaceContentRemaining", "SomeResourcesRemain",
                   "Some resources are remaining: " + ", ".join(content), fails=True)
        if content
        else _condition("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
        _condition("NamespaceFinalizersRemaining", "SomeFinalizersRemain",
                   "Some content in the namespace has finalizers remaining: " + ", ".join(holders), fails=True)
        if holders
        else _condition("NamespaceFinalizersRemaining", "ContentHasNoFinalizers",
                        "All content-preserving finalizers finished"),
    ]  # fmt: skip


def _condition(kind: str, reason: str, message: str, *, fails: bool = False) -> Obj:
    return {"type": kind, "status": "True" if fails else "False", "reason": reason, "message": message}


def merged(old: Iterable[Obj], new: Iterable[Obj], now: str) -> list[Obj]:
    """The new conditions, with the time of the last change of each one's status, after those of other kinds."""
    before = {condition["type"]: condition for condition in old}
    result: list[Obj] = []
    for condition in new:
        known = before.pop(condition["type"], None)
        same = known is not None and known["status"] == condition["status"]
        since = known["lastTransitionTime"] if known is not None and same else now
        result.append({**condition, "lastTransitionTime": since})
    return [*before.values(), *result]
