"""Pods with their addresses, from the moment at which they get them: their statuses tell so a little later."""

from __future__ import annotations

from collections.abc import Sequence

from backend.machinery.informer import Informer, Key, object_key
from backend.meta.types import Obj
from backend.resources.core.pod_table import TERMINAL_PHASES


class KnownPods:
    """Those of a cache, and those that it does not have yet."""

    def __init__(self, cache: Informer) -> None:
        self._cache = cache
        self._given: dict[Key, Obj] = {}

    def give(self, pod: Obj, addresses: Sequence[str]) -> None:
        """`pod` has these now, whatever its status says."""
        self._given[object_key(pod)] = _at(pod, [{"ip": address} for address in addresses])

    def get(self, key: Key) -> Obj | None:
        cached, given = self._cache.get(*key), self._given.get(key)
        if given is None:
            return cached
        same = cached is not None and cached["metadata"]["uid"] == given["metadata"]["uid"]
        if not same and self._cache.version < int(given["metadata"]["resourceVersion"]):
            return given  # The cache lags.
        if cached is None or not same or _tells(cached, given):
            del self._given[key]
            return cached
        return _at(cached, given["status"]["podIPs"])

    def list(self) -> Sequence[Obj]:
        keys = {object_key(pod): None for pod in self._cache.list()} | dict.fromkeys(self._given)
        return [pod for key in keys if (pod := self.get(key)) is not None]


def _at(pod: Obj, addresses: Sequence[Obj]) -> Obj:
    return {**pod, "status": {**(pod.get("status") or {}), "podIPs": addresses}}


def _tells(pod: Obj, given: Obj) -> bool:
    """Whether the pod's status knows of the addresses, or needs them no more."""
    status = pod.get("status") or {}
    return status.get("podIPs") == given["status"]["podIPs"] or status.get("phase") in TERMINAL_PHASES
