"""Server-side apply: a client says which fields it wants to have which values, and the server keeps who wants what.

Sources: applyPatcher of k8s.io/apiserver/pkg/endpoints/handlers/patch.go, the managers of
k8s.io/apimachinery/pkg/util/managedfields/internal, and Updater.Apply of sigs.k8s.io/structured-merge-diff/merge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from backend.apiserver import creating, decoding, managedfields, options
from backend.apiserver.authorization.attributes import MASTERS, Attributes
from backend.apiserver.authorization.refusal import require_also
from backend.apiserver.call import Call, One
from backend.apiserver.managedfields import Entries, identity
from backend.apiserver.updating import MAIN, Endpoint, change
from backend.meta import errors
from backend.meta.errors import ApiError
from backend.meta.structured import sets
from backend.meta.structured.sets import Path, Tree
from backend.meta.structured.types import Type
from backend.meta.structured.values import compare, faults, field_set, merge, remove
from backend.meta.types import Obj
from backend.store.api import Entry

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_KUBECTL = "kubectl"
"""The manager whose applies take over what `kubectl apply` recorded in its annotation."""
_BEFORE = "before-first-apply"


@dataclass(frozen=True, slots=True)
class Applied:
    """An object after an apply, and who owns what of it then."""

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


async def apply_at(call: Call, endpoint: Endpoint) -> One:
    """Apply the body, creating the object where the endpoint is the object's own.

    Raises 400, 409 with all conflicts, 422, and 500 without a reason for what does not fit the schema.
    """
    config = call.request.body if call.request.body is not None else {}
    _check(call, config)
    while True:
        if endpoint is MAIN and call.server.store.get(call.key) is None:
            try:
                return await _create(call, config)
            except ApiError as error:
                if error.reason != "AlreadyExists" or call.server.store.get(call.key) is None:
                    raise
        try:
            return await change(call, endpoint, lambda old: _changed(call, endpoint, config, old), _as_applied)
        except ApiError as error:
            if error.code != 404 or endpoint is not MAIN or call.server.store.get(call.key) is not None:
                raise


async def _create(call: Call, config: Obj) -> One:
    applied = _apply(call, MAIN, config, {})
    obj = _decoded(call, applied.obj)
    meta = obj["metadata"]
    if meta.get("uid"):
        why = f"uid mismatch: the provided object specified uid {meta['uid']}, and no existing object was found"
        raise errors.conflict(call.resource.qualified, call.request.name, why)
    meta.pop("resourceVersion", None)
    _check_name(call, meta)
    _check_allowed(call)

    def own(_call: Call, new: Obj) -> None:
        new["metadata"]["managedFields"] = applied.entries

    return await creating.create_object(call, obj, own)


def _check_allowed(call: Call) -> None:
    """Who may patch may not therefore create. Source: withAuthorization of endpoints/handlers/create.go."""
    request = call.request
    if MASTERS not in request.user.groups:
        asked = Attributes(
            request.user, "patch", request.group, request.resource, "", request.namespace, request.name
        )
        require_also(call.server.authorizer, asked, "create")


def _changed(call: Call, _endpoint: Endpoint, config: Obj, old: Entry) -> Obj:
    call.warnings.clear()
    applied = _apply(call, _endpoint, config, old.obj)
    obj = _decoded(call, applied.obj)
    _check_name(call, obj["metadata"])
    obj["metadata"]["managedFields"] = applied.entries
    return obj


def _as_applied(_call: Call, new: Obj, _old: Obj) -> Entries:
    entries: list[Obj] = new["metadata"]["managedFields"]
    return entries


def _check(call: Call, config: Any) -> None:
    resource = call.resource
    if not isinstance(config, dict):
        found = {str: "string", list: "array", bool: "bool"}.get(type(config), "number")
        where = "error unmarshaling JSON: while decoding JSON"
        text = f"{where}: json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
        raise errors.bad_request(f"error decoding YAML: {text}")
    if (config.get("apiVersion"), config.get("kind")) != (resource.api_version, resource.kind):
        raise errors.bad_request(f"invalid object type: {_group_version_kind(config)}")
    meta = config.get("metadata")
    if isinstance(meta, dict) and meta.get("managedFields") is not None:
        raise errors.bad_request("metadata.managedFields must be nil")


def _group_version_kind(obj: Obj) -> str:
    group, _, version = str(obj.get("apiVersion") or "").rpartition("/")
    return f"{group}/{version}, Kind={obj.get('kind') or ''}"


def _check_name(call: Call, meta: Obj) -> None:
    """Source: patcher.applyPatch."""
    name, namespace = call.request.name, call.request.namespace
    if call.resource.namespaced and meta.get("namespace", "") not in ("", namespace):
        text = "the namespace of the provided object does not match the namespace sent on the request"
        raise errors.bad_request(text)
    sent = meta.get("name", "")
    if not sent:
        text = f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        raise errors.bad_request(text)
    if sent != name:
        raise errors.bad_request(f"the name of the object ({sent}) does not match the name on the URL ({name})")


def _decoded(call: Call, obj: Obj) -> Obj:
    """The merged document as a new object of the kind, with its defaults."""
    resource = call.resource
    decoded = call.server.schemas.decode(obj, resource.schema, resource.kind, resource.version)
    return decoding.complete(call, decoded.obj)


def _apply(call: Call, endpoint: Endpoint, config: Obj, live: Obj) -> Applied:
    """`live` ({} if there is none) after the apply. Raises 409 for conflicts, unless they are forced."""
    kind = managedfields.type_of(call)
    wrong = faults(config, kind)
    if wrong:
        sent = config.get("metadata")
        meta: Obj = sent if isinstance(sent, dict) else {}
        what = f"{meta.get('namespace') or ''}/{meta.get('name') or ''}; {_group_version_kind(config)}"
        why = wrong[0] if len(wrong) == 1 else "\n  ".join(["errors:", *wrong])
        raise ApiError(500, "", f"failed to create typed patch object ({what}): {why}")
    merging = _Merging(call, kind, live, endpoint.owned(call, config))
    manager = options.field_manager(call.request)
    try:
        applied = merging.run(force=bool(options.boolean(call.request.query, "force")))
    except Conflicts as conflicts:
        found = conflicts.found
        if manager == _KUBECTL and (allowed := _applied_before(live, kind, call.resource.api_version)) is not None:
            found = [conflict for conflict in found if not sets.has(allowed, conflict.path)]
        if found:
            raise _conflict_error(found) from None
        applied = merging.run(force=True)
    if manager == _KUBECTL:
        _keep_annotation(applied.obj, config)
    return applied


class _Merging:
    """One apply of `config` to `live`, by the request's manager."""

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
        merged = merge(self._live, self._config, self._kind) if self._live else self._config
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


