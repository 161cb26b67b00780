"""Requests over real sockets: forms of requests and answers, who may ask, and what is refused."""

from __future__ import annotations

import asyncio
import gzip
import stat
from pathlib import Path

import orjson
import pytest

from backend.apiserver import pki
from backend.apiserver.http.server import Server, bind
from tests.backend.apiserver.http.conftest import TOKEN, Running

BEARER = {"Authorization": f"Bearer {TOKEN}"}
SECRET = b'{"metadata":{"name":"x"},"data":{"a":"Yg=="}}'
SECRETS = "/api/v1/namespaces/default/secrets"


async def test_a_created_object_is_answered_and_found(running: Running) -> None:
    connection = await running.tls()
    created = await connection.request("POST", SECRETS, {**BEARER, "Content-Type": "application/json"}, SECRET)
    assert (created.code, created.json) == (201, orjson.loads(SECRET))
    assert created.headers["content-type"] == "application/json"
    assert created.headers["cache-control"] == "no-cache, private"
    assert len(created.headers["audit-id"]) == 36
    assert created.headers["date"].endswith(" GMT")
    found = await connection.request("GET", f"{SECRETS}/x", BEARER)
    assert (found.code, found.json) == (200, orjson.loads(SECRET))
    request, form, include = running.handler.asked[0]
    assert (request.verb, request.namespace, request.raw_body, form, include) == (
        "create", "default", SECRET, "object", "Metadata",
    )  # fmt: skip
    assert request.user.name == "kubernetes-admin"


async def test_an_error_of_the_handler_is_its_status(running: Running) -> None:
    reply = await running.get(f"{SECRETS}/nope")
    assert (reply.code, reply.json["message"]) == (404, 'secrets "nope" not found')


async def test_warnings_are_headers(running: Running) -> None:
    reply = await running.call("POST", SECRETS, b'{"metadata":{"name":"x"},"spec":{"foo":1}}')
    assert reply.headers["warning"] == '299 - "unknown field \\"spec.foo\\""'


async def test_forms_and_queries_reach_the_handler(running: Running) -> None:
    table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    await running.get(f"{SECRETS}?labelSelector=a%3Db%2Cc&limit=5&limit=6&includeObject=Object", accept=table)
    request, form, include = running.handler.asked[0]
    assert (form, include) == ("table", "Object")
    assert request.query == {"labelSelector": "a=b,c", "limit": "5", "includeObject": "Object"}


async def test_yaml_in_and_out(running: Running) -> None:
    text = b"metadata:\n  name: x\n"
    reply = await running.call("POST", SECRETS, text, content_type="application/yaml", accept="application/yaml")
    assert (reply.code, reply.headers["content-type"], reply.body) == (201, "application/yaml", text)


async def test_patches_carry_their_type(running: Running) -> None:
    await running.call("PATCH", f"{SECRETS}/x", b'[{"op":"test"}]', content_type="application/json-patch+json")
    request = running.handler.asked[0][0]
    assert (request.verb, request.body, request.content_type) == (
        "patch", [{"op": "test"}], "application/json-patch+json",
    )  # fmt: skip
    reply = await running.call("PATCH", f"{SECRETS}/x", b"{}", content_type="application/json")
    assert reply.code == 415
    assert reply.json["message"] == (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, "
        "application/apply-patch+yaml"
    )


@pytest.mark.parametrize(
    ("method", "path", "code", "message"),
    [
        ("GET", "/api/v1/foos", 404, "the server could not find the requested resource"),
        ("PUT", SECRETS, 405, "the server does not allow this method on the requested resource"),
        ("POST", "/api/v1", 405, "the server does not allow this method on the requested resource"),
    ],
)
async def test_resources_are_refused_with_a_status(
    running: Running, method: str, path: str, code: int, message: str
) -> None:
    reply = await running.call(method, path)
    assert (reply.code, reply.json["message"], reply.json["code"]) == (code, message, code)


@pytest.mark.parametrize(
    "path", ["/nope", "/apis/foo.example", "/apis/foo.example/v1/bars", "/openapi/v3/apis/x", "/"]
)
async def test_other_paths_are_refused_in_plain_text(running: Running, path: str) -> None:
    reply = await running.get(path)
    assert (reply.code, reply.body) == (404, b"404 page not found\n")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"


