"""metadata.managedFields: which client last wrote which fields, as updates record it.

Sources: k8s.io/apimachinery/pkg/util/managedfields/internal, and the serialization in fieldpath of
sigs.k8s.io/structured-merge-diff: a member of a set is a key with an empty value, or one with a "." among its
children.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from backend.apiserver import options
from backend.apiserver.call import Call
from backend.meta.fields import Field
from backend.meta.schema import Schemas
from backend.meta.types import Obj

_Tree = dict[str, Any]

_UNTRACKED = frozenset({"apiVersion", "kind"})
_UNTRACKED_META = frozenset(
    {"name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields", "resourceVersion"}
)
_MAX_UPDATERS = 10
"""More managers than this are folded, oldest first, into one. Source: DefaultMaxUpdateManagers."""
_ANCIENT = "ancient-changes"


def created(call: Call, obj: Obj) -> None:
    """Record the request's manager as the owner of all fields of a new object, in place.

    What the server itself sets later, at admission, has no owner; nor has a status that its endpoint ignores.
    """
    resource = call.resource
    sent = {name: obj[name] for name in obj if name != "status"} if "status" in resource.subresources else obj
    fields = _Comparison(call.server.schemas).all_of(sent, resource.schema)
    obj["metadata"]["managedFields"] = [_entry(call, fields)]


def updated(call: Call, new: Obj, old: Obj) -> None:
    """Record the request's manager as the owner of what it changed, in place; nobody else owns that any more."""
    changed, removed = _Comparison(call.server.schemas).top(new, old, call.resource.schema)
    if not changed and not removed:
        return
    mine = _entry(call, changed)
    entries: list[Obj] = []
    for entry in old["metadata"].get("managedFields") or ():
        left = _without(entry.get("fieldsV1") or {}, removed)
        if _identity(entry) == _identity(mine):
            mine["fieldsV1"] = _union(left, mine["fieldsV1"])
            mine["time"] = mine["time"] if changed else entry["time"]
            continue
        left = _without(left, changed)
        if left:
            entries.append({**entry, "fieldsV1": left})
    if mine["fieldsV1"]:
        entries.append(mine)
    entries.sort(key=lambda entry: (entry["operation"], entry.get("time", ""), entry.get("manager", "")))
    new["metadata"]["managedFields"] = _capped(entries)


def _entry(call: Call, fields: _Tree) -> Obj:
    entry: Obj = {
        "manager": options.field_manager(call.request), "operation": "Update",
        "apiVersion": call.resource.api_version, "time": call.server.now(),
        "fieldsType": "FieldsV1", "fieldsV1": fields,
    }  # fmt: skip
    if call.request.subresource:
        entry["subresource"] = call.request.subresource
    return entry


def _identity(entry: Obj) -> tuple[Any, ...]:
    return tuple(entry.get(name) for name in ("manager", "operation", "apiVersion", "subresource"))


def _capped(entries: list[Obj]) -> list[Obj]:
    updates = [entry for entry in entries if entry["operation"] == "Update"]
    excess = len(updates) - _MAX_UPDATERS
    if excess <= 0:
        return entries
    ancient = dict(updates[0], manager=_ANCIENT)
    for entry in updates[1 : excess + 1]:
        ancient["fieldsV1"] = _union(ancient["fieldsV1"], entry["fieldsV1"])
        ancient["time"] = entry["time"]
    return [*(entry for entry in entries if entry["operation"] != "Update"), ancient, *updates[excess + 1 :]]


