"""update, and what it shares with patch: a new state replaces the one that it was made from.

Source: BeforeUpdate of k8s.io/apiserver/pkg/registry/rest, and Store.Update of pkg/registry/generic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import orjson

from backend.apiserver import decoding, managedfields
from backend.apiserver.admission.attributes import Attributes
from backend.apiserver.call import Call, One, unstored
from backend.apiserver.reading import find
from backend.meta import errors
from backend.meta.errors import Cause
from backend.meta.objectmeta import validate_object_meta_update
from backend.meta.types import Obj
from backend.store.api import Entry, RevisionMismatch

Transform = Callable[[Entry], Obj]
"""From the present state to a new object, which the caller may change; applied again after each lost race."""

Owners = Callable[[Call, Obj, Obj], managedfields.Entries]
"""(new object, old object) -> the new one's managedFields."""

_ATTEMPTS = 100
"""Lost races before a writer is told so. Each means that another writer got ahead."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What one endpoint of a kind may change.

    `keep(new, old)` puts back, in place, what it may not; `causes(new, old)` are the faults of what is left.
    `owned` gives the part of an object that a client can own by writing here. Source: GetResetFields.
    """

    keep: Callable[[Call, Obj, Obj], None]
    causes: Callable[[Call, Obj, Obj], Sequence[Cause]]
    owned: Callable[[Call, Obj], Obj] = lambda _call, obj: obj


def _keep_main(call: Call, new: Obj, old: Obj) -> None:
    if "status" in call.resource.subresources:
        _carry(new, old, "status")
    if call.resource.prepare_update is not None:
        call.resource.prepare_update(new, old)


def _main_causes(call: Call, new: Obj, old: Obj) -> Sequence[Cause]:
    return call.resource.validate_update(new, old)


def _all_but_status(call: Call, obj: Obj) -> Obj:
    if "status" not in obj or "status" not in call.resource.subresources:
        return obj
    return {name: value for name, value in obj.items() if name != "status"}


def _status(_call: Call, obj: Obj) -> Obj:
    return {name: value for name, value in obj.items() if name in ("apiVersion", "kind", "metadata", "status")}


def _keep_all_but_status(call: Call, new: Obj, old: Obj) -> None:
    for name in {*new, *old} - {"status", "metadata"}:
        _carry(new, old, name)
    _carry(new["metadata"], old["metadata"], "ownerReferences")
    if call.resource.prepare_status_update is not None:
        call.resource.prepare_status_update(new, old)


def _status_causes(call: Call, new: Obj, old: Obj) -> Sequence[Cause]:
    return call.resource.validate_status_update(new, old)


def _carry(new: Obj, old: Obj, name: str) -> None:
    if name in old:
        new[name] = old[name]
    else:
        new.pop(name, None)


MAIN = Endpoint(_keep_main, _main_causes, _all_but_status)
STATUS = Endpoint(_keep_all_but_status, _status_causes, _status)


async def update(call: Call) -> One:
    return await replace(call, MAIN)


async def update_status(call: Call) -> One:
    return await replace(call, STATUS)


async def replace(call: Call, endpoint: Endpoint) -> One:
    """PUT at an endpoint. Without a resourceVersion the newest state is replaced, whatever it is."""
    obj = await call.aside(_decode, call)
    encoded = orjson.dumps(obj)
    fresh: list[Obj] = [obj]

    def transform(_old: Entry) -> Obj:
        decoded: Obj = fresh.pop() if fresh else orjson.loads(encoded)
        return decoded

    return await change(call, endpoint, transform)


def _decode(call: Call) -> Obj:
    obj = decoding.decode(call)
    check_address(call, obj["metadata"])
    return obj


def check_address(call: Call, meta: Obj) -> None:
    """Raises 400 unless metadata in a body is of the object that the URL names."""
    name, namespace = call.request.name, call.request.namespace
    sent = meta.get("name", "")
    if not sent:
        text = f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        raise errors.bad_request(text)
    if sent != name:
        raise errors.bad_request(f"the name of the object ({sent}) does not match the name on the URL ({name})")
    if namespace and meta.get("namespace", "") not in ("", namespace):
        text = f"the namespace of the object ({meta['namespace']}) does not match the namespace on the request"
        raise errors.bad_request(f"{text} ({namespace})")