def _conflict_error(found: list[Conflict]) -> ApiError:
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


def _applied_before(live: Obj, kind: Type, api_version: str) -> Tree | None:
    """The fields that `kubectl apply` set and that still are as it set them; None if there is no record of it.

    Source: allowedConflictsFromLastApplied.
    """
    text = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    if not text:
        return None
    try:
        applied = orjson.loads(text)
    except ValueError:
        return None
    if not isinstance(applied, dict) or applied.get("apiVersion") != api_version or faults(applied, kind):
        return None
    changed, removed = compare(applied, live, kind)
    return sets.difference(sets.difference(field_set(applied, kind), changed), removed)


def _keep_annotation(obj: Obj, config: Obj) -> None:
    """Where an object has the annotation of `kubectl apply`, it says what was applied now. `obj` is a new dict, whose
    parts are shared. Source: lastAppliedUpdater."""
    meta = obj.get("metadata") or {}
    annotations = meta.get("annotations") or {}
    if not annotations.get(LAST_APPLIED):
        return
    own = dict(config.get("metadata") or {})
    if isinstance(own.get("annotations"), dict):
        own["annotations"] = {key: text for key, text in own["annotations"].items() if key != LAST_APPLIED}
    text = orjson.dumps({**config, "metadata": own}, option=orjson.OPT_SORT_KEYS).decode() + "\n"
    obj["metadata"] = {**meta, "annotations": {**annotations, LAST_APPLIED: text}}
