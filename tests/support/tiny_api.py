"""An API server in a few lines, in memory: enough for a kubelet, its events and its leases."""

from __future__ import annotations

import asyncio
import copy
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from backend.machinery.client import Take, WatchEvent
from backend.meta.errors import ApiError, already_exists, not_found
from backend.meta.timefmt import format_time
from backend.meta.types import ApiRequest, Obj


class TinyApi:
    """A `machinery.client.Transport`. `requests` has what was asked, for tests that count."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Obj] = {}
        self.requests: list[ApiRequest] = []
        self._revision = itertools.count(1)
        self._uids = itertools.count(1)
        self._tokens = itertools.count(1)
        self.refuse_tokens = ""
        self.now = time.time
        self._watchers: dict[asyncio.Queue[WatchEvent], ApiRequest] = {}

    async def request(self, request: ApiRequest) -> Obj:
        self.requests.append(request)
        await asyncio.sleep(0)
        return getattr(self, f"_{request.verb}")(request)

    @asynccontextmanager
    async def watch(
        self, request: ApiRequest, take: Take | None = None
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        queue: asyncio.Queue[WatchEvent] = asyncio.Queue()
        self._watchers[queue] = request

        async def events() -> AsyncIterator[WatchEvent]:
            while True:
                yield await queue.get()

        try:
            yield events()
        finally:
            del self._watchers[queue]

    def watching(self) -> list[ApiRequest]:
        return [*self._watchers.values()]

    def put(self, resource: str, obj: Obj) -> Obj:
        """Create or replace, as somebody else would."""
        meta = obj["metadata"]
        key = (resource, meta.get("namespace", ""), meta["name"])
        old = self.objects.get(key)
        new = copy.deepcopy(obj)
        new["metadata"].setdefault("uid", old["metadata"]["uid"] if old else f"uid-{next(self._uids)}")
        new["metadata"]["resourceVersion"] = str(next(self._revision))
        self.objects[key] = new
        self._tell(resource, "MODIFIED" if old else "ADDED", new)
        return new

    def remove(self, resource: str, name: str, namespace: str = "default") -> None:
        self._tell(resource, "DELETED", self.objects.pop((resource, namespace, name)))

    def _get(self, request: ApiRequest) -> Obj:
        key = (request.resource, request.namespace, request.name)
        if key not in self.objects:
            raise not_found(request.resource, request.name)
        return self.objects[key]

    def _list(self, request: ApiRequest) -> Obj:
        items = [obj for (resource, _, _), obj in self.objects.items() if resource == request.resource]
        items = [obj for obj in items if _selected(request, obj)]
        return {"metadata": {"resourceVersion": str(next(self._revision))}, "items": items}

    def _create(self, request: ApiRequest) -> Obj:
        if request.subresource == "token":
            return self._token(request.body["spec"])
        key = (request.resource, request.namespace, request.body["metadata"]["name"])
        if key in self.objects:
            raise already_exists(request.resource, key[2])
        return self.put(request.resource, request.body)

    def _token(self, spec: Obj) -> Obj:
        """One that tells how many there were before it, and ends when its time is over by `now`."""
        if self.refuse_tokens:
            raise ApiError(403, "Forbidden", self.refuse_tokens)
        text = f"token-{next(self._tokens)} for {spec.get('audiences', ['the API server'])[0]}"
        until = format_time(self.now() + spec["expirationSeconds"])
        return {"spec": spec, "status": {"token": text, "expirationTimestamp": until}}

    def _patch(self, request: ApiRequest) -> Obj:
        old = self._get(request)
        uid = request.body.get("metadata", {}).get("uid")
        if uid not in (None, old["metadata"]["uid"]):
            raise ApiError(409, "Conflict", "uid mismatch")
        return self.put(request.resource, _merged(old, request.body))

    def _delete(self, request: ApiRequest) -> Obj:
        old = self._get(request)
        options = request.body or {}
        if options.get("preconditions", {}).get("uid") not in (None, old["metadata"]["uid"]):
            raise ApiError(409, "Conflict", "uid mismatch")
        grace = options.get("gracePeriodSeconds", old.get("spec", {}).get("terminationGracePeriodSeconds", 30))
        if request.resource == "pods" and grace:
            meta = {
                **old["metadata"],
                "deletionTimestamp": "2023-11-14T22:13:20Z",
                "deletionGracePeriodSeconds": grace,
            }
            return self.put("pods", {**old, "metadata": meta})
        if not old["metadata"].get("finalizers"):
            self.remove(request.resource, request.name, request.namespace)
        return old

    def _tell(self, resource: str, kind: Any, obj: Obj) -> None:
        for queue, request in self._watchers.items():
            if request.resource == resource and _selected(request, obj):
                queue.put_nowait(WatchEvent(kind, obj))


def _selected(request: ApiRequest, obj: Obj) -> bool:
    meta = obj["metadata"]
    if request.namespace and meta.get("namespace", "") != request.namespace:
        return False
    selector = request.query.get("fieldSelector", "")
    if not selector:
        return True
    field, _, wanted = selector.partition("=")
    return wanted == (
        meta["name"] if field == "metadata.name" else obj.get("spec", {}).get(field.removeprefix("spec."))
    )


def _merged(old: Any, patch: Any, key: str = "") -> Any:
    if key == "conditions":
        kept = {one["type"]: one for one in old or ()}
        merged = {**kept, **{one["type"]: one for one in patch}}
        return [one for one in merged.values() if one.get("$patch") != "delete"]
    if isinstance(patch, list):
        return [entry for entry in patch if "$patch" not in entry]
    if not isinstance(patch, dict):
        return patch
    merged = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value, name)
    return merged
