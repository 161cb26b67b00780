"""Which objects belong to a controller: by their controller reference, and by its selector.

An object that has no controller and matches is adopted; one of ours that does not match any more is released.
Source: pkg/controller/controller_ref_manager.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from backend.machinery.client import GVR, STRATEGIC_MERGE_PATCH, Client
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.selectors import Selector
from backend.meta.types import Obj

BY_CONTROLLER = "controller"
"""The index of an informer of what controllers own: see `owned_by`."""


def controller_reference(obj: Obj) -> Obj | None:
    """The owner reference of the object's controller."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            found: Obj = reference
            return found
    return None


def reference_to(owner: Obj) -> Obj:
    """An owner reference that makes `owner` the controller."""
    meta = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": meta["name"], "uid": meta["uid"],
        "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip


def owned_by(obj: Obj) -> Iterable[str]:
    """The index BY_CONTROLLER: the uid of the controller, or for an orphan its namespace after a slash."""
    reference = controller_reference(obj)
    yield reference["uid"] if reference is not None else orphans_of(obj["metadata"].get("namespace", ""))


def orphans_of(namespace: str) -> str:
    return f"/{namespace}"


def _anything(_obj: Obj) -> bool:
    return True


class Claims:
    """Objects of one kind, as the controllers of another claim them."""

    def __init__(self, client: Client, gvr: GVR, owners: GVR, informer: Informer, *, finalizer: str = "") -> None:
        """`informer` has the index BY_CONTROLLER and caches `gvr`; `owners` is the kind of the controllers. What is
        adopted gets the `finalizer`, and what is released loses it."""
        self._client = client
        self._gvr = gvr
        self._owners = owners
        self._informer = informer
        self._finalizers = [finalizer] if finalizer else []

    async def claim(
        self, owner: Obj, selector: Selector, *, among: Callable[[Obj], bool] = _anything
    ) -> list[Obj]:
        """What belongs to `owner` from now on, of that which `among` holds of: the rest is neither adopted nor
        released. Raises ApiError if the API cannot be asked."""
        meta = owner["metadata"]
        claimed: list[Obj] = []
        for obj in self._informer.by_index(BY_CONTROLLER, meta["uid"]):
            if not among(obj):
                continue
            if selector.matches(obj["metadata"].get("labels") or {}):
                claimed.append(obj)
            elif not meta.get("deletionTimestamp"):
                await self._release(obj, meta["uid"])
        if meta.get("deletionTimestamp"):
            return claimed
        orphans = [
            obj
            for obj in self.orphans(meta["namespace"])
            if among(obj) and selector.matches(obj["metadata"].get("labels") or {})
        ]
        if orphans and await self._may_adopt(owner):
            adopted = [await self._adopt(obj, owner) for obj in orphans]
            claimed += [obj for obj in adopted if obj is not None]
        return claimed

    def orphans(self, namespace: str) -> Sequence[Obj]:
        """What has no controller and is not on its way out."""
        found = self._informer.by_index(BY_CONTROLLER, orphans_of(namespace))
        return [obj for obj in found if not obj["metadata"].get("deletionTimestamp")]

    async def _may_adopt(self, owner: Obj) -> bool:
        """Asked live: a cache that lags must not give an owner that goes what the garbage collector then takes."""
        meta = owner["metadata"]
        try:
            fresh = await self._client.get(self._owners, meta["name"], meta["namespace"])
        except ApiError as error:
            if error.code == 404:
                return False
            raise
        return bool(fresh["metadata"]["uid"] == meta["uid"] and not fresh["metadata"].get("deletionTimestamp"))

    async def _adopt(self, obj: Obj, owner: Obj) -> Obj | None:
        """None if it is gone, or somebody was quicker."""
        meta: Obj = {"uid": obj["metadata"]["uid"], "ownerReferences": [reference_to(owner)]}
        if self._finalizers:
            meta["finalizers"] = self._finalizers
        return await self._patched(obj, {"metadata": meta})

    async def _release(self, obj: Obj, uid: str) -> None:
        meta: Obj = {"uid": obj["metadata"]["uid"], "ownerReferences": [{"$patch": "delete", "uid": uid}]}
        if self._finalizers:
            meta["$deleteFromPrimitiveList/finalizers"] = self._finalizers
        await self._patched(obj, {"metadata": meta})

    async def _patched(self, obj: Obj, patch: Obj) -> Obj | None:
        meta = obj["metadata"]
        try:
            return await self._client.patch(
                self._gvr, meta["name"], patch, meta["namespace"], content_type=STRATEGIC_MERGE_PATCH
            )
        except ApiError as error:
            if error.code in (404, 409, 422):
                return None
            raise


Enqueue = Callable[[str, str], None]


def enqueue_owners(
    enqueue: Enqueue, kind: str, group: str, selecting: Callable[[Obj], Iterable[Obj]]
) -> Callable[[Obj | None, Obj | None], None]:
    """A handler for the informer of what is owned: its controller's key is enqueued when it changes, and of an
    orphan the keys of all that `selecting` says could adopt it. Source: addPod, updatePod of replica_set.go."""

    def owners(obj: Obj | None) -> set[tuple[str, str]]:
        if obj is None:
            return set()
        namespace = obj["metadata"].get("namespace", "")
        reference = controller_reference(obj)
        if reference is not None:
            ours = reference["kind"] == kind and reference["apiVersion"].rpartition("/")[0] == group
            return {(namespace, reference["name"])} if ours else set()
        return {(namespace, owner["metadata"]["name"]) for owner in selecting(obj)}

    def changed(new: Obj | None, old: Obj | None) -> None:
        if new is not None and old is not None and _is_the_same_orphan(new, old):
            return
        told = owners(new)
        if old is not None and (new is None or controller_reference(old) != controller_reference(new)):
            told |= owners(old) if controller_reference(old) is not None else set()
        for key in told:
            enqueue(*key)

    return changed


def _is_the_same_orphan(new: Obj, old: Obj) -> bool:
    """Whether nobody could adopt it now who could not before: then how it fares is nobody's business."""
    if controller_reference(new) is not None or controller_reference(old) is not None:
        return False
    now, before = new["metadata"], old["metadata"]
    return now.get("labels") == before.get("labels") and bool(now.get("deletionTimestamp")) == bool(
        before.get("deletionTimestamp")
    )
