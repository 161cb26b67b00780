"""Which cluster addresses and node ports are taken. What the store holds decides; nothing else is kept on disk.

The services are read once, and then followed by a watch that is caught up with whenever somebody asks: an address
is free again as soon as the change or the deletion that gave it up is in the store, whoever made it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from backend.meta.types import Obj
from backend.resources.core.service import SERVICE
from backend.resources.core.service_fields import NONE, cluster_ips, node_ports
from backend.store.api import Entry, Store, Watch

Value: TypeAlias = str | int
"""An address in its canonical form, or a node port, which is one number for all protocols."""


def values(service: Obj) -> Iterator[Value]:
    yield from (address for address in cluster_ips(service) if address != NONE)
    yield from node_ports(service)
    if port := service["spec"].get("healthCheckNodePort"):
        yield port


class Holdings:
    """For the event loop's thread. Between `catch_up` and `reserve` nobody may wait, or two could take the same."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watch: Watch | None = None
        self._by_key: dict[str, frozenset[Value]] = {}
        self._holders: dict[Value, int] = {}
        self._reserved: set[Value] = set()

    def __contains__(self, value: Value) -> bool:
        return value in self._reserved or value in self._holders

    def reserve(self, value: Value) -> None:
        """Take it before its object is stored."""
        self._reserved.add(value)

    def free(self, value: Value) -> None:
        """End a reservation: the object is stored and holds the value now, or it never will."""
        self._reserved.discard(value)

    def catch_up(self) -> None:
        """Know what the store holds now."""
        if self._watch is None:
            self._watch = self._read()
        while (event := self._watch.ready()) is not None:
            self._set(event.entry, gone=event.type == "DELETED")
        if self._watch.progress < self._store.revision:
            # So much was written since the last time that the watch was dropped.
            self._watch.close()
            self._watch = self._read()

    def _read(self) -> Watch:
        self._by_key.clear()
        self._holders.clear()
        found = self._store.list(SERVICE.prefix)
        for entry in found.entries:
            self._set(entry, gone=False)
        return self._store.watch(SERVICE.prefix, found.revision)

    def _set(self, entry: Entry, *, gone: bool) -> None:
        for value in self._by_key.pop(entry.key, ()):
            self._holders[value] -= 1
            if not self._holders[value]:
                del self._holders[value]
        if gone:
            return
        held = self._by_key[entry.key] = frozenset(values(entry.obj))
        for value in held:
            self._holders[value] = self._holders.get(value, 0) + 1
