"""The revisions of a StatefulSet's or DaemonSet's template, as ControllerRevisions.

Source: pkg/controller/history/controller_history.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.controllers.workloads.deployment.replica_sets import oldest_first
from backend.controllers.workloads.expected import Expected
from backend.controllers.workloads.hashing import short_hash
from backend.controllers.workloads.ownership import Claims, controller_reference, reference_to
from backend.machinery.client import GVR, Client
from backend.machinery.controller import Key
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.selectors import Selector
from backend.meta.types import Obj

CONTROLLER_REVISIONS = GVR("apps", "v1", "controllerrevisions")
REVISION_LABEL = "controller-revision-hash"
"""Of pods; a DaemonSet's revisions have it, too."""
HASH_LABEL = "controller.kubernetes.io/hash"
"""Of a StatefulSet's revisions. Source: ControllerRevisionHashLabel."""


def template_patch(owner: Obj) -> Obj:
    """What a revision keeps of its owner: a strategic merge patch that puts the template back.

    Its keys are sorted, since kubectl compares the text with what it would make of the owner.
    """
    return {"spec": {"template": _sorted({**owner["spec"]["template"], "$patch": "replace"})}}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def template_of(revision: Obj) -> Obj:
    """The template that a revision keeps."""
    template = revision["data"]["spec"]["template"]
    return {name: value for name, value in template.items() if name != "$patch"}


class History:
    """The revisions of all owners of one kind."""

    def __init__(self, client: Client, owners: GVR, revisions: Informer, *, label: str) -> None:
        """`revisions` has the index BY_CONTROLLER and caches all ControllerRevisions, which get their hash as this
        `label`."""
        self._client = client
        self._label = label
        self._claims = Claims(client, CONTROLLER_REVISIONS, owners, revisions)
        self.expected = Expected(revisions)

    async def of(self, owner: Obj, selector: Selector) -> list[Obj]:
        """The owner's revisions, oldest first."""
        found = await self._claims.claim(owner, selector)
        return sorted(oldest_first(found), key=lambda revision: int(revision["revision"]))

    async def current(self, key: Key, owner: Obj, revisions: Sequence[Obj]) -> tuple[Obj, int]:
        """(the revision of the owner's template, the count of collisions), made or made the newest where needed."""
        data = template_patch(owner)
        newest = int(revisions[-1]["revision"]) + 1 if revisions else 1
        same = [revision for revision in revisions if revision.get("data") == data]
        collisions = int((owner.get("status") or {}).get("collisionCount") or 0)
        if not same:
            return await self._create(key, owner, data, newest, collisions)
        if same[-1]["metadata"]["uid"] == revisions[-1]["metadata"]["uid"]:
            return revisions[-1], collisions
        updated = await self._client.update(CONTROLLER_REVISIONS, {**same[-1], "revision": newest})
        self.expected.wrote(key, updated)
        return updated, collisions

    async def _create(self, key: Key, owner: Obj, data: Obj, number: int, collisions: int) -> tuple[Obj, int]:
        """Another name after each collision. Source: CreateControllerRevision."""
        meta = owner["metadata"]
        labels = dict(((owner["spec"]["template"].get("metadata") or {}).get("labels")) or {})
        while True:
            mark = short_hash(data, collisions)
            revision: Obj = {
                "metadata": {
                    "name": f"{meta['name'][:223]}-{mark}",
                    "labels": {**labels, self._label: mark},
                    "annotations": dict(meta.get("annotations") or {}),
                    "ownerReferences": [reference_to(owner)],
                },
                "data": data,
                "revision": number,
            }
            try:
                made = await self._client.create(CONTROLLER_REVISIONS, revision, meta["namespace"])
            except ApiError as error:
                if error.code != 409:
                    raise
                present = await self._client.get(
                    CONTROLLER_REVISIONS, revision["metadata"]["name"], meta["namespace"]
                )
                reference = controller_reference(present)
                if reference is not None and reference["uid"] == meta["uid"] and present.get("data") == data:
                    return present, collisions
                collisions += 1
                continue
            self.expected.wrote(key, made)
            return made, collisions

    async def truncate(self, key: Key, owner: Obj, revisions: Sequence[Obj], in_use: set[str]) -> None:
        """Delete the oldest above the owner's limit; those in use, by name, stay and are not counted."""
        limit = int(owner["spec"].get("revisionHistoryLimit", 10))
        unused = [revision for revision in revisions if revision["metadata"]["name"] not in in_use]
        for revision in unused[: max(0, len(unused) - limit)]:
            meta = revision["metadata"]
            try:
                await self._client.delete(CONTROLLER_REVISIONS, meta["name"], meta["namespace"])
            except ApiError as error:
                if error.code != 404:
                    raise
            self.expected.deleted(key, revision)
