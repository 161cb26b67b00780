"""pods/proxy, services/proxy and nodes/proxy: what goes on to a pod, and what comes back of it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import h11
import pytest

from backend.apiserver.pki import Pki
from backend.meta.errors import ApiError
from backend.meta.streams import NodeAnswer
from backend.meta.types import Obj
from tests.backend.apiserver.http.conftest import Running, eventually

PODS = "/api/v1/namespaces/default/pods"
SERVICES = "/api/v1/namespaces/default/services"
BIG = bytes(range(256)) * 20_000


class Backend:
    """A small HTTP server, as a pod has one: it tells what it was asked, or does as the path says."""

    def __init__(self) -> None:
        self.requests: list[h11.Request] = []
        self.port = 0
        self.open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        connection = h11.Connection(our_role=h11.SERVER)
        try:
            await self._answer(connection, reader, writer)
        finally:
            self.open -= 1
            writer.close()

    async def _answer(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        body = b""
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                self.requests.append(event)
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            else:
                return
        path = self.requests[-1].target.decode().partition("?")[0]
        if path == "/upgrade":
            await self._echo(reader, writer)
            return
        status, headers, answer = self._said(path, body)
        headers = [*headers, ("Content-Length", str(len(answer))), ("Connection", "close")]
        for piece in (
            h11.Response(status_code=status, headers=headers), h11.Data(data=answer), h11.EndOfMessage(),
        ):  # fmt: skip
            writer.write(connection.send(piece) or b"")
        await writer.drain()

    def _said(self, path: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        match path:
            case "/big":
                return 200, [("Content-Type", "application/octet-stream")], BIG
            case "/elsewhere":
                return 302, [("Location", "/login?next=1")], b""
            case "/abroad":
                return 302, [("Location", "https://example.com/x")], b""
            case "/teapot":
                return 418, [("X-Tea", "green")], b"short and stout"
        return 200, [("Content-Type", "text/plain")], self.requests[-1].method + b" " + path.encode() + b" " + body

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly "
        )
        while data := await reader.read(1024):
            writer.write(data.upper())

    def header(self, name: str) -> str:
        return next((v.decode() for n, v in self.requests[-1].headers if n == name.lower().encode()), "")


@pytest.fixture
async def backend(running: Running) -> AsyncIterator[Backend]:
    """A pod p, and a service s in front of it."""
    found = Backend()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    objects = running.handler.objects
    objects["pods", "default", "p"] = pod(found.port)
    objects["services", "default", "s"] = {"spec": {"ports": [{"name": "web", "port": 80}]}}
    objects["endpointslices", "default", "s-1"] = {
        "ports": [{"name": "web", "port": found.port}],
        "endpoints": [
            {"addresses": ["127.0.0.1"], "conditions": {"ready": True}},
            {"addresses": ["192.0.2.1"], "conditions": {"ready": False}},
        ],
    }
    yield found
    server.close()
    await server.wait_closed()


def pod(port: int, address: str = "127.0.0.1") -> Obj:
    return {
        "metadata": {"name": "p", "namespace": "default"},
        "spec": {"containers": [{"name": "c", "ports": [{"containerPort": port}]}]},
        "status": {"podIP": address} if address else {},
    }


async def test_a_get_goes_to_the_pod_s_first_port(running: Running, backend: Backend) -> None:
    reply = await running.get(f"{PODS}/p/proxy/some/path?x=1&y=%20")
    assert (reply.code, reply.body) == (200, b"GET /some/path ")
    assert backend.requests[-1].target == b"/some/path?x=1&y=%20"
    assert reply.headers["content-type"] == "text/plain"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_every_method_and_its_body_get_through(running: Running, backend: Backend, method: str) -> None:
    reply = await running.call(method, f"{PODS}/p/proxy/x", b"a body")
    assert reply.body == f"{method} /x a body".encode()


async def test_large_bodies_get_through_both_ways(running: Running, backend: Backend) -> None:
    assert (await running.get(f"{PODS}/p/proxy/big")).body == BIG
    assert (await running.call("POST", f"{PODS}/p/proxy/y", BIG)).body == b"POST /y " + BIG


async def test_a_port_may_be_named_in_the_path(running: Running, backend: Backend) -> None:
    running.handler.objects["pods", "default", "p"] = pod(1)
    assert (await running.get(f"{PODS}/p:{backend.port}/proxy/")).body == b"GET / "
    assert (await running.get(f"{PODS}/http:p:{backend.port}/proxy/")).body == b"GET / "


@pytest.mark.parametrize("name", ["s:web", "s:80", "http:s:web"])
async def test_a_service_s_ready_endpoints_are_asked(running: Running, backend: Backend, name: str) -> None:
    assert (await running.get(f"{SERVICES}/{name}/proxy/a")).body == b"GET /a "


async def test_without_a_port_only_one_without_a_name_is_meant(running: Running, backend: Backend) -> None:
    assert (await running.get(f"{SERVICES}/s/proxy/a")).code == 503
    del running.handler.objects["endpointslices", "default", "s-1"]["ports"][0]["name"]
    assert (await running.get(f"{SERVICES}/s/proxy/a")).body == b"GET /a "


async def test_who_asked_is_not_told_to_the_pod(running: Running, backend: Backend) -> None:
    await running.get(f"{PODS}/p/proxy/", Authorization="Bearer the-admin-token", X_Mine="kept")
    assert backend.header("authorization") == ""
    assert backend.header("x-mine") == "kept"
    assert backend.header("x-forwarded-uri") == f"{PODS}/p/proxy/"


async def test_status_and_headers_come_back(running: Running, backend: Backend) -> None:
    reply = await running.get(f"{PODS}/p/proxy/teapot")
    assert (reply.code, reply.headers["x-tea"], reply.body) == (418, "green", b"short and stout")


async def test_redirects_stay_within_the_proxy(running: Running, backend: Backend) -> None:
    reply = await running.get(f"{PODS}/p/proxy/elsewhere")
    assert (reply.code, reply.headers["location"]) == (302, f"{PODS}/p/proxy/login?next=1")
    assert (await running.get(f"{PODS}/p/proxy/abroad")).headers["location"] == "https://example.com/x"
    bare = await running.get(f"{PODS}/p/proxy?x=1")
    assert (bare.code, bare.headers["location"]) == (301, f"{PODS}/p/proxy/?x=1")


async def test_an_upgraded_connection_carries_bytes_both_ways(running: Running, backend: Backend) -> None:
    connection = await running.tls()
    headers = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Authorization": "Bearer the-admin-token",
    }  # fmt: skip
    await connection.send("GET", f"{PODS}/p/proxy/upgrade", headers)
    assert (await connection.head()).code == 101
    assert await connection.reader.readexactly(6) == b"early "
    connection.writer.write(b"ping")
    assert await connection.reader.readexactly(4) == b"PING"
    await connection.close()
    await eventually(lambda: backend.open == 0)


async def test_https_is_spoken_where_it_is_asked_for(running: Running, keys: Pki) -> None:
    found = Backend()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys.server_cert, keys.server_key)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    running.handler.objects["pods", "default", "p"] = pod(port)
    assert (await running.get(f"{PODS}/https:p:{port}/proxy/a")).body == b"GET /a "
    assert (await running.get(f"{PODS}/p/proxy/a")).code == 503
    server.close()
    await server.wait_closed()


async def test_what_cannot_be_reached_is_unavailable(running: Running, backend: Backend) -> None:
    objects = running.handler.objects
    with_nobody = await asyncio.start_server(backend.serve, "127.0.0.1", 0)
    port = with_nobody.sockets[0].getsockname()[1]
    with_nobody.close()
    await with_nobody.wait_closed()
    refused = await running.get(f"{PODS}/p:{port}/proxy/")
    assert refused.code == 503
    why = f"error trying to reach service: dial tcp 127.0.0.1:{port}: connect: connection refused"
    assert refused.json["message"] == why
    objects["pods", "default", "p"] = pod(80, address="")
    assert (await running.get(f"{PODS}/p/proxy/")).code == 400
    del objects["endpointslices", "default", "s-1"]
    nobody = await running.get(f"{SERVICES}/s/proxy/")
    assert (nobody.code, nobody.json["message"]) == (503, 'no endpoints available for service "s"')


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{PODS}/q/proxy/", 404),
        (f"{PODS}/p:http/proxy/", 400),
        (f"{PODS}/p:70000/proxy/", 400),
        (f"{PODS}/ftp:p:1/proxy/", 400),
        (f"{PODS}/a:b:c:d/proxy/", 400),
        (f"{SERVICES}/s:81/proxy/", 503),
    ],
)
async def test_a_wrong_address_is_refused(running: Running, backend: Backend, path: str, code: int) -> None:
    assert (await running.get(path)).code == code
    assert not backend.requests


async def test_a_client_that_leaves_ends_the_pod_s_request(running: Running, backend: Backend) -> None:
    connection = await running.unix()
    await connection.send("GET", f"{PODS}/p/proxy/slow", {"Content-Length": "5"})
    await eventually(lambda: backend.open == 1)
    await connection.close()
    await eventually(lambda: backend.open == 0)


class Kubelet:
    """As much of NodeStreams as nodes/proxy asks."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []

    async def get(self, node: str, path: str, query: Mapping[str, str]) -> NodeAnswer:
        self.asked.append((node, path, query))
        if path == "/broken":
            raise ApiError(500, "InternalError", "broken")

        async def body() -> AsyncIterator[bytes]:
            yield b"o"
            yield b"k"

        return NodeAnswer(200 if path != "/nope" else 404, "text/plain", body())


