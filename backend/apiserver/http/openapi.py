"""/openapi/v2 and /openapi/v3: made from the published definitions when somebody asks, and not kept.

Clients keep them: each document's URL and ETag carry a hash of everything that it is made from, so that it is
known without making it, and kubectl asks once per version of the server.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

import orjson

from backend.apiserver.http import openapi_custom, openapi_document, openapi_paths, openapi_protobuf
from backend.apiserver.http.exchange import JSON, Exchange, Header
from backend.apiserver.http.negotiation import clauses
from backend.apiserver.http.version import GIT_VERSION
from backend.meta.errors import not_acceptable
from backend.meta.types import Obj
from backend.resources.catalog import Catalog
from backend.resources.resource import Resource

V2_TYPES = ("application/json", "*/*", "application/*")
IMMUTABLE: Header = (b"cache-control", b"public, immutable")


class OpenApi:
    """`definitions` loads the published definitions by name; it is called in a thread, once per document made."""

    def __init__(self, catalog: Catalog, definitions: Callable[[], Obj]) -> None:
        self._catalog = catalog
        self._groups: dict[str, list[Resource]] = {}
        self._definitions = definitions
        self._seed: bytes | None = None
        self._making = asyncio.Lock()
        catalog.on_change(self._read)
        self._read()

    def _read(self) -> None:
        groups: dict[str, list[Resource]] = {}
        for resource in self._catalog:
            root = f"apis/{resource.group}/{resource.version}" if resource.group else f"api/{resource.version}"
            groups.setdefault(root, []).append(resource)
        self._groups, self._seed = groups, None

    async def serve(self, exchange: Exchange) -> None:
        path = exchange.path.removeprefix("/openapi/").rstrip("/")
        if path == "v3":
            await self._send(exchange, self._etag(""), orjson.dumps(self._index()))
        elif path == "v2":
            form = "v2-protobuf" if _wants_protobuf(exchange) else "v2"
            await self._document(exchange, form, [r for group in self._groups.values() for r in group])
        elif path.startswith("v3/") and path[3:] in self._groups:
            await self._document(exchange, path[3:], self._groups[path[3:]])
        else:
            await exchange.respond_text(404, "404 page not found\n")

    def _index(self) -> Obj:
        urls = {root: f"/openapi/v3/{root}?hash={self._hash(root)}" for root in sorted(self._groups)}
        return {"paths": {root: {"serverRelativeURL": url} for root, url in urls.items()}}

    def _hash(self, root: str) -> str:
        """Changes with the definitions, with the resources and with this code."""
        if self._seed is None:
            parts = [GIT_VERSION.encode()]
            parts += [
                Path(str(module.__file__)).read_bytes()
                for module in (openapi_custom, openapi_document, openapi_paths, openapi_protobuf)
            ]
            parts += [
                repr((r.api_version, r.kind, r.plural, r.verbs, r.subresources, r.namespaced)).encode()
                for group in self._groups.values()
                for r in group
            ]
            parts += [orjson.dumps(r.published) for group in self._groups.values() for r in group if r.published]
            self._seed = hashlib.sha512(b"\n".join(parts)).digest()
        return hashlib.sha512(self._seed + root.encode()).hexdigest().upper()

    def _etag(self, root: str) -> bytes:
        return b'"%s"' % self._hash(root).encode()

    async def _document(self, exchange: Exchange, root: str, resources: list[Resource]) -> None:
        etag = self._etag(root)
        media = openapi_protobuf.CONTENT_TYPE if root == "v2-protobuf" else JSON
        if etag in exchange.headers.get(b"if-none-match", b""):
            await self._send(exchange, etag, b"")
            return
        async with self._making:
            body = await asyncio.to_thread(self._make, resources, root)
        hashed = exchange.query.get("hash") == self._hash(root)
        await self._send(exchange, etag, body, media, immutable=hashed)

    def _make(self, resources: list[Resource], root: str) -> bytes:
        dialect: openapi_document.Dialect = "v2" if root.startswith("v2") else "v3"
        document = openapi_document.build(self._definitions(), resources, dialect)
        return openapi_protobuf.encode(document) if root == "v2-protobuf" else orjson.dumps(document)

    async def _send(
        self, exchange: Exchange, etag: bytes, body: bytes, media: bytes = JSON, *, immutable: bool = False
    ) -> None:
        extra: list[Header] = [(b"etag", etag), (b"vary", b"Accept")]
        if not body or etag in exchange.headers.get(b"if-none-match", b""):
            await exchange.respond(304, b"", media, extra)
        elif immutable:
            await exchange.respond(200, body, media, extra, IMMUTABLE)
        else:
            await exchange.respond(200, body, media, extra)


def _wants_protobuf(exchange: Exchange) -> bool:
    """Whether the first form that the client accepts and we have is protobuf; raises 406 if there is none."""
    header = exchange.headers.get(b"accept", b"").decode("latin-1")
    for clause in clauses(header):
        if clause.media == openapi_protobuf.MEDIA_TYPE:
            return True
        if clause.media in V2_TYPES:
            return False
    if header:
        raise not_acceptable(
            f"only the following media types are accepted: application/json, {openapi_protobuf.MEDIA_TYPE}"
        )
    return False
