"""metadata.managedFields: which client last wrote which fields.

Sources: k8s.io/apimachinery/pkg/util/managedfields/internal, and Updater of sigs.k8s.io/structured-merge-diff/merge.
Other versions of a kind are taken to have the same fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from backend.apiserver import options
from backend.apiserver.call import Call
from backend.meta.structured.sets import Tree, difference, union
from backend.meta.structured.types import Type
from backend.meta.structured.values import Uncounted, compare, initial
from backend.meta.types import Obj

Entries = Sequence[Obj]
"""managedFields, in the order in which they are stored."""

UNTRACKED: Tree = {
    "f:apiVersion": {},
    "f:kind": {},
    "f:metadata": {
        ".": {}, "f:name": {}, "f:namespace": {}, "f:creationTimestamp": {}, "f:selfLink": {}, "f:uid": {},
        "f:clusterName": {}, "f:generation": {}, "f:managedFields": {}, "f:resourceVersion": {},
    },
}  # fmt: skip
"""What nobody owns. Source: stripSet."""
_UNTRACKED_META = {key[2:]: None for key in UNTRACKED["f:metadata"]}
_UNCOUNTED: Uncounted = {"apiVersion": None, "kind": None, "metadata": _UNTRACKED_META}
_UNCOUNTED_STATUS: Uncounted = {**_UNCOUNTED, "status": None}
_MAX_UPDATERS = 10
"""More managers than this are folded, oldest first, into one. Source: DefaultMaxUpdateManagers."""
_ANCIENT = "ancient-changes"


def type_of(call: Call) -> Type:
    """The type of the objects of the request's kind."""
    return call.server.schemas.types.of(call.resource.schema)


def created(call: Call, obj: Obj) -> None:
    """Record the request's manager as the owner of all fields of a new object, in place.

    What the server itself sets later, at admission, has no owner; nor has a status that its endpoint ignores.
    """
    without = _UNCOUNTED_STATUS if "status" in call.resource.subresources else _UNCOUNTED
    obj["metadata"]["managedFields"] = [_entry(call, initial(obj, type_of(call), without))]


def updated(call: Call, new: Obj, old: Obj) -> Entries:
    """The entries of an object after an update: who sent it owns what it changed, and nobody else does any more.

    An object whose fields nobody owns stays so until it is applied. A client may send entries of its own.
    """
    entries = _sent_or_present(call, new, old)
    if not entries:
        return entries
    changed, removed = compare(_tracked(old), _tracked(new), type_of(call))
    if not changed and not removed:
        return entries
    mine = _entry(call, changed)
    rest: list[Obj] = []
    for entry in entries:
        left = difference(difference(entry.get("fieldsV1") or {}, removed), changed)
        if identity(entry) == identity(mine):
            mine["fieldsV1"] = union(left, changed)
            if not changed:
                _set_time(mine, entry.get("time"))
        elif left:
            rest.append({**entry, "fieldsV1": left})
    if mine["fieldsV1"]:
        rest.append(mine)
    return ordered(_capped(rest))


def _tracked(obj: Obj) -> Obj:
    meta = obj.get("metadata") or {}
    tracked = {name: value for name, value in meta.items() if name not in _UNTRACKED_META}
    return {**obj, "apiVersion": None, "kind": None, "metadata": tracked}


def _entry(call: Call, fields: Tree) -> Obj:
    entry: Obj = {
        "manager": options.field_manager(call.request), "operation": "Update",
        "apiVersion": call.resource.api_version, "time": call.server.now(),
        "fieldsType": "FieldsV1", "fieldsV1": fields,
    }  # fmt: skip
    if call.request.subresource:
        entry["subresource"] = call.request.subresource
    return entry


def _set_time(entry: Obj, time: str | None) -> None:
    if time is None:
        entry.pop("time", None)
    else:
        entry["time"] = time


def identity(entry: Obj) -> tuple[str, str, str, str]:
    """What tells managers apart. Who applies is the same in all versions. Source: BuildManagerIdentifier."""
    operation = entry.get("operation", "")
    version = "" if operation == "Apply" else entry.get("apiVersion", "")
    return entry.get("manager", ""), operation, version, entry.get("subresource", "")


def ordered(entries: list[Obj]) -> list[Obj]:
    """As they are stored. Source: sortEncodedManagedFields."""
    entries.sort(
        key=lambda entry: (
            entry.get("operation", ""), entry.get("time", ""), entry.get("manager", ""),
            entry.get("apiVersion", ""), entry.get("subresource", ""),
        )
    )  # fmt: skip
    return entries


def same_but_times(one: Entries, other: Entries) -> bool:
    """Whether two states differ in nothing but when. Source: IgnoreManagedFieldsTimestampsTransformer."""
    return len(one) == len(other) and _timeless(one) == _timeless(other)


def _timeless(entries: Entries) -> dict[tuple[str, str, str, str], Obj]:
    return {identity(entry): {name: value for name, value in entry.items() if name != "time"} for entry in entries}


def _sent_or_present(call: Call, new: Obj, old: Obj) -> Entries:
    """The entries that an update starts from: a client's own where it sends some that can be read; none at all where
    it sends one that is empty. Source: decodeLiveOrNew."""
    present: Entries = old["metadata"].get("managedFields") or ()
    sent = new["metadata"].get("managedFields")
    if not sent or sent == present or call.request.subresource:
        return present
    if sent == [{}]:
        return ()
    return sent if all(map(_is_readable, sent)) else present


def _is_readable(entry: Obj) -> bool:
    known = entry.get("operation") in ("Apply", "Update") and entry.get("fieldsType") == "FieldsV1"
    return known and _is_tree(entry.get("fieldsV1") or {})


def _is_tree(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return all(_is_element(key) and _is_tree(below) for key, below in value.items())


def _is_element(key: str) -> bool:
    """Whether a key of a tree can be read. Source: DeserializePathElement of structured-merge-diff/fieldpath."""
    if key == "." or key.startswith("f:"):
        return True
    if key[:2] not in ("k:", "v:", "i:"):
        return False
    try:
        value = orjson.loads(key[2:])
    except ValueError:
        return False
    return isinstance(value, dict) if key[0] == "k" else key[0] == "v" or type(value) is int


def _capped(entries: list[Obj]) -> list[Obj]:
    """Fold the oldest entries of updates, those of one version into one. Source: capManagersManager."""
    updates = [entry for entry in entries if entry["operation"] == "Update"]
    excess = len(updates) - _MAX_UPDATERS
    if excess <= 0:
        return entries
    updates.sort(key=lambda entry: (entry.get("time", ""), entry.get("manager", "")))
    kept = [entry for entry in entries if entry["operation"] != "Update"]
    first: dict[str, Obj] = {}
    for entry in updates:
        version = entry.get("apiVersion", "")
        bucket = first.get(version)
        if bucket is None or excess <= 0:
            first.setdefault(version, entry)
            kept.append(entry)
            continue
        if bucket["manager"] != _ANCIENT or "subresource" in bucket:
            kept.remove(bucket)
            bucket = {**bucket, "manager": _ANCIENT}
            bucket.pop("subresource", None)
            first[version] = bucket
            kept.append(bucket)
        bucket["fieldsV1"] = union(bucket["fieldsV1"], entry["fieldsV1"])
        _set_time(bucket, entry.get("time"))
        excess -= 1
    return kept
