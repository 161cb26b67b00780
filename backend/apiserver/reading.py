"""get and list."""

from __future__ import annotations

import asyncio
from typing import Any

from backend.apiserver import options, paging
from backend.apiserver.call import Call, Many, One
from backend.apiserver.selection import Selection, select
from backend.meta import causes, errors
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.store.api import Compacted, Entry, Snapshot

PACE = 64
"""Objects that are worked on before others get their turn on the event loop."""

_TOO_OLD = "The resourceVersion for the provided list is too old."
_TOKEN_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without"
    " the continue parameter, or use the continue token in this response to retrieve the remainder of the results."
    " Continuing with the provided token results in an inconsistent list - objects that were created, modified, or"
    " deleted between the time the first chunk was returned and now may show up in the list."
)


def find(call: Call) -> Entry:
    """The object that the request names. Raises 404."""
    entry = call.server.store.get(call.key)
    if entry is None:
        raise errors.not_found(call.resource.qualified, call.request.name)
    return entry


async def get(call: Call) -> One:
    """Always the newest state, which satisfies any resourceVersion that the store has reached."""
    asked = call.request.query.get("resourceVersion")
    if asked:
        _check_reached(call, options.revision(asked))
    return One(call.resource, find(call))


async def list_objects(call: Call) -> Many:
    """One page, or all, of a consistent snapshot."""
    query = call.request.query
    selection = select(call)
    if not query:
        snapshot = call.server.store.list(collection_prefix(call))
        return Many(call.resource, snapshot.entries, {"resourceVersion": str(snapshot.revision)})
    options.check("ListOptions", list_causes(query))
    limit = max(options.integer(query, "limit") or 0, 0)
    prefix = collection_prefix(call)
    token = query.get("continue", "")
    if token:
        if query.get("resourceVersion", "") not in ("", "0"):
            raise errors.bad_request("specifying resource version is not allowed when using continue")
        place = paging.Continue.decode(token)
        if place.revision < 0:
            snapshot = call.server.store.list(prefix)
        else:
            again = paging.Continue(-1, place.start).encode()
            snapshot = await _past(call, prefix, place.revision, errors.expired(_TOKEN_TOO_OLD, again))
        start = paging.position(snapshot.entries, prefix + place.start)
    else:
        snapshot, start = await _start(call, prefix, limit, selection), 0
    entries, after = await _page(snapshot, selection, start, limit)
    metadata: Obj = {"resourceVersion": str(snapshot.revision)}
    if after < len(snapshot.entries):
        last = snapshot.entries[after - 1].key[len(prefix) :]
        metadata["continue"] = paging.Continue(snapshot.revision, last + "\0").encode()
        if selection.everything:
            metadata["remainingItemCount"] = len(snapshot.entries) - after
        call.server.snapshots.keep(prefix, snapshot)
    return Many(call.resource, entries, metadata)


def collection_prefix(call: Call) -> str:
    """The store prefix of what the request spans: a collection, or one namespace of it."""
    namespace = call.request.namespace
    return (
        f"{call.resource.prefix}{namespace}/" if namespace and call.resource.namespaced else call.resource.prefix
    )


def list_causes(query: Any) -> list[Cause]:
    """Source: ValidateListOptions of k8s.io/apimachinery/pkg/apis/meta/internalversion/validation."""
    found: list[Cause] = []
    match = query.get("resourceVersionMatch", "")
    if match:
        path = "resourceVersionMatch"
        if not query.get("resourceVersion"):
            found.append(causes.forbidden(path, f"{path} is forbidden unless resourceVersion is provided"))
        if query.get("continue"):
            found.append(causes.forbidden(path, f"{path} is forbidden when continue is provided"))
        if match not in ("Exact", "NotOlderThan"):
            found.append(causes.not_supported(path, match, ("Exact", "NotOlderThan", "")))
        if match == "Exact" and query.get("resourceVersion") == "0":
            found.append(causes.forbidden(path, f'{path} "exact" is forbidden for resourceVersion "0"'))
    if "sendInitialEvents" in query:
        found.append(causes.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    return found


def _check_reached(call: Call, revision: int) -> None:
    if revision > call.server.store.revision:
        raise options.too_large(revision, call.server.store.revision)


async def _start(call: Call, prefix: str, limit: int, selection: Selection) -> Snapshot:
    """The snapshot of a first page. A limit with a resourceVersion and no match means that exact revision."""
    query = call.request.query
    revision = options.revision(query.get("resourceVersion", ""))
    _check_reached(call, revision)
    match = query.get("resourceVersionMatch", "")
    if revision and (match == "Exact" or (limit and not match)):
        return await _past(call, prefix, revision, errors.expired(_TOO_OLD))
    store = call.server.store
    if selection.name and (call.request.namespace or not call.resource.namespaced):
        entry = store.get(call.resource.key(call.request.namespace, selection.name))
        return Snapshot([entry] if entry is not None else [], store.revision)
    return store.list(prefix)


async def _past(call: Call, prefix: str, revision: int, too_old: errors.ApiError) -> Snapshot:
    _check_reached(call, revision)
    try:
        return await call.server.snapshots.at(prefix, revision)
    except Compacted:
        raise too_old from None


async def _page(snapshot: Snapshot, selection: Selection, start: int, limit: int) -> tuple[list[Entry], int]:
    """The entries of a page, and the index at which the next one starts."""
    entries = snapshot.entries
    if selection.everything:
        end = min(start + limit, len(entries)) if limit else len(entries)
        return entries[start:end], end
    found: list[Entry] = []
    for index in range(start, len(entries)):
        if selection.matches(entries[index].obj):
            found.append(entries[index])
            if len(found) == limit:
                return found, index + 1
        if index % PACE == PACE - 1:
            await asyncio.sleep(0)
    return found, len(entries)
