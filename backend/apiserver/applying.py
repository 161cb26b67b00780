"""Server-side apply: a client says which fields it wants to have which values, and the server keeps who wants what.

Sources: applyPatcher of k8s.io/apiserver/pkg/endpoints/handlers/patch.go, and the managers of
k8s.io/apimachinery/pkg/util/managedfields/internal.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from backend.apiserver import creating, decoding, managedfields, options
from backend.apiserver.authorization.attributes import MASTERS, Attributes
from backend.apiserver.authorization.refusal import require_also
from backend.apiserver.call import Call, One
from backend.apiserver.managedfields import Entries
from backend.apiserver.merging import Applied, Conflicts, Merging, conflict_error
from backend.apiserver.updating import MAIN, Endpoint, change
from backend.meta import errors
from backend.meta.duplicates import repeated_keys
from backend.meta.errors import ApiError
from backend.meta.structured import sets
from backend.meta.structured.sets import Tree
from backend.meta.structured.types import Type
from backend.meta.structured.values import compare, faults, field_set
from backend.meta.types import Obj
from backend.store.api import Entry

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_KUBECTL = "kubectl"
"""The manager whose applies take over what `kubectl apply` recorded in its annotation."""


async def apply_at(call: Call, endpoint: Endpoint) -> One:
    """Apply the body, creating the object where the endpoint is the object's own.

    Raises 400, 409 with all conflicts, 422, and 500 without a reason for what does not fit the schema.
    """
    config = call.request.body if call.request.body is not None else {}
    _check(call, config)
    repeated = await _repeated_keys(call)
    while True:
        if endpoint is MAIN and call.server.store.get(call.key) is None:
            try:
                return await _create(call, config, repeated)
            except ApiError as error:
                if error.reason != "AlreadyExists" or call.server.store.get(call.key) is None:
                    raise
        try:

            def transform(old: Entry) -> Obj:
                return _changed(call, endpoint, config, repeated, old)

            return await change(call, endpoint, transform, _as_applied)
        except ApiError as error:
            if error.code != 404 or endpoint is not MAIN or call.server.store.get(call.key) is not None:
                raise


async def _repeated_keys(call: Call) -> list[str]:
    """What strict field validation objects to that the body as it was read does not show."""
    request = call.request
    raw = request.raw_body
    if raw is None or request.query.get("fieldValidation") != "Strict":
        return []
    if len(raw.rstrip()) == len(orjson.dumps(request.body)):
        return []  # what was sent compactly, with each key once, is as long when it is encoded again
    return await asyncio.to_thread(repeated_keys, raw)


def _check_keys(repeated: list[str]) -> None:
    """kube-apiserver says so last, when all else is well."""
    if repeated:
        lines = "\n  ".join(["yaml: unmarshal errors:", *repeated])
        raise errors.bad_request(f"error strict decoding YAML: error converting YAML to JSON: {lines}")


async def _create(call: Call, config: Obj, repeated: list[str]) -> One:
    applied = _apply(call, MAIN, config, {})
    _check_keys(repeated)
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


def _changed(call: Call, endpoint: Endpoint, config: Obj, repeated: list[str], old: Entry) -> Obj:
    call.warnings.clear()
    applied = _apply(call, endpoint, config, old.obj)
    _check_keys(repeated)
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
        raise errors.unfit(f"failed to create typed patch object ({what}): {why}")
    merging = Merging(call, kind, live, endpoint.owned(call, config))
    manager = options.field_manager(call.request)
    try:
        applied = merging.run(force=bool(options.boolean(call.request.query, "force")))
    except Conflicts as conflicts:
        found = conflicts.found
        if manager == _KUBECTL and (allowed := _applied_before(live, kind, call.resource.api_version)) is not None:
            found = [conflict for conflict in found if not sets.has(allowed, conflict.path)]
        if found:
            raise conflict_error(found) from None
        applied = merging.run(force=True)
    if manager == _KUBECTL:
        _keep_annotation(applied.obj, config)
    return applied


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
