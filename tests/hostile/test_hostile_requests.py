"""Requests that no client would send: each gets an answer in time, none is the server's fault, and it lives on."""

from __future__ import annotations

import json
import socket
from base64 import urlsafe_b64encode
from gzip import compress

import pytest

from tests.support.wire import Wire

MAPS = "/api/v1/namespaces/default/configmaps"
DRY = f"{MAPS}?dryRun=All"
ROOT_CA = f"{MAPS}/kube-root-ca.crt?dryRun=All"
GOOD = json.dumps({"metadata": {"name": "good"}}).encode()
JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
JSON_PATCH, MERGE = "application/json-patch+json", "application/merge-patch+json"
BOMB = b"a: &a [x]\n" + b"".join(b"%c: &%c [%s]\n" % (i, i, b"*%c," % (i - 1) * 99) for i in range(98, 106))


ODD = (
    b"NaN",
    b"Infinity",
    b"1e400",
    b"9" * 400,
    b"01",
    b"+1",
    b"'a'",
    b'"\\ud800"',
    b'"\\ud800\\ud800"',
    b'"\\x41"',
    b'"\t"',
)
TOKENS = (
    [], 5, {}, {"v": "meta.k8s.io/v2", "rv": 1, "start": "x"}, {"v": "meta.k8s.io/v1", "rv": True, "start": "x"},
    {"v": "meta.k8s.io/v1", "rv": 10**30, "start": "x"}, {"v": "meta.k8s.io/v1", "rv": 1, "start": "../secrets/a"},
    {"v": "meta.k8s.io/v1", "rv": -1, "start": "\ud800"},
)  # fmt: skip


def token(content: object) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def request(method: str, path: str, body: bytes = b"", media: str = JSON) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {media}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def headed(*headers: bytes, body: bytes = b"{}") -> bytes:
    return b"\r\n".join([f"POST {DRY} HTTP/1.1".encode(), b"Host: x", b"Connection: close", *headers, b"", body])


