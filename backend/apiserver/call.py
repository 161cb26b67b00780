"""One request on its way through the registry, and the forms that its answer can take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, TypeVar, TypeVarTuple, Unpack

import orjson

from backend.apiserver.custom.conversion import ConvertedStore
from backend.apiserver.paging import Snapshots
from backend.apiserver.versions import VersionedStore
from backend.meta import timefmt
from backend.meta.schema import Schemas
from backend.meta.types import ApiRequest, Obj
from backend.resources.catalog import Catalog
from backend.resources.resource import Resource
from backend.store.api import Entry, Store

if TYPE_CHECKING:
    from backend.apiserver.admission.chain import Chain
    from backend.apiserver.allocation.services import ServiceAllocator
    from backend.apiserver.authentication.bearer_tokens import BearerTokens
    from backend.apiserver.authorization.cluster import ClusterAuthorizer
    from backend.apiserver.resource_metrics.serving import Meters

_NOTHING = nullcontext()

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LARGE_BODY = 64 * 1024
"""Bytes from which decoding and validating an object may take longer than the event loop should be held."""


@lru_cache(maxsize=2)
def _format_second(second: int) -> str:
    return timefmt.format_time(second)


@dataclass(frozen=True, slots=True)
class Server:
    """What every request works with. `clock` gives seconds since the epoch."""

    store: Store
    catalog: Catalog
    schemas: Schemas
    clock: Callable[[], float]
    snapshots: Snapshots
    admission: Chain
    authorizer: ClusterAuthorizer
    tokens: BearerTokens | None = None
    """None: no service account can have a token."""
    allocators: Mapping[Resource, ServiceAllocator] = field(default_factory=dict)
    meters: Meters | None = None
    """None: there is no kubelet to ask for metrics."""
    views: dict[Resource, tuple[Server, VersionedStore]] = field(default_factory=dict)

    def serving(self, resource: Resource) -> Server:
        """The server as requests for a kind see it, whose objects may be stored as those of another kind."""
        if resource.stored_as is None:
            return self
        view = self.views.get(resource)
        if view is None:
            store = (VersionedStore if resource.conversion is None else ConvertedStore)(self.store, resource)
            server = Server(
                store, self.catalog, self.schemas, self.clock, Snapshots(store, self.clock), self.admission,
                self.authorizer, self.tokens,
            )  # fmt: skip
            view = self.views[resource] = (server, store)
        return view[0]

    def drop_views(self) -> None:
        """Let go of kinds that are no longer served; their watches end."""
        served = frozenset(self.catalog)
        for resource in [resource for resource in self.views if resource not in served]:
            self.views.pop(resource)[1].end_watches()

    def now(self) -> str:
        """The present as metav1.Time, which has whole seconds."""
        return _format_second(int(self.clock()))


@dataclass(slots=True)
class Call:
    """A request for a kind that is served. `warnings` go out beside the answer, whatever it is."""

    server: Server
    resource: Resource
    request: ApiRequest
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.resource.key(self.request.namespace, self.request.name)

    async def aside(self, work: Callable[[Unpack[Ts]], T], *arguments: *Ts) -> T:
        """`work` of the arguments: in a thread where the body is so large that the event loop would be held by it."""
        body = self.request.raw_body
        if body is None or len(body) < LARGE_BODY:
            return work(*arguments)
        return await asyncio.to_thread(work, *arguments)

    def allocated(self, new: Obj, old: Obj | None) -> AbstractContextManager[None]:
        """Give `new`, in place, what objects of the kind get from the server, and hold it while it is stored."""
        allocator = self.server.allocators.get(self.resource)
        return _NOTHING if allocator is None else allocator.reserved(new, old, dry_run=self.dry_run)


@dataclass(slots=True)
class One:
    """One object. Its bytes and its dict are shared with the store: read only."""

    resource: Resource
    entry: Entry
    code: int = 200


@dataclass(frozen=True, slots=True)
class Many:
    """A list. `metadata` is its ListMeta."""

    resource: Resource
    entries: list[Entry]
    metadata: Obj


@dataclass(frozen=True, slots=True)
class Plain:
    """What is not an object of the kind, such as a Status."""

    obj: Obj
    code: int = 200


Result: TypeAlias = One | Many | Plain


def unstored(key: str, obj: Obj) -> Entry:
    """An object that is answered though the store does not have it: dry runs, and last states."""
    return Entry(key, 0, orjson.dumps(obj), obj)


def success(code: int, details: Obj | None = None) -> Plain:
    """A Status of kind Success. A deletion's has details and no code, as kube-apiserver sends it."""
    status: Obj = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if details is None:
        status["code"] = code
    else:
        status["details"] = details
    return Plain(status, code)
