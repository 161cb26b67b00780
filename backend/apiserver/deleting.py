"""delete and deletecollection.

Sources: Store.Delete and DeleteCollection of k8s.io/apiserver/pkg/registry/generic/registry, BeforeDelete of
pkg/registry/rest, and the namespaces' own deletion in pkg/registry/core/namespace/storage.
"""

from __future__ import annotations

import asyncio
import dataclasses

from backend.apiserver import decoding, options, propagation
from backend.apiserver.admission.attributes import Attributes
from backend.apiserver.call import Call, Many, One, Plain, Result, success, unstored
from backend.apiserver.reading import find, list_objects
from backend.meta import errors, timefmt
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.store.api import Entry, RevisionMismatch

_OPTIONS_SCHEMA = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"

_ANSWER_WITH_OBJECT = frozenset(
    {"pods", "podtemplates", "serviceaccounts", "services", "resourcequotas", "persistentvolumes",
     "persistentvolumeclaims"}
)  # fmt: skip
"""Core resources whose deletion answers the deleted object. Source: ReturnDeletedObject in their storage."""


_AT_ONCE = 64
"""Deletions of a collection that are under way together: the store commits them as one."""


async def delete(call: Call) -> Result:
    """Delete the object, or mark it as being deleted where somebody has to end something first.

    Answers the object while it remains, and what kube-apiserver answers for the kind once it is gone.
    """
    delete_options = delete_options_of(call)
    propagation.warn_of_orphans(call, delete_options)
    return await delete_object(call, delete_options, admitted_name=call.request.name)


async def delete_collection(call: Call) -> Many:
    """Delete all that match, and answer them as they were."""
    delete_options = delete_options_of(call)
    propagation.warn_of_orphans(call, delete_options)
    found = await list_objects(call)
    for start in range(0, len(found.entries), _AT_ONCE):
        batch = found.entries[start : start + _AT_ONCE]
        failed = await asyncio.gather(*(_delete_member(call, entry, delete_options) for entry in batch))
        for error in failed:
            if error is not None:
                raise error
    return Many(call.resource, found.entries, found.metadata)


async def _delete_member(call: Call, entry: Entry, delete_options: Obj) -> Exception | None:
    """The error is returned, so that a batch always ends as a whole. That somebody was faster is none."""
    meta, whole = entry.obj["metadata"], call.request
    request = dataclasses.replace(whole, verb="delete", namespace=meta.get("namespace", ""), name=meta["name"])
    try:
        await delete_object(dataclasses.replace(call, request=request), delete_options, admitted_name="")
    except Exception as error:
        return None if isinstance(error, ApiError) and error.code == 404 else error
    return None


def delete_options_of(call: Call) -> Obj:
    """The DeleteOptions of the body or, when there is none, of the query. Raises 400, 422."""
    query = call.request.query
    if call.request.body is not None:
        _check_kind(call.request.body)
        found = decoding.decode_as(call, _OPTIONS_SCHEMA, "DeleteOptions", "v1")
    else:
        found = {}
        if (seconds := options.integer(query, "gracePeriodSeconds")) is not None:
            found["gracePeriodSeconds"] = seconds
        if (orphan := options.boolean(query, "orphanDependents")) is not None:
            found["orphanDependents"] = orphan
        if "propagationPolicy" in query:
            found["propagationPolicy"] = query["propagationPolicy"]
    options.validate_delete(found)
    if found.get("dryRun"):
        call.dry_run = True
    if (found.get("gracePeriodSeconds") or 0) < 0:
        found["gracePeriodSeconds"] = 1
    return found


async def delete_object(call: Call, delete_options: Obj, *, admitted_name: str | None = None) -> Result:
    """Raises 404, 409 for a precondition. Admission knows the object as `admitted_name`, and is not asked if None."""
    while True:
        old = find(call)
        _check_preconditions(call, delete_options.get("preconditions") or {}, old)
        if admitted_name is not None:
            await _admit(call, delete_options, old, admitted_name)
        try:
            if call.resource.plural == "namespaces" and not call.resource.group:
                return await _delete_namespace(call, old)
            return await _delete(call, delete_options, old)
        except RevisionMismatch:
            continue


async def _admit(call: Call, delete_options: Obj, old: Entry, name: str) -> None:
    attributes = Attributes(call, "DELETE", None, old.obj, name=name, options=delete_options)
    await call.server.admission.pass_through(attributes)


