"""The one client of the control plane's parts, over whichever transport the wiring gave it.

In the backend's own process the transport calls the API server's handler with dicts; from another process it
speaks HTTP. The code that uses a Client cannot tell. Every method raises backend.meta.errors.ApiError.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from backend.meta.types import ApiRequest, Obj, User

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class GVR:
    """A resource's address: group ("" for core), version and plural."""

    group: str
    version: str
    resource: str


PODS = GVR("", "v1", "pods")
NODES = GVR("", "v1", "nodes")
NAMESPACES = GVR("", "v1", "namespaces")
SECRETS = GVR("", "v1", "secrets")
CONFIGMAPS = GVR("", "v1", "configmaps")
EVENTS = GVR("", "v1", "events")
SERVICE_ACCOUNTS = GVR("", "v1", "serviceaccounts")


@dataclass(slots=True)
class WatchEvent:
    """Nobody changes it, nor `object`, which is the shared, cached one. Bookmarks carry only a resourceVersion."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: Obj


Take = Callable[[WatchEvent], bool]
"""Takes an event from the event loop itself, without waiting; False for one that the reader is to get."""


class Transport(Protocol):
    """What carries requests to an API server: backend.apiserver.handler is one, an HTTP connection another."""

    async def request(self, request: ApiRequest) -> Obj:
        """The answer's object: the one asked for, a List, or a Status."""

    def watch(
        self, request: ApiRequest, take: Take | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:
        """A watch, until the context ends. Entering it raises 410 Expired for a compacted resourceVersion;
        a reader that lags gets 410 raised from the iterator. The iterator ends when the server closes.

        While the iterator waits, a transport may give changes to `take`, which costs less than to wake up a task: still
        each change once, and in order. What `take` raises is as if it had answered False.
        """


class Client:
    """Requests under one identity. Answers from this process are shared: copy before changing them."""

    def __init__(self, transport: Transport, user: User) -> None:
        self._transport = transport
        self._user = user

    async def get(self, gvr: GVR, name: str, namespace: str = "", subresource: str = "") -> Obj:
        return await self._do("get", gvr, namespace, name, subresource)

    async def list(self, gvr: GVR, namespace: str = "", **query: str) -> Obj:
        """The List object. `query` is labelSelector, fieldSelector, limit, `continue`..."""
        return await self._do("list", gvr, namespace, query=query)

    def watch(
        self, gvr: GVR, resource_version: str, namespace: str = "", *, take: Take | None = None, **query: str
    ) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]:
        query = {**query, "resourceVersion": resource_version, "allowWatchBookmarks": "true"}
        request = ApiRequest(
            "watch", gvr.group, gvr.version, gvr.resource, namespace, query=query, user=self._user
        )
        return self._transport.watch(request, take)

    async def create(self, gvr: GVR, obj: Obj, namespace: str = "", name: str = "", subresource: str = "") -> Obj:
        """`name` and `subresource` for posts such as pods/NAME/binding. The transport takes `obj` over."""
        return await self._do("create", gvr, namespace, name, subresource, body=obj)

    async def update(self, gvr: GVR, obj: Obj, subresource: str = "") -> Obj:
        """Replace; a metadata.resourceVersion in `obj` makes it conditional (409 Conflict)."""
        meta = obj["metadata"]
        return await self._do("update", gvr, meta.get("namespace", ""), meta["name"], subresource, body=obj)

    async def patch(
        self, gvr: GVR, name: str, patch: Any, namespace: str = "",
        subresource: str = "", content_type: str = MERGE_PATCH,
    ) -> Obj:  # fmt: skip
        return await self._do("patch", gvr, namespace, name, subresource, body=patch, content_type=content_type)

    async def delete(self, gvr: GVR, name: str, namespace: str = "", options: Obj | None = None) -> Obj:
        """`options` is a DeleteOptions body: gracePeriodSeconds, preconditions, propagationPolicy."""
        return await self._do("delete", gvr, namespace, name, body=options)

    async def delete_collection(
        self, gvr: GVR, namespace: str = "", options: Obj | None = None, **query: str
    ) -> Obj:
        return await self._do("deletecollection", gvr, namespace, query=query, body=options)

    async def _do(
        self, verb: str, gvr: GVR, namespace: str, name: str = "", subresource: str = "",
        *, query: Mapping[str, str] | None = None, body: Any = None, content_type: str = "application/json",
    ) -> Obj:  # fmt: skip
        return await self._transport.request(
            ApiRequest(
                verb, gvr.group, gvr.version, gvr.resource, namespace, name, subresource,
                query or {}, body, None, content_type, self._user,
            )
        )  # fmt: skip
