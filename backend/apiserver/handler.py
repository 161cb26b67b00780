"""The API server without HTTP: requests in, objects or encoded answers out.

For the parts of this process it is a Transport (`request`, `watch`) that shares the store's objects. For HTTP it
answers bytes (`answer`, `stream`), which are joined from what the store has encoded already.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import orjson

from backend.apiserver import registry
from backend.apiserver.admission.attributes import Attributes
from backend.apiserver.admission.plugins import recommended
from backend.apiserver.allocation.services import ServiceAllocator
from backend.apiserver.authentication.bearer_tokens import BearerTokens
from backend.apiserver.authorization.cluster import ClusterAuthorizer
from backend.apiserver.authorization.refusal import require_request
from backend.apiserver.call import Call, Many, One, Plain, Server
from backend.apiserver.custom.conversion import NeedsConversion
from backend.apiserver.custom.definitions import CustomDefinitions
from backend.apiserver.custom.local_services import LocalServices
from backend.apiserver.faults import unexpected
from backend.apiserver.frames import Encode, ObjectFrames, Sink, error_frame, frame
from backend.apiserver.paging import Snapshots
from backend.apiserver.reading import PACE
from backend.apiserver.resource_metrics.serving import Meters
from backend.apiserver.table import Columns, Tables, joined, partial, partial_list
from backend.apiserver.watching import Push, Watching
from backend.config import SERVICE_CIDR
from backend.machinery.client import Take, WatchEvent
from backend.meta import errors
from backend.meta.errors import ApiError
from backend.meta.schema import Schemas
from backend.meta.types import ApiRequest, Obj
from backend.resources.catalog import Catalog
from backend.resources.core.service import SERVICE
from backend.resources.metrics import group as metrics
from backend.store.api import Store, StoreUnavailable, TooLarge

Form = Literal["object", "table", "partial"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Answer:
    code: int
    pieces: Sequence[bytes]
    """The body, which for a large list is better not joined at once."""
    warnings: tuple[str, ...] = ()

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


class Handler:
    """Every method raises ApiError and nothing else; what was not expected is a 500, logged without contents.

    What a part of this process asks is authorized here; what comes over HTTP was, by `authorizer`, before it was read.
    """

    def __init__(
        self, store: Store, catalog: Catalog, schemas: Schemas, *, clock: Callable[[], float] = time.time,
        tokens: BearerTokens | None = None, service_cidrs: Sequence[str] = (SERVICE_CIDR,),
        meters: Meters | None = None,
    ) -> None:  # fmt: skip
        """`service_cidrs` are what services get their addresses from: one of each IP family, the default one first.
        What `meters` measure is metrics.k8s.io; without them nothing serves that."""
        self.authorizer = ClusterAuthorizer(store)
        self._server = Server(
            store, catalog, schemas, clock, Snapshots(store, clock), recommended(), self.authorizer, tokens,
            allocators={SERVICE: ServiceAllocator(store, service_cidrs)},
            meters=meters,
        )  # fmt: skip
        if meters is not None:
            catalog.replace(metrics.OWNER, metrics.KINDS)
        self._columns = Columns(catalog)
        self._object_frames = ObjectFrames()
        catalog.on_change(self._server.drop_views)
        self.definitions = CustomDefinitions(self._server)
        self.local_services = LocalServices(self._server)

    async def request(self, request: ApiRequest) -> Obj:
        """The answer's object, shared with the store: read only."""
        with _guarded(request):
            require_request(self.authorizer, request)
            result = await registry.serve(self._server, request, [])
            if isinstance(result, One):
                return result.entry.obj
            return result.obj if isinstance(result, Plain) else await _list_object(result)

    @asynccontextmanager
    async def watch(
        self, request: ApiRequest, take: Take | None = None
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        """See Transport.watch."""
        with _guarded(request):
            require_request(self.authorizer, request)
            watching = await self._watching(request)
        events = _events(request, watching, take)
        try:
            async with aclosing(events):
                yield events
        finally:
            watching.close()

    async def answer(self, request: ApiRequest, form: Form = "object", include: str = "Metadata") -> Answer:
        """The answer to any verb but watch, encoded. `include` is a table's includeObject."""
        with _guarded(request):
            warnings: list[str] = []
            result = await registry.serve(self._server, request, warnings)
            if isinstance(result, Plain):
                return Answer(result.code, (orjson.dumps(result.obj),), tuple(warnings))
            told = tuple(dict.fromkeys(warnings)) if warnings else ()
            if isinstance(result, One) and form == "object":
                return Answer(result.code, (result.entry.raw,), told)
            code = result.code if isinstance(result, One) else 200
            return Answer(code, await self._encode(result, form, include), told)

    @asynccontextmanager
    async def stream(
        self, request: ApiRequest, form: Form = "object", include: str = "Metadata", sink: Sink | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """A watch as frames of JSON and a newline. Entering raises ApiError for what is refused at once; a
        resourceVersion that is too old or too new, and a reader that lags, are an ERROR frame, and the end.

        While the next frame is awaited, frames go to the `sink` as long as it is writable, and wake nobody up.
        """
        with _guarded(request):
            registry.find_resource(self._server, request)
            encode = await self._frames_of(request, form, include)
            try:
                watching: Watching | None = await self._watching(request)
                refused = b""
            except ApiError as error:
                if error.code not in (410, 504):
                    raise
                watching, refused = None, error_frame(error)
        frames = _frames(request, watching, encode, sink) if watching is not None else _single(refused)
        try:
            async with aclosing(frames):
                yield frames
        finally:
            if watching is not None:
                watching.close()

    async def admit_connect(self, request: ApiRequest, options: Obj) -> None:
        """Let admission see a connection to an object (exec, attach, portforward, proxy) with its options, which are of
        a kind such as PodExecOptions. Raises why it is refused."""
        resource = registry.find_resource(self._server, request)
        attributes = Attributes(Call(self._server, resource, request), "CONNECT", options)
        await self._server.admission.pass_through(attributes)

    async def _watching(self, request: ApiRequest) -> Watching:
        resource = registry.find_resource(self._server, request)
        while True:
            try:
                return Watching(Call(self._server.serving(resource), resource, request))
            except NeedsConversion as needed:
                await needed.convert()

    async def _encode(self, result: One | Many, form: Form, include: str) -> Sequence[bytes]:
        resource = result.resource
        entries = [result.entry] if isinstance(result, One) else result.entries
        if form == "table":
            tables = Tables(resource, await self._columns.of(resource), include, self._server.clock)
            if isinstance(result, Many):
                return await tables.table(entries, result.metadata)
            version = result.entry.obj["metadata"].get("resourceVersion")
            return await tables.table(entries, {"resourceVersion": version} if version else {})
        if form == "partial":
            if isinstance(result, Many):
                return await partial_list(entries, result.metadata)
            return (orjson.dumps(partial(result.entry)),)
        assert isinstance(result, Many)
        return await joined(_list_head(result), "items", [entry.raw for entry in entries])

    async def _frames_of(self, request: ApiRequest, form: Form, include: str) -> Encode:
        if form == "partial":
            return lambda change: frame(change, orjson.dumps(partial(change.entry)))
        if form == "table":
            resource = registry.find_resource(self._server, request)
            tables = Tables(resource, await self._columns.of(resource), include, self._server.clock)
            return lambda change: frame(change, tables.change(change))
        return self._object_frames.frame


def _list_head(result: Many) -> Obj:
    resource = result.resource
    return {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": result.metadata}


async def _list_object(result: Many) -> Obj:
    """As one dict. Objects are decoded on their first use, so a large list lets others run in between."""
    items: list[Obj] = []
    for start in range(0, len(result.entries), PACE):
        items += [entry.obj for entry in result.entries[start : start + PACE]]
        if len(result.entries) > PACE:
            await asyncio.sleep(0)
    return {**_list_head(result), "items": items}


async def _events(request: ApiRequest, watching: Watching, take: Take | None) -> AsyncGenerator[WatchEvent, None]:
    with _guarded(request):
        async with aclosing(watching.changes(_taken_by(take) if take is not None else None)) as changes:
            async for change in changes:
                yield WatchEvent(change.type, change.entry.obj)


def _taken_by(take: Take) -> Push:
    return lambda change: take(WatchEvent(change.type, change.entry.obj))


async def _frames(
    request: ApiRequest, watching: Watching, encode: Encode, sink: Sink | None
) -> AsyncGenerator[bytes, None]:
    try:
        with _guarded(request):
            push = functools.partial(sink.push, encode) if sink is not None else None
            async with aclosing(watching.changes(push)) as changes:
                async for change in changes:
                    yield encode(change)
    except ApiError as error:
        yield error_frame(error)


async def _single(frame: bytes) -> AsyncGenerator[bytes, None]:
    yield frame


class _guarded:
    """Let nothing but ApiError out. The log says where it was, never what was in an object: it may be a Secret."""

    __slots__ = ("_request",)

    def __init__(self, request: ApiRequest) -> None:
        self._request = request

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, ApiError):
            return
        if isinstance(error, StoreUnavailable):
            raise errors.unavailable(str(error)) from error
        if isinstance(error, TooLarge):
            raise errors.request_too_large("etcdserver: request is too large") from None
        request = self._request
        what = f"{request.verb} {request.resource}/{request.subresource} {request.namespace}/{request.name}"
        raise unexpected(_log, what, error) from None