async def change(call: Call, endpoint: Endpoint, transform: Transform, own: Owners = managedfields.updated) -> One:
    """Store what `transform` makes of the present state, again and again until nobody else got ahead.

    `own` says who owns which fields then. Raises 404, 409 for a stale resourceVersion or another uid, 422. A change of
    nothing writes nothing.
    """
    for _ in range(_ATTEMPTS):
        old = find(call)
        new = await call.aside(transform, old)
        entries = await call.aside(own, call, endpoint.owned(call, new), endpoint.owned(call, old.obj))
        admission = Attributes(call, "UPDATE", new, old.obj)
        await call.server.admission.admit(admission)
        new = admission.new
        _check_precondition(call, new["metadata"], old)
        _carry_metadata(call, new["metadata"], old.obj["metadata"])
        try:
            with call.allocated(new, old.obj) if endpoint is MAIN else nullcontext():
                return One(call.resource, await _settle(admission, endpoint, old, entries))
        except RevisionMismatch:
            continue
    raise errors.modified(call.resource.qualified, call.request.name)


async def _settle(admission: Attributes, endpoint: Endpoint, old: Entry, entries: managedfields.Entries) -> Entry:
    """Validate what was admitted, and store it unless it changes nothing. Raises RevisionMismatch, 422."""
    call, new = admission.call, admission.new
    endpoint.keep(call, new, old.obj)
    if not _set_owners(new, old.obj, entries) and new == old.obj:
        await call.server.admission.validate(admission)
        return old
    await call.aside(_finish, call, endpoint, new, old.obj)
    await call.server.admission.validate(admission)
    return await _store(call, new, old)


def _check_precondition(call: Call, meta: Obj, old: Entry) -> None:
    resource, name = call.resource, call.request.name
    uid, old_uid = meta.get("uid") or "", old.obj["metadata"]["uid"]
    if uid not in ("", old_uid):
        key = f"/registry/{resource.plural}/{old.key.partition('/')[2].partition('/')[2]}"
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old_uid}"
        text = f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {why}"
        raise errors.conflict(resource.qualified, name, text)
    sent = meta.get("resourceVersion") or "0"
    if sent not in ("0", str(old.revision)):
        raise errors.modified(resource.qualified, name)


def _carry_metadata(call: Call, meta: Obj, old: Obj) -> None:
    """What a client cannot change by sending something else, or nothing."""
    meta.pop("selfLink", None)
    for name in (
        "creationTimestamp",
        "deletionTimestamp",
        "resourceVersion",
        "generation",
        "managedFields",
        "uid",
    ):
        _carry(meta, old, name)
    if "deletionGracePeriodSeconds" in old:
        meta.setdefault("deletionGracePeriodSeconds", old["deletionGracePeriodSeconds"])
    if call.resource.namespaced:
        meta.setdefault("namespace", old["namespace"])
    else:
        meta.pop("namespace", None)


def _finish(call: Call, endpoint: Endpoint, new: Obj, old: Obj) -> None:
    """Validate a change, count it and record who made it."""
    resource, meta = call.resource, new["metadata"]
    causes = [*validate_object_meta_update(meta, old["metadata"]), *endpoint.causes(call, new, old)]
    if causes:
        raise errors.invalid(resource.qualified_kind, call.request.name, causes)
    if endpoint is STATUS:
        return
    call.warnings.extend(resource.warnings(new, old))
    if resource.generation and resource.counted(new) != resource.counted(old):
        meta["generation"] = old["metadata"].get("generation", 0) + 1


def _set_owners(new: Obj, old: Obj, entries: managedfields.Entries) -> bool:
    """Write the entries into `new`, which has those of `old`; whether that is a change. That nothing but a time would
    change is none."""
    present = old["metadata"].get("managedFields") or ()
    if entries is present or (new == old and managedfields.same_but_times(entries, present)):
        return False
    if entries:
        new["metadata"]["managedFields"] = list(entries)
    else:
        new["metadata"].pop("managedFields", None)
    return True


async def _store(call: Call, new: Obj, old: Entry) -> Entry:
    """Raises RevisionMismatch."""
    if call.dry_run:
        return unstored(old.key, new)
    if not is_finished(new):
        return await call.server.store.update(old.key, new, revision=old.revision)
    await call.server.store.delete(old.key, revision=old.revision)
    return unstored(old.key, new)


def is_finished(obj: Obj) -> bool:
    """Whether an object that is being deleted has nothing left to wait for. Source: ShouldDeleteDuringUpdate,
    and shouldDeleteNamespaceDuringUpdate for the finalizers that a namespace has in its spec."""
    meta = obj["metadata"]
    if not meta.get("deletionTimestamp") or meta.get("finalizers") or meta.get("deletionGracePeriodSeconds"):
        return False
    return not (obj["kind"] == "Namespace" and (obj.get("spec") or {}).get("finalizers"))