@pytest.mark.parametrize(
    "data",
    [
        request("POST", DRY, b""),
        request("POST", DRY, b"\0\0"),
        request("POST", DRY, b"[1]"),
        request("POST", DRY, b"null"),
        request("POST", DRY, b'{"a":"\xff"}'),
        request("POST", DRY, b'{"data":' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
        request("POST", DRY, b'{"metadata":{"name":"x"},"zzz":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}"),
        request("POST", DRY, b'{"a":"' + b"x" * 4_000_000 + b'"}'),
        request("POST", DRY, b'{"metadata":[1]}'),
        request("POST", DRY, b'{"metadata":{"name":"x","labels":[1],"annotations":5}}'),
        request("POST", DRY, b'{"metadata":{"name":"\\ud800"},"data":{"\\udfff":"\\ud800"}}'),
        request("POST", DRY, b'{"metadata":{"name":"x","generation":99999999999999999999999999}}'),
        request("POST", DRY, b'{"metadata":{"name":"x","generation":1e999}}'),
        request("POST", DRY, GOOD, "text/xml"),
        request("POST", DRY, GOOD, ";;;"),
        request("POST", DRY, BOMB, YAML),
        request("POST", DRY, b"[" * 300_000, YAML),
        request("POST", DRY, b"a: [\x00", YAML),
        request("POST", DRY, b'!!python/object/apply:os.system ["true"]', YAML),
        request("POST", DRY, GOOD, PROTOBUF),
        request("POST", DRY, b"k8s\0\x0a\xff\xff\xff\xff\x0f", PROTOBUF),
        request("POST", f"{DRY}&fieldValidation=No", GOOD),
        request("POST", f"{MAPS}?dryRun=Some", GOOD),
        request("POST", f"{DRY}&fieldManager=%00%0a", GOOD),
        request("GET", f"{MAPS}?limit=x"),
        request("GET", f"{MAPS}?limit=99999999999999999999"),
        request("GET", f"{MAPS}?continue=%ff%00zz"),
        request("GET", f"{MAPS}?resourceVersion=-1"),
        request("GET", f"{MAPS}?resourceVersion=999999999999999999999999"),
        request("GET", f"{MAPS}?labelSelector=a+in+(((("),
        request("GET", f"{MAPS}?labelSelector={'a' * 9000}"),
        request("GET", f"{MAPS}?fieldSelector=foo.bar%3Dx"),
        request("GET", f"{MAPS}?watch=1&timeoutSeconds=x"),
        request("GET", "/api/v1/namespaces/%00%ff/configmaps/%2e%2e%2f"),
        request("GET", "/api/v1/" + "a" * 60_000),
        request("PUT", f"{MAPS}/nothing", GOOD),
        request("DELETE", f"{MAPS}/nothing?gracePeriodSeconds=99999999999999999999999"),
        request("DELETE", f"{MAPS}/nothing", b'{"kind":"DeleteOptions","gracePeriodSeconds":"x"}'),
        request("PATCH", ROOT_CA, b"{}", JSON_PATCH),
        request("PATCH", ROOT_CA, b'[{"op":"add","path":"/data/a/b/0/-","value":1},5,null]', JSON_PATCH),
        request("PATCH", ROOT_CA, b'[{"op":"replace","path":"","value":[]}]', JSON_PATCH),
        request("PATCH", ROOT_CA, b"[1]", MERGE),
        request("PATCH", ROOT_CA, b'{"metadata":null,"kind":null,"apiVersion":5}', MERGE),
        request("PATCH", ROOT_CA, b"{}", "text/plain"),
        request("PUT", "/api/v1/namespaces/default/finalize", b'{"spec":5}'),
        headed(b"Content-Length: -5"),
        headed(b"Content-Length: 99999999999999999999999999"),
        headed(b"Content-Length: 5", b"Content-Length: 6"),
        headed(b"Content-Length: 0x5"),
        headed(b"Transfer-Encoding: chunked", body=b"zz\r\n"),
        headed(b"Transfer-Encoding: chunked", body=(b"100000\r\n" + b"x" * 0x100000 + b"\r\n") * 5),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\r\n\r\n",
        bytes(range(256)),
        b"GET /version HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /version HTTP/1.2\r\nHost: x\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 2_000_000 + b"\r\n\r\n",
        b"GET /version HTTP/1.1\r\nHost: x\r\n" + b"X: aaaaaaaaaaaaaaa\r\n" * 100_000 + b"\r\n",
        b"GET /" + b"a" * 2_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        request("GET", f"{MAPS}?{'a=1&' * 15_000}"),
        request("GET", "/api/v1/namespaces/default/configmaps/%zz"),
        request("GET", "/api/v1/namespaces/default/configmaps/%2e%2e/secrets"),
        request("GET", "/api/v1/namespaces/default/configmaps/../secrets"),
        request("GET", "/api/v1/namespaces/..%2f..%2fx/configmaps"),
        request("GET", "/api/v1/namespaces/default/configmaps/a%2Fb"),
        request("GET", "/api/v1//namespaces"),
        request("GET", "//api/v1/namespaces"),
        request("GET", "/apis/apps/v1/namespaces//deployments"),
        request("GET", "/openapi/v3/../../etc/passwd"),
        *(request(method, MAPS) for method in ("OPTIONS", "TRACE", "PURGE", "CONNECT", "get", "FOO")),
        headed(
            b"Content-Length: 2", b"Transfer-Encoding: chunked", body=b"0\r\n\r\nGET /version HTTP/1.1\r\n\r\n"
        ),
        headed(b"Authorization: Bearer a", b"Authorization: Bearer b"),
        headed(b"Authorization: Basic YTpi"),
        headed(b"Authorization: Bearer \xff\xfe.a.b"),
        headed(b"Authorization: Bearer eyJhbGciOiJub25lIn0.e30."),
        headed(b"Authorization: Bearer " + urlsafe_b64encode(b"[" * 200_000) + b".e30."),
        request("POST", DRY, GOOD.decode().encode("utf-16")),
        request("POST", DRY, GOOD.decode().encode("utf-16"), "application/json; charset=utf-16"),
        request("POST", DRY, b"\xef\xbb\xbf" + GOOD),
        request("POST", DRY, compress(GOOD)),
        *(request("POST", DRY, GOOD, media) for media in ("application/cbor", "*/*", "json", "application/jsonx")),
        *(request("POST", DRY, b'{"metadata":{"name":"x"},"zz":%b}' % odd) for odd in ODD),
        request("POST", f"{DRY}&fieldValidation=Strict", b'{"metadata":{"name":"a"},"metadata":{"name":"b"}}'),
        request("POST", DRY, b"z: {<<: [1, 2]}", YAML),
        request("POST", DRY, b"z: !!set {a, b}", YAML),
        request("POST", DRY, b"z: 99999999999999999999999999", YAML),
        request("POST", DRY, b"? [a, b]\n: c", YAML),
        request("DELETE", f"{DRY}&labelSelector=((&limit=-1&continue=zz"),
        request("DELETE", f"{DRY}&fieldSelector=a%3D%3D%3Db"),
        request("DELETE", DRY, b'{"kind":"Foo","apiVersion":"v1","preconditions":5}'),
        request("DELETE", DRY, b'{"propagationPolicy":"x","orphanDependents":true,"dryRun":["z"]}'),
        request("DELETE", DRY, b'{"gracePeriodSeconds":-1e5,"preconditions":{"uid":5}}'),
        *(request("GET", f"{MAPS}?limit=1&continue={token(part)}") for part in TOKENS),
    ],
    ids=lambda data: "".join(chr(byte) if chr(byte).isalnum() else "-" for byte in data[:60] + data[-30:]),
)
@pytest.mark.usefixtures("unchanged")
def test_hostile_requests_are_the_client_s_fault(wire: Wire, data: bytes) -> None:
    answer = wire.send(data)
    assert answer.startswith(b"HTTP/1.1 4")
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"application/json" in head:
        status = json.loads(body)
        assert (status["kind"], status["code"]) == ("Status", int(answer[9:12])), status


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"GET /version HTTP/2.0\r\nHost: x\r\n\r\n", b"505 HTTP Version Not Supported"),
        (headed(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), b"501 Not Implemented"),
        (b"GET /version HTTP/1.0\r\n\r\n", b"200 OK"),
        (request("HEAD", "/version"), b"200 OK"),
        (request("GET", "http://x/version"), b"200 OK"),
    ],
)
def test_what_go_answers_otherwise(wire: Wire, data: bytes, line: bytes) -> None:
    assert wire.send(data).startswith(b"HTTP/1.1 " + line)


def test_requests_that_come_at_once_are_answered_in_turn(wire: Wire) -> None:
    one = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
    assert wire.send(one * 999 + request("GET", "/version")).count(b"200 OK") == 1000


def test_uploads_that_stop_hold_nobody_up(wire: Wire) -> None:
    waiting: list[socket.socket] = []
    try:
        for _ in range(50):
            for start in (
                headed(b"Content-Length: 500"),
                headed(b"Transfer-Encoding: chunked", body=b"10\r\nabc"),
            ):
                waiting.append(wire.open())
                waiting[-1].sendall(start)
        assert b"200 OK" in wire.send(request("GET", "/readyz"))
    finally:
        for connection in waiting:
            connection.close()
    assert b"200 OK" in wire.send(request("GET", "/readyz"))