async def _delete(call: Call, delete_options: Obj, old: Entry) -> Result:
    meta = old.obj["metadata"]
    grace = _grace(call, delete_options, old.obj)
    finalizers = propagation.finalizers(call, delete_options, meta)
    if meta.get("deletionTimestamp"):
        granted = meta.get("deletionGracePeriodSeconds")
        if granted is not None and grace is not None:
            asked = delete_options.get("gracePeriodSeconds")
            if asked is None or asked >= granted:
                return One(call.resource, old) if granted or meta.get("finalizers") else await _remove(call, old)
            if asked or finalizers:
                return await _shorten(call, old, asked, finalizers)
        elif finalizers:
            unchanged = finalizers is meta.get("finalizers")
            changed = {**old.obj, "metadata": {**meta, "finalizers": finalizers}}
            return One(call.resource, old) if unchanged else await _store(call, changed, old)
        return await _remove(call, old)
    if grace or finalizers or call.resource.deletion_finalizer:
        return await _mark(call, old, grace or 0, finalizers)
    return await _remove(call, old)


def _grace(call: Call, delete_options: Obj, obj: Obj) -> int | None:
    graceful = call.resource.graceful_delete
    return graceful(obj, delete_options) if graceful is not None else None


async def _mark(call: Call, old: Entry, grace: int, finalizers: list[str]) -> One:
    """The object stays until its finalizers are gone and its grace period is over."""
    meta = _finalized(old, finalizers)
    meta["deletionTimestamp"] = timefmt.format_time(call.server.clock() + grace)
    meta["deletionGracePeriodSeconds"] = grace
    finalizer = call.resource.deletion_finalizer
    if finalizer and finalizer not in (meta.get("finalizers") or ()):
        meta["finalizers"] = [*(meta.get("finalizers") or ()), finalizer]
    if meta.get("generation"):
        meta["generation"] += 1
    return await _store(call, {**old.obj, "metadata": meta}, old)


def _finalized(old: Entry, finalizers: list[str]) -> Obj:
    """New metadata of an object, with these finalizers."""
    meta = {name: value for name, value in old.obj["metadata"].items() if name != "finalizers"}
    if finalizers:
        meta["finalizers"] = finalizers
    return meta


async def _shorten(call: Call, old: Entry, grace: int, finalizers: list[str]) -> One:
    meta = _finalized(old, finalizers)
    asked_at = timefmt.parse(meta["deletionTimestamp"]) - meta["deletionGracePeriodSeconds"]
    meta["deletionTimestamp"] = timefmt.format_time(asked_at + grace)
    meta["deletionGracePeriodSeconds"] = grace
    return await _store(call, {**old.obj, "metadata": meta}, old)


async def _delete_namespace(call: Call, old: Entry) -> Result:
    """First it terminates; what empties it takes the finalizers out of its spec, and then it goes."""
    meta = old.obj["metadata"]
    if not meta.get("deletionTimestamp"):
        meta = {**meta, "deletionTimestamp": call.server.now()}
        status = {**(old.obj.get("status") or {}), "phase": "Terminating"}
        return await _store(call, {**old.obj, "metadata": meta, "status": status}, old)
    if meta.get("finalizers") or (old.obj.get("spec") or {}).get("finalizers"):
        return One(call.resource, old)
    return await _remove(call, old)


async def _store(call: Call, new: Obj, old: Entry) -> One:
    if call.dry_run:
        return One(call.resource, unstored(old.key, new))
    return One(call.resource, await call.server.store.update(old.key, new, revision=old.revision))


async def _remove(call: Call, old: Entry) -> One | Plain:
    resource, meta = call.resource, old.obj["metadata"]
    gone = old if call.dry_run else await call.server.store.delete(old.key, revision=old.revision)
    if resource.plural in _ANSWER_WITH_OBJECT and not resource.group:
        return One(resource, gone)
    details: Obj = {"name": meta["name"]}
    if resource.group:
        details["group"] = resource.group
    details["kind"] = resource.plural
    details["uid"] = meta["uid"]
    return success(200, details)


def _check_kind(body: object) -> None:
    """DeleteOptions are sent under the group version of whatever they are for."""
    if isinstance(body, dict) and body.get("kind") == "DeleteOptions":
        body.pop("apiVersion", None)


def _check_preconditions(call: Call, preconditions: Obj, old: Entry) -> None:
    meta, kind = old.obj["metadata"], call.resource.qualified_kind
    for field, label, why in (
        ("uid", "UID", "The object might have been deleted and then recreated"),
        ("resourceVersion", "ResourceVersion", "The object might have been modified"),
    ):
        asked = preconditions.get(field)
        if asked is not None and asked != meta[field]:
            text = (
                f"the {label} in the precondition ({asked}) does not match the {label} in record ({meta[field]})"
            )
            raise errors.conflict(kind, meta["name"], f"{text}. {why}")
