"""The forms of an answer other than the object itself: tables, and metadata alone.

Sources: meta.k8s.io/v1 Table and PartialObjectMetadata; endpoints/handlers/response.go of k8s.io/apiserver.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from backend.apiserver.reading import PACE
from backend.apiserver.watching import Change
from backend.meta import errors, timefmt
from backend.meta.schema import Schemas
from backend.meta.types import Obj
from backend.resources.catalog import Catalog
from backend.resources.resource import Column, Resource
from backend.store.api import Entry

_META_VERSION = "meta.k8s.io/v1"
_INCLUDES = ("None", "Metadata", "Object")


def partial(entry: Entry) -> Obj:
    return {"kind": "PartialObjectMetadata", "apiVersion": _META_VERSION, "metadata": entry.obj["metadata"]}


async def partial_list(entries: Sequence[Entry], metadata: Obj) -> list[bytes]:
    items: list[bytes] = []
    for start in range(0, len(entries), PACE):
        items += [orjson.dumps(partial(entry)) for entry in entries[start : start + PACE]]
        await asyncio.sleep(0)
    return await joined(
        {"kind": "PartialObjectMetadataList", "apiVersion": _META_VERSION, "metadata": metadata}, "items", items
    )


async def joined(head: Obj, name: str, items: Sequence[bytes]) -> list[bytes]:
    """`head` with one more field, a list of what is encoded already, in pieces: a large list is megabytes."""
    pieces = []
    start = _opening(head, name)
    for index in range(0, len(items), PACE):
        some = items[index : index + PACE]
        pieces.append(b"%b%b" % (start, b",".join(some)))
        start = b","
        if len(items) > PACE:
            await asyncio.sleep(0)
    pieces.append(b"]}" if pieces else start + b"]}")
    return pieces


def _opening(head: Obj, name: str) -> bytes:
    return b'%b,"%b":[' % (orjson.dumps(head)[:-1], name.encode())


class Columns:
    """The column definitions of all kinds. Published descriptions are read on first use, in a thread."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._definitions: dict[Resource, list[Obj]] = {}
        self._reading = asyncio.Lock()
        catalog.on_change(self._forget)

    async def of(self, resource: Resource) -> list[Obj]:
        async with self._reading:
            if resource not in self._definitions:
                missing = [kind for kind in self._catalog if kind not in self._definitions]
                self._definitions.update(await asyncio.to_thread(_read, missing or [resource]))
        return self._definitions.get(resource) or _read([resource])[resource]

    def _forget(self) -> None:
        served = frozenset(self._catalog)
        self._definitions = {kind: known for kind, known in self._definitions.items() if kind in served}


def _read(kinds: Sequence[Resource]) -> dict[Resource, list[Obj]]:
    described = any(column.described_by for kind in kinds for column in kind.columns)
    published = Schemas.raw_definitions() if described else {}
    return {kind: [_column(column, published) for column in kind.columns] for kind in kinds}


def _column(column: Column, published: dict[str, Any]) -> Obj:
    return {
        "name": column.name, "type": column.type, "format": column.format,
        "description": column.describe(published), "priority": column.priority,
    }  # fmt: skip


class Tables:
    """Objects of one kind as table rows. `include` says what of an object goes with its row."""

    def __init__(self, resource: Resource, columns: list[Obj], include: str, clock: Callable[[], float]) -> None:
        """Raises 400 for an unknown `include`."""
        if include not in _INCLUDES:
            raise errors.bad_request(f'unrecognized includeObject value: "{include}"')
        self._resource = resource
        self._columns: list[Obj] | None = columns
        self._include = include
        self._clock = clock

    async def table(self, entries: Sequence[Entry], metadata: Obj) -> list[bytes]:
        now = self._clock()
        order = self._resource.table_order
        if order is not None:
            entries = sorted(entries, key=lambda entry: order(entry.obj))
        rows: list[bytes] = []
        for start in range(0, len(entries), PACE):
            rows += [self._row(entry, now) for entry in entries[start : start + PACE]]
            if len(entries) > PACE:
                await asyncio.sleep(0)
        return await joined(self._head(metadata), "rows", rows)

    def change(self, change: Change) -> bytes:
        """A watch event's table, of one row; only the first says what its columns are."""
        meta = change.entry.obj["metadata"]
        if change.type != "BOOKMARK":
            row = self._row(change.entry, self._clock())
        else:
            cells = [None] * len(self._resource.columns)
            row = orjson.dumps({"cells": cells, "object": partial(change.entry)})
        opening = _opening(self._head({"resourceVersion": meta["resourceVersion"]}), "rows")
        self._columns = None
        return b"%b%b]}" % (opening, row)

    def _head(self, metadata: Obj) -> Obj:
        head: Obj = {"kind": "Table", "apiVersion": _META_VERSION, "metadata": metadata}
        head["columnDefinitions"] = self._columns
        return head

    def _row(self, entry: Entry, now: float) -> bytes:
        cells = orjson.dumps(self._cells(entry.obj, now))
        if self._include == "Object":
            carried = entry.raw
        elif self._include == "Metadata":
            carried = orjson.dumps(partial(entry))
        else:
            carried = b"null"
        return b'{"cells":%b,"object":%b}' % (cells, carried)

    def _cells(self, obj: Obj, now: float) -> list[Any]:
        if self._resource.row is not None:
            return self._resource.row(obj, now)
        created = obj["metadata"].get("creationTimestamp")
        age = timefmt.human_duration(now - timefmt.parse(created)) if created else "<unknown>"
        return [obj["metadata"]["name"], age]
