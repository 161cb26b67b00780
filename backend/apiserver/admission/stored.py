"""What is stored of a kind that plugins look at for each request: kept at hand, instead of searched for."""

from __future__ import annotations

from collections.abc import Sequence

from backend.store.api import Entry, Store, Watch


class Stored:
    """The newest entries of a collection. It is never behind the store, and costs next to nothing while nothing
    of the collection changes. For one store."""

    __slots__ = ("_groups", "_prefix", "_watch")

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._watch: Watch | None = None
        self._groups: dict[str, dict[str, Entry]] = {}

    def entries(self, store: Store, namespace: str = "") -> Sequence[Entry]:
        """Those of the namespace ("" for a kind that has none), by name."""
        watch = self._watch
        if watch is None or not (watch.idle or self._follow(store, watch)):
            self._read(store)
        group = self._groups.get(namespace)
        return [group[key] for key in sorted(group)] if group else ()

    def _follow(self, store: Store, watch: Watch) -> bool:
        """Take in what changed. False: the watch has ended."""
        while (event := watch.ready()) is not None:
            entry = event.entry
            if event.type == "DELETED":
                self._groups.get(self._namespace(entry.key), {}).pop(entry.key, None)
            else:
                self._put(entry)
        return watch.progress >= store.revision

    def _read(self, store: Store) -> None:
        if self._watch is not None:
            self._watch.close()
        snapshot = store.list(self._prefix)
        self._watch = store.watch(self._prefix, snapshot.revision)
        self._groups = {}
        for entry in snapshot.entries:
            self._put(entry)

    def _put(self, entry: Entry) -> None:
        self._groups.setdefault(self._namespace(entry.key), {})[entry.key] = entry

    def _namespace(self, key: str) -> str:
        return key[len(self._prefix) :].rpartition("/")[0]
