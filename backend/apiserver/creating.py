"""create. Source: BeforeCreate of k8s.io/apiserver/pkg/registry/rest, and Store.Create of pkg/registry/generic."""

from __future__ import annotations

import random
from collections.abc import Callable

from backend.apiserver import decoding, managedfields
from backend.apiserver.admission.attributes import Attributes
from backend.apiserver.call import Call, One, unstored
from backend.meta import errors
from backend.meta.errors import ApiError
from backend.meta.objectmeta import validate_object_meta
from backend.meta.types import Obj
from backend.meta.uids import new_uid
from backend.store.api import Entry, KeyExists

_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
_MAX_BASE_LENGTH = 63 - _SUFFIX_LENGTH
_NAME_ATTEMPTS = 8
_SET_BY_SERVER = frozenset((
    "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "generation", "uid",
    "creationTimestamp",
))  # fmt: skip


async def create(call: Call) -> One:
    return await create_object(call, await call.aside(decoding.decode, call), managedfields.created)


async def create_object(call: Call, obj: Obj, own: Callable[[Call, Obj], None]) -> One:
    """Admit, validate and store a decoded object; `own` records in place who owns its fields. Raises ApiError."""
    _wipe_system_fields(call, obj["metadata"])
    await call.aside(own, call, obj)
    admission = Attributes(call, "CREATE", obj)
    await call.server.admission.admit(admission)
    obj = admission.new
    meta = obj["metadata"]
    _fill_system_fields(call, meta)
    base = meta.get("generateName")
    generated = bool(base) and not meta.get("name")
    for _ in range(_NAME_ATTEMPTS if generated else 1):
        if generated:
            meta["name"] = _generate_name(base)
        try:
            with call.allocated(obj, None):
                return One(call.resource, await _store(admission), 201)
        except KeyExists:
            meta.pop("resourceVersion", None)
    raise _exists(call, meta, generated=generated)


def _wipe_system_fields(call: Call, meta: Obj) -> None:
    _set_namespace(call, meta)
    if meta.pop("resourceVersion", "") not in ("", "0"):
        raise errors.unfit("resourceVersion should not be set on objects to be created")
    if not _SET_BY_SERVER.isdisjoint(meta):
        for name in _SET_BY_SERVER:
            meta.pop(name, None)


def _fill_system_fields(call: Call, meta: Obj) -> None:
    """After the mutating plugins, whatever they made of the metadata."""
    _set_namespace(call, meta)
    meta["uid"] = new_uid()
    meta["creationTimestamp"] = call.server.now()
    if call.resource.generation:
        meta["generation"] = 1


def _set_namespace(call: Call, meta: Obj) -> None:
    namespace = call.request.namespace
    if not call.resource.namespaced:
        meta.pop("namespace", None)
        return
    if not namespace:
        raise errors.bad_request("an empty namespace may not be set during creation")
    if meta.get("namespace", "") not in ("", namespace):
        text = "the namespace of the provided object does not match the namespace sent on the request"
        raise errors.bad_request(text)
    meta["namespace"] = namespace


def _generate_name(base: str) -> str:
    return base[:_MAX_BASE_LENGTH] + "".join(random.choices(_SUFFIX_ALPHABET, k=_SUFFIX_LENGTH))


async def _store(admission: Attributes) -> Entry:
    """Validate and store. Raises KeyExists."""
    call, obj = admission.call, admission.new
    resource, meta = call.resource, obj["metadata"]
    await call.aside(_validate, call, obj)
    await call.server.admission.validate(admission)
    key = resource.key(call.request.namespace, meta["name"])
    if call.dry_run:
        if call.server.store.get(key) is not None:
            raise KeyExists(key)
        return unstored(key, obj)
    return await call.server.store.create(key, obj)


def _validate(call: Call, obj: Obj) -> None:
    """Also what the kind does to every new object, in place. Raises 422."""
    resource, meta = call.resource, obj["metadata"]
    resource.prepare_create(obj)
    if resource.record_requester is not None:
        resource.record_requester(obj, call.request.user)
    causes = validate_object_meta(meta, namespaced=resource.namespaced, validate_name=resource.validate_name)
    causes += resource.validate(obj)
    if causes:
        raise errors.invalid(resource.qualified_kind, meta.get("name", ""), causes)
    call.warnings.extend(resource.warnings(obj, None))


def _exists(call: Call, meta: Obj, *, generated: bool) -> ApiError:
    qualified, name = call.resource.qualified, meta["name"]
    error = errors.already_exists(qualified, name)
    if generated:
        why = "the server was not able to generate a unique name for the object"
        details = {**(error.details or {}), "retryAfterSeconds": 1}
        return ApiError(409, "AlreadyExists", f"{error.message}, {why}", details)
    entry = call.server.store.get(call.resource.key(call.request.namespace, name))
    if entry is not None and entry.obj["metadata"].get("deletionTimestamp"):
        return ApiError(409, "AlreadyExists", f"object is being deleted: {error.message}", error.details)
    return error