NODES = "/api/v1/nodes"


async def test_a_node_s_kubelet_is_asked_in_this_process(running: Running) -> None:
    kubelet = Kubelet()
    running.pod_streams.node = kubelet  # type: ignore[assignment]
    running.handler.objects["nodes", "", "n"] = {"metadata": {"name": "n"}}
    for name in ("n", "n:10250", "https:n:10250"):
        reply = await running.get(f"{NODES}/{name}/proxy/stats/summary?only_cpu_and_memory=true")
        assert (reply.code, reply.body, reply.headers["content-type"]) == (200, b"ok", "text/plain")
        assert kubelet.asked[-1] == ("n", "/stats/summary", {"only_cpu_and_memory": "true"})
    assert (await running.get(f"{NODES}/n/proxy/nope")).code == 404
    assert (await running.get(f"{NODES}/n/proxy/broken")).json["message"] == "broken"
    assert (await running.get(f"{NODES}/m/proxy/healthz")).code == 404
    assert (await running.call("POST", f"{NODES}/n/proxy/run/x")).code == 405


async def test_another_port_of_a_node_is_reached_at_its_address(running: Running, backend: Backend) -> None:
    addresses = [{"type": "Hostname", "address": "n"}, {"type": "InternalIP", "address": "127.0.0.1"}]
    running.handler.objects["nodes", "", "n"] = {"metadata": {"name": "n"}, "status": {"addresses": addresses}}
    assert (await running.get(f"{NODES}/n:{backend.port}/proxy/x")).body == b"GET /x "


async def test_without_a_kubelet_a_node_is_unavailable(running: Running, tmp_path: Path) -> None:
    running.handler.objects["nodes", "", "n"] = {"metadata": {"name": "n"}}
    assert (await running.get(f"{NODES}/n/proxy/healthz")).code == 503
