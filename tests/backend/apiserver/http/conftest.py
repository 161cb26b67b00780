"""A real server, on TLS and on a unix socket, over a handler that keeps objects in a dict."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from backend.apiserver import pki
from backend.apiserver.authentication.authenticator import Authenticator
from backend.apiserver.authentication.bearer_tokens import BearerTokens
from backend.apiserver.authentication.service_account_tokens import ServiceAccountTokens
from backend.apiserver.authentication.signing_key import SigningKey
from backend.apiserver.authorization.attributes import Attributes, Decision
from backend.apiserver.handler import Answer
from backend.apiserver.http.app import App
from backend.apiserver.http.discovery import Discovery
from backend.apiserver.http.health import Health
from backend.apiserver.http.openapi import OpenApi
from backend.apiserver.http.openid import OpenId
from backend.apiserver.http.podstreams import PodStreams
from backend.apiserver.http.resources import Resources
from backend.apiserver.http.routes import Router
from backend.apiserver.http.server import Server, bind, bind_unix, tls_context
from backend.meta.errors import ApiError, already_exists, not_found
from backend.meta.schema import Schemas
from backend.meta.types import ApiRequest, Obj
from backend.resources.catalog import Catalog

TOKEN = "the-admin-token"
PIECE = 100_000
"""Bytes of the pieces in which answers are given."""


class MemoryHandler:
    """As much of the handler as HTTP can tell from outside. `asked` are the requests, with their forms."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Obj] = {}
        self.asked: list[tuple[ApiRequest, str, str]] = []
        self.frames: asyncio.Queue[bytes] = asyncio.Queue()
        self.open_streams = 0
        self.connections: list[tuple[ApiRequest, Obj]] = []
        self.refuse_connections: ApiError | None = None

    async def admit_connect(self, request: ApiRequest, options: Obj) -> None:
        self.connections.append((request, options))
        if self.refuse_connections is not None:
            raise self.refuse_connections

    async def request(self, request: ApiRequest) -> Obj:
        key = (request.resource, request.namespace, request.name)
        if request.verb == "create":
            key = (request.resource, request.namespace, request.body["metadata"]["name"])
            if key in self.objects:
                raise already_exists(*key[::2])
            self.objects[key] = request.body
        if request.verb in ("list", "deletecollection"):
            items = [obj for (plural, namespace, _), obj in self.objects.items() if plural == request.resource]
            return {"kind": "List", "apiVersion": "v1", "items": items}
        if key not in self.objects:
            raise not_found(request.resource, request.name)
        return self.objects[key]

    async def answer(self, request: ApiRequest, form: str, include: str = "Metadata") -> Answer:
        self.asked.append((request, form, include))
        obj = await self.request(request)
        warnings = ('unknown field "spec.foo"',) if obj.get("spec", {}).get("foo") else ()
        body = orjson.dumps(obj)
        pieces = [body[start : start + PIECE] for start in range(0, len(body), PIECE)]
        return Answer(201 if request.verb == "create" else 200, pieces, warnings)

    @asynccontextmanager
    async def stream(
        self, request: ApiRequest, form: str, include: str, _sink: object = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        self.asked.append((request, form, include))
        self.open_streams += 1

        async def frames() -> AsyncIterator[bytes]:
            while frame := await self.frames.get():
                yield frame

        try:
            yield frames()
        finally:
            self.open_streams -= 1


@dataclass
class Control:
    stopped: list[bool] = field(default_factory=list)

    def shutdown(self, keep_pods: bool) -> None:
        self.stopped.append(keep_pods)

    async def rotate_key(self) -> int:
        return 7


@dataclass
class Reply:
    code: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Connection:
    """One HTTP/1.1 connection, spoken by hand so that a test sees exactly what is sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, method: str, path: str, headers: Mapping[str, str] = {}, body: bytes = b"") -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{k}: {v}" for k, v in headers.items())]
        if "Content-Length" not in headers and (body or method in ("POST", "PUT", "PATCH")):
            lines.append(f"Content-Length: {len(body)}")
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await self.writer.drain()

    async def head(self) -> Reply:
        raw = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = raw.strip().split("\r\n")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
        return Reply(int(status.split()[1]), headers, b"")

    async def chunk(self) -> bytes:
        """One chunk of a stream; b"" at its end."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        data = await self.reader.readexactly(size)
        await self.reader.readexactly(2)
        return data

    async def request(self, method: str, path: str, headers: Mapping[str, str] = {}, body: bytes = b"") -> Reply:
        await self.send(method, path, headers, body)
        reply = await self.head()
        if method == "HEAD" or reply.code == 304:
            return reply
        if "content-length" in reply.headers:
            reply.body = await self.reader.readexactly(int(reply.headers["content-length"]))
        else:
            while chunk := await self.chunk():
                reply.body += chunk
        return reply

    async def close(self) -> None:
        self.writer.close()
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)


