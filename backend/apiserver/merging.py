"""One apply: a configuration goes into an object, and who owns which field changes with it.

Sources: Updater.Apply of sigs.k8s.io/structured-merge-diff/merge, and the managers of
k8s.io/apimachinery/pkg/util/managedfields/internal.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from backend.apiserver import managedfields, options
from backend.apiserver.call import Call
from backend.apiserver.managedfields import identity
from backend.meta.errors import ApiError
from backend.meta.structured import sets
from backend.meta.structured.sets import Path, Tree
from backend.meta.structured.types import Type
from backend.meta.structured.values import compare, field_set, merge, remove
from backend.meta.types import Obj

_BEFORE = "before-first-apply"


@dataclass(frozen=True, slots=True)
class Applied:
    """An object after an apply, and who owns what of it then. The object is a new dict whose parts are shared."""

    obj: Obj
    entries: list[Obj]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that an apply would change and another manager owns."""

    entry: Obj
    path: Path


class Conflicts(Exception):
    def __init__(self, found: list[Conflict]) -> None:
        super().__init__("conflicts")
        self.found = found


class Merging:
    """One apply of `config` to `live` ({} if there is no object yet), by the request's manager."""

    def __init__(self, call: Call, kind: Type, live: Obj, config: Obj) -> None:
        self._call = call
        self._kind = kind
        self._config = config
        meta = dict(live.get("metadata") or {})
        present = meta.pop("managedFields", None) or []
        self._live: Obj = {**live, "metadata": meta} if live else {}
        self._set = field_set(config, kind)
        self._mine: Obj = {
            "manager": options.field_manager(call.request), "operation": "Apply",
            "apiVersion": call.resource.api_version, "fieldsType": "FieldsV1",
            "fieldsV1": sets.difference(self._set, managedfields.UNTRACKED),
        }  # fmt: skip
        if call.request.subresource:
            self._mine["subresource"] = call.request.subresource
        self._entries = present or self._before()

    def _before(self) -> list[Obj]:
        """What an object has whose fields nobody owned until now. Source: skipNonAppliedManager."""
        changed, _ = compare({}, self._live, self._kind)
        fields = sets.difference(changed, managedfields.UNTRACKED)
        if not fields:
            return []
        now, version = self._call.server.now(), self._call.resource.api_version
        return [
            {"manager": _BEFORE, "operation": "Update", "apiVersion": version, "time": now,
             "fieldsType": "FieldsV1", "fieldsV1": fields}
        ]  # fmt: skip

    def run(self, *, force: bool) -> Applied:
        """Raises Conflicts."""
        who = identity(self._mine)
        last = next((entry for entry in self._entries if identity(entry) == who), None)
        others = [entry for entry in self._entries if identity(entry) != who]
        merged = merge(self._live, self._config, self._kind) if self._live else dict(self._config)
        if last is not None and last.get("fieldsV1"):
            merged = self._pruned(merged, last["fieldsV1"], others)
        changed, removed = compare(self._live, merged, self._kind)
        entries, conflicts = _taken_over(others, changed, removed)
        if conflicts and not force:
            raise Conflicts(conflicts)
        mine = dict(self._mine)
        time = self._call.server.now() if merged != self._live else (last or {}).get("time")
        if time:
            mine["time"] = time
        if mine["fieldsV1"]:
            entries.append(mine)
        return Applied(merged, managedfields.ordered(entries))

    def _pruned(self, merged: Obj, last: Tree, others: list[Obj]) -> Obj:
        """`merged` without what this manager applied the last time and nobody applies or owns now."""
        kind = self._kind
        owned = self._set
        for entry in others:
            owned = sets.union(owned, entry.get("fieldsV1") or {})
        if not sets.difference(last, owned):
            return merged
        last, owned = sets.with_structs(last, kind), sets.with_structs(owned, kind)
        everything = sets.with_structs(field_set(merged, kind), kind)
        pruned = remove(merged, last, kind) or {}
        left = sets.with_structs(field_set(pruned, kind), kind)
        pruned = remove(merged, sets.difference(everything, sets.union(left, owned)), kind) or {}
        left = sets.with_structs(field_set(pruned, kind), kind)
        gone = sets.intersection(sets.difference(everything, left), last)
        without: Obj = remove(merged, gone, kind) or {}
        return without


def _taken_over(others: list[Obj], changed: Tree, removed: Tree) -> tuple[list[Obj], list[Conflict]]:
    """The entries of other managers without what is changed or removed, and what of theirs is changed."""
    entries: list[Obj] = []
    conflicts: list[Conflict] = []
    for entry in others:
        fields = entry.get("fieldsV1") or {}
        shared = sets.intersection(fields, changed)
        conflicts += [Conflict(entry, path) for path in sets.members(shared)]
        left = sets.difference(sets.difference(fields, shared), removed)
        if left:
            entries.append({**entry, "fieldsV1": left})
    return entries, conflicts


def conflict_error(found: list[Conflict]) -> ApiError:
    """Source: NewConflictError."""
    found = sorted(found, key=lambda conflict: identity(conflict.entry))
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {_manager(conflict.entry)}",
            "field": sets.path_text(conflict.path),
        }
        for conflict in found
    ]
    if len(found) == 1:
        text = f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        lines: list[str] = []
        for conflict in found:
            heading = f"conflicts with {_manager(conflict.entry)}:"
            if heading not in lines:
                lines.append(heading)
            lines.append(f"- {sets.path_text(conflict.path)}")
        text = f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)
    return ApiError(409, "Conflict", text, {"causes": causes})


def _manager(entry: Obj) -> str:
    text = orjson.dumps(entry.get("manager", "")).decode()
    if entry.get("subresource"):
        text += f' with subresource "{entry["subresource"]}"'
    return f"{text} using {entry.get('apiVersion', '')}" if entry.get("operation") == "Update" else text
