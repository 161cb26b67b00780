"""What a controller's own writes will make of its cache.

A cache shows a write a little after it was answered. A controller that counted its pods in between would make or
delete them twice. So it remembers its writes and decides nothing until the cache shows them. The same purpose
as expectations in pkg/controller/controller_utils.go, but nothing is counted and nothing can get stuck: the
resourceVersion of a write says whether the cache has passed it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from backend.machinery.controller import Key
from backend.machinery.informer import Informer
from backend.meta.types import Obj

LOOK_AGAIN_SECONDS = 30.0
"""A change that a lost watch has swallowed enqueues nobody: whoever waits for one looks again after this."""


@dataclass(slots=True)
class _Writes:
    version: int = 0
    deleted: dict[str, Key] = field(default_factory=dict)
    """By uid: an answer to a deletion has no resourceVersion that the cache will pass."""


class Expected:
    """The writes of one controller to the objects of one informer, by the controller's own key."""

    def __init__(self, informer: Informer) -> None:
        self._informer = informer
        self._writes: defaultdict[Key, _Writes] = defaultdict(_Writes)

    def wrote(self, key: Key, obj: Obj) -> None:
        """`obj` is the answer to a create, an update or a patch."""
        writes = self._writes[key]
        writes.version = max(writes.version, int(obj["metadata"]["resourceVersion"]))

    def deleted(self, key: Key, obj: Obj) -> None:
        """`obj` was asked to go."""
        meta = obj["metadata"]
        self._writes[key].deleted[meta["uid"]] = Key(meta.get("namespace", ""), meta["name"])

    def forget(self, key: Key) -> None:
        """The controller's object is gone."""
        self._writes.pop(key, None)

    def met(self, key: Key) -> bool:
        """Whether the cache shows everything. If not, the change that will make it so enqueues the key again; the
        controller asks for it after LOOK_AGAIN_SECONDS, too."""
        writes = self._writes.get(key)
        if writes is None:
            return True
        if self._informer.version < writes.version or any(
            self._is_unaware(uid, where) for uid, where in writes.deleted.items()
        ):
            return False
        del self._writes[key]
        return True

    def _is_unaware(self, uid: str, where: Key) -> bool:
        cached = self._informer.get(*where)
        if cached is None or cached["metadata"]["uid"] != uid:
            return False
        return not cached["metadata"].get("deletionTimestamp")