class _Comparison:
    """Two states of an object -> (what was added or changed, what was removed), as trees of fields."""

    def __init__(self, schemas: Schemas) -> None:
        self._fields = schemas.fields

    def all_of(self, obj: Obj, definition: str) -> _Tree:
        """What `top` finds changed in an object that was not there before, found faster."""
        fields = self._fields(definition)
        tree: _Tree = {}
        for name, value in obj.items():
            field = fields.get(name)
            if field is None or value is None or name in _UNTRACKED:
                continue
            if field.kind == "struct":
                members = self._members(value, field, _UNTRACKED_META if name == "metadata" else frozenset())
                if members:
                    tree[f"f:{name}"] = members
            else:
                tree[f"f:{name}"] = self._owned(value, field)
        return tree

    def _members(self, struct: Obj, field: Field, skipped: frozenset[str]) -> _Tree:
        fields = self._fields(field.definition)
        tree: _Tree = {}
        for name, value in struct.items():
            member = fields.get(name)
            if member is None or value is None or name in skipped:
                continue
            if member.required and _is_composite(member):
                changed, _ = self._value(value, [] if member.kind == "list" else {}, member)
                if changed is not None:
                    tree[f"f:{name}"] = changed
            else:
                tree[f"f:{name}"] = self._owned(value, member)
        return tree

    def top(self, new: Obj, old: Obj, definition: str) -> tuple[_Tree, _Tree]:
        fields = self._fields(definition)
        changed: _Tree = {}
        removed: _Tree = {}
        for name in new.keys() | old.keys():
            field = fields.get(name)
            if field is None or name in _UNTRACKED:
                continue
            before, after = old.get(name), new.get(name)
            if field.kind == "struct":
                # A Go struct has these always: only what is in them can come or go.
                skipped = _UNTRACKED_META if name == "metadata" else frozenset()
                both = self._struct(after or {}, before or {}, self._fields(field.definition), skipped)
            else:
                both = self._value(after, before, field)
            _put(changed, removed, f"f:{name}", both)
        return changed, removed

    def _struct(
        self, new: Obj, old: Obj, fields: Mapping[str, Field], skipped: frozenset[str] = frozenset()
    ) -> tuple[_Tree | None, _Tree | None]:
        changed: _Tree = {}
        removed: _Tree = {}
        for name in new.keys() | old.keys():
            field = fields.get(name)
            after, before = new.get(name), old.get(name)
            if field is None or name in skipped or after == before:
                continue
            if before is None and field.required and _is_composite(field):
                before = [] if field.kind == "list" else {}
            _put(changed, removed, f"f:{name}", self._value(after, before, field))
        return changed or None, removed or None

    def _value(self, new: Any, old: Any, field: Field) -> tuple[_Tree | None, _Tree | None]:
        """None is "nothing"; an empty tree is the value itself."""
        if new == old:
            return None, None
        if old is None:
            return self._owned(new, field), None
        if new is None:
            return None, self._owned(old, field)
        if not _is_composite(field):
            return {}, None
        if field.kind == "struct":
            return self._struct(new, old, self._fields(field.definition))
        return self._items(_items(new, field), _items(old, field), field)

    def _items(self, new: Obj, old: Obj, field: Field) -> tuple[_Tree | None, _Tree | None]:
        assert field.element is not None
        changed: _Tree = {}
        removed: _Tree = {}
        for key in new.keys() | old.keys():
            _put(changed, removed, key, self._value(new.get(key), old.get(key), field.element))
        return changed or None, removed or None

    def _owned(self, value: Any, field: Field) -> _Tree:
        """All of a value that was not there before."""
        if not value or not _is_composite(field):
            return {}
        tree: _Tree = {".": {}}
        if field.kind == "struct":
            fields = self._fields(field.definition)
            for name, item in value.items():
                if name in fields and item is not None:
                    tree[f"f:{name}"] = self._owned(item, fields[name])
            return tree
        assert field.element is not None
        if field.kind == "map" and not _is_composite(field.element):
            tree.update([(f"f:{key}", {}) for key in value])
            return tree
        for key, item in _items(value, field).items():
            tree[key] = self._owned(item, field.element)
        return tree


def _is_composite(field: Field) -> bool:
    """Whether its parts have owners of their own."""
    if field.kind == "list":
        return field.list_type in ("map", "set")
    return field.kind in ("struct", "map") and field.map_type != "atomic"


def _items(value: Any, field: Field) -> Obj:
    """The parts of a map or of a list by the keys that they have in a tree."""
    if field.kind == "map":
        return {f"f:{key}": item for key, item in value.items()}
    if field.list_type == "set":
        return {f"v:{orjson.dumps(item).decode()}": item for item in value}
    keys = sorted(field.list_map_keys)
    return {f"k:{orjson.dumps({key: item[key] for key in keys if key in item}).decode()}": item for item in value}


def _put(changed: _Tree, removed: _Tree, key: str, both: tuple[_Tree | None, _Tree | None]) -> None:
    if both[0] is not None:
        changed[key] = both[0]
    if both[1] is not None:
        removed[key] = both[1]


def _union(one: _Tree, other: _Tree) -> _Tree:
    merged = dict(one)
    for key, tree in other.items():
        if key not in one:
            merged[key] = tree
        elif key != ".":
            merged[key] = _union(_with_dot(one[key]), _with_dot(tree)) if one[key] or tree else {}
    return merged


def _with_dot(tree: _Tree) -> _Tree:
    """A leaf is a member: it stays one when it gets children."""
    return tree or {".": {}}


def _without(tree: _Tree, taken: _Tree) -> _Tree:
    """The members of `tree` that are not in `taken`; {} when none is left."""
    left: _Tree = {}
    for key, children in tree.items():
        if key not in taken:
            left[key] = children
        elif key != "." and (children or taken[key]):
            rest = _without(_with_dot(children), _with_dot(taken[key]))
            if rest:
                left[key] = {} if rest == {".": {}} else rest
    return left