async def test_a_body_over_three_mebibytes_is_refused(running: Running) -> None:
    connection = await running.unix()
    await connection.send("POST", SECRETS, {"Content-Length": str(3 * 1024 * 1024 + 1)})
    reply = await connection.head()
    assert reply.code == 413
    chunked = await running.unix()
    chunked.writer.write(f"POST {SECRETS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for _ in range(4):
        chunked.writer.write(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
    reply = await chunked.head()
    assert reply.code == 413
    body = orjson.loads(await chunked.reader.readexactly(int(reply.headers["content-length"])))
    assert body["message"] == "Request entity too large: limit is 3145728"
    assert not running.handler.asked


async def test_an_unknown_body_type_is_refused(running: Running) -> None:
    reply = await running.call("POST", SECRETS, SECRET, content_type="text/plain")
    assert reply.code == 415
    assert reply.json["message"] == (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )


async def test_json_nested_too_deep_is_refused(running: Running) -> None:
    reply = await running.call("POST", SECRETS, b"[" * 20000)
    assert (reply.code, "exceeded max depth" in reply.json["message"]) == (400, True)


async def test_head_has_no_body(running: Running) -> None:
    connection = await running.unix()
    assert (await connection.request("HEAD", SECRETS)).code == 200
    assert (await connection.request("GET", "/readyz")).body == b"ok"


async def test_large_answers_are_compressed_for_those_who_can_read_it(running: Running) -> None:
    body = orjson.dumps({"metadata": {"name": "x"}, "data": {"a": "b" * 600_000}})
    await running.call("POST", SECRETS, body)
    packed = await running.get(f"{SECRETS}/x", accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == body
    plain = await running.get(f"{SECRETS}/x")
    assert "content-encoding" not in plain.headers
    assert plain.body == body


async def test_people_get_indented_json(running: Running) -> None:
    reply = await running.get("/version", user_agent="curl/8")
    assert reply.body.startswith(b'{\n  "major": "1",\n')
    assert (await running.get("/version?pretty=false", user_agent="curl/8")).body.startswith(b'{"major"')


async def test_a_connection_serves_request_after_request_even_pipelined(running: Running) -> None:
    connection = await running.unix()
    await connection.send("GET", "/version")
    await connection.send("GET", "/readyz")
    assert (await connection.head()).code == 200


async def test_without_credentials_only_health_and_version_are_served(running: Running) -> None:
    connection = await running.tls()
    for path in ("/livez", "/readyz", "/healthz", "/version"):
        assert (await connection.request("GET", path)).code == 200
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
        reply = await connection.request("GET", "/api", headers)
        assert (reply.code, reply.json["message"]) == (401, "Unauthorized")
    assert (await connection.request("GET", "/version", {"Authorization": "Bearer wrong"})).code == 401


async def test_a_client_certificate_is_a_user(running: Running, tmp_path: Path) -> None:
    connection = await running.tls(pki.client_certificate(running.keys, "jane", ["dev"]), tmp_path)
    for path, message in {
        "/api/v1/namespaces/default/pods":
            'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
        "/api/v1/nodes/n":
            'nodes "n" is forbidden: User "jane" cannot get resource "nodes" in API group "" at the cluster scope',
        "/api/v1/namespaces/a/pods/p/log":
            'pods "p" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "a"',
        "/metrics": 'forbidden: User "jane" cannot get path "/metrics"',
    }.items():  # fmt: skip
        reply = await connection.request("GET", path)
        assert (reply.code, reply.json["message"]) == (403, message)
    assert (await connection.request("GET", "/api/v1")).code == 200
    admin = await running.tls(pki.client_certificate(running.keys, "joe", ["system:masters"]), tmp_path)
    assert (await admin.request("GET", "/api/v1/nodes")).code == 200
    assert running.handler.asked[-1][0].user.groups == ("system:masters", "system:authenticated")


async def test_only_the_owner_s_socket_can_stop_the_process_or_rotate_its_key(running: Running) -> None:
    assert stat.S_IMODE(running.socket.stat().st_mode) == 0o600
    connection = await running.tls()
    assert (await connection.request("POST", "/shutdown", BEARER)).code == 404
    assert (await connection.request("POST", "/rotate-key", BEARER)).code == 404
    assert (await running.call("POST", "/rotate-key")).json == {"keyId": 7}
    assert (await running.call("POST", "/shutdown?keepPods=true")).code == 200
    assert (await running.call("POST", "/shutdown")).code == 200
    assert running.control.stopped == [True, False]


async def test_health_in_words(running: Running) -> None:
    assert (await running.get("/readyz?verbose")).body == b"[+]ping ok\nreadyz check passed\n"
    assert (await running.get("/livez/ping")).body == b"ok"
    assert (await running.get("/livez/nope")).code == 404


async def test_what_goes_wrong_inside_is_a_500_and_the_connection_lives(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "hunter2".upper()

    async def broken(*_: object) -> None:
        raise RuntimeError(secret)

    monkeypatch.setattr(running.handler, "answer", broken)
    connection = await running.unix()
    reply = await connection.request("GET", SECRETS)
    assert (reply.code, reply.json["message"]) == (500, "Internal error occurred: unexpected RuntimeError")
    assert "unexpected RuntimeError" in caplog.text
    assert secret not in caplog.text
    assert (await connection.request("GET", "/version")).code == 200


async def test_stopping_ends_idle_connections_and_new_ones(running: Running) -> None:
    connection = await running.tls()
    await connection.request("GET", "/version")
    await running.server.stop()
    assert await asyncio.wait_for(connection.reader.read(), 2) == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", running.port)


async def test_a_connection_is_closed_only_after_it_was_idle_for_long_enough(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.server._config, "timeout_keep_alive", 0.4)
    connection = await running.unix()
    for _ in range(5):
        assert (await connection.request("GET", "/readyz")).code == 200
        await asyncio.sleep(0.1)
    began = asyncio.get_running_loop().time()
    assert await asyncio.wait_for(connection.reader.read(), 5) == b""
    assert asyncio.get_running_loop().time() - began > 0.2


async def test_a_listener_that_comes_while_the_server_stops_ends_with_it() -> None:
    """Pods' bridge may be found at any time, and the server listens there then."""

    class App:
        async def __call__(self, scope: object, receive: object, send: object) -> None:
            return None

        async def stop(self) -> None:
            await server.listen(late, None)

    server, late = Server(App()), bind("127.0.0.1", 0)
    address = late.getsockname()
    await asyncio.wait_for(server.stop(), 10)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)