@dataclass
class Discovering:
    """An authorizer that lets everybody find out what there is, and do only what is `allowed`: (verb, resource)."""

    allowed: set[tuple[str, str]] = field(default_factory=set)
    asked: list[Attributes] = field(default_factory=list)

    def authorize(self, attributes: Attributes) -> Decision:
        self.asked.append(attributes)
        if attributes.path:
            return Decision(attributes.verb == "get" and attributes.path.startswith("/api"))
        return Decision((attributes.verb, f"{attributes.resource}/{attributes.subresource}") in self.allowed)


@dataclass
class Running:
    """The server under test, and connections to it."""

    server: Server
    handler: MemoryHandler
    control: Control
    pod_streams: PodStreams
    keys: pki.Pki
    authorizer: Discovering
    port: int
    socket: Path
    connections: list[Connection] = field(default_factory=list)

    async def tls(self, certificate: pki.KeyPair | None = None, folder: Path | None = None) -> Connection:
        context = ssl.create_default_context(cafile=str(self.keys.ca_cert))
        if certificate is not None and folder is not None:
            (folder / "client.pem").write_bytes(certificate.certificate + certificate.key)
            context.load_cert_chain(folder / "client.pem")
        streams = await asyncio.open_connection("127.0.0.1", self.port, ssl=context, server_hostname="localhost")
        return self._kept(streams)

    async def unix(self) -> Connection:
        return self._kept(await asyncio.open_unix_connection(str(self.socket)))

    async def get(self, path: str, **headers: str) -> Reply:
        """As the administrator, over the unix socket; `accept_encoding` is Accept-Encoding."""
        return await self.call("GET", path, **headers)

    async def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        connection = await self.unix()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await connection.request(method, path, sent, body)

    def _kept(self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> Connection:
        connection = Connection(*streams)
        self.connections.append(connection)
        return connection


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> pki.Pki:
    return pki.ensure(tmp_path_factory.mktemp("pki"))


def _tokens(keys: pki.Pki) -> BearerTokens:
    """The administrator's, and those of accounts, of which there are none."""
    nothing = SimpleNamespace(get=lambda _key: None)
    return BearerTokens(TOKEN, ServiceAccountTokens(nothing, SigningKey(keys.service_account_key), time.time))


@pytest.fixture
async def running(keys: pki.Pki, tmp_path: Path) -> AsyncIterator[Running]:
    handler, control, catalog, authorizer = MemoryHandler(), Control(), Catalog.builtin(), Discovering()
    pod_streams = PodStreams(handler)
    app = App(
        router=Router(catalog), authenticator=Authenticator(_tokens(keys)), authorizer=authorizer,
        resources=Resources(handler), pod_streams=pod_streams, discovery=Discovery(catalog, "127.0.0.1:6443"),
        openapi=OpenApi(catalog, Schemas.raw_definitions), health=Health({"ping": lambda: True}), control=control,
        openid=OpenId(SigningKey(keys.service_account_key), "127.0.0.1:6443"),
    )  # fmt: skip
    server = Server(app)
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    await server.listen_tls(listener, tls_context(keys))
    await server.listen_unix(bind_unix(tmp_path / "backend.sock"))
    found = Running(server, handler, control, pod_streams, keys, authorizer, port, tmp_path / "backend.sock")
    yield found
    for connection in found.connections:
        await connection.close()
    await server.stop()


async def eventually(condition: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = 3) -> None:
    """Wait until something that no event tells of has happened."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
