"""Requests that no client would send: each gets an answer in time, none is the server's fault, and it lives on."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.cli import Cluster

MAPS = "/api/v1/namespaces/default/configmaps"
DRY = f"{MAPS}?dryRun=All"
ROOT_CA = f"{MAPS}/kube-root-ca.crt?dryRun=All"
GOOD = json.dumps({"metadata": {"name": "good"}}).encode()
JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
JSON_PATCH, MERGE = "application/json-patch+json", "application/merge-patch+json"
BOMB = b"a: &a [x]\n" + b"".join(b"%c: &%c [%s]\n" % (i, i, b"*%c," % (i - 1) * 99) for i in range(98, 106))


def request(method: str, path: str, body: bytes = b"", media: str = JSON) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {media}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def headed(*headers: bytes, body: bytes = b"{}") -> bytes:
    return b"\r\n".join([f"POST {DRY} HTTP/1.1".encode(), b"Host: x", b"Connection: close", *headers, b"", body])


def send(path: Path, data: bytes) -> bytes:
    """All that comes until the server closes the connection."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        answer = b""
        with suppress(BrokenPipeError):  # it may answer and close before it has heard all
            connection.sendall(data)
        with suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                answer += chunk
        return answer


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
    ],
    ids=lambda data: "".join(chr(byte) if chr(byte).isalnum() else "-" for byte in data[:60] + data[-30:]),
)
def test_hostile_requests_are_the_client_s_fault(cluster: Cluster, data: bytes) -> None:
    answer = send(cluster.folder / "backend.sock", data)
    assert answer.startswith(b"HTTP/1.1 4")


def test_uploads_that_stop_hold_nobody_up(cluster: Cluster) -> None:
    waiting = []
    try:
        for _ in range(50):
            for start in (
                headed(b"Content-Length: 500"),
                headed(b"Transfer-Encoding: chunked", body=b"10\r\nabc"),
            ):
                waiting.append(socket.socket(socket.AF_UNIX))
                waiting[-1].connect(str(cluster.folder / "backend.sock"))
                waiting[-1].sendall(start)
        assert b"200 OK" in send(cluster.folder / "backend.sock", request("GET", "/readyz"))
    finally:
        for connection in waiting:
            connection.close()
    assert b"200 OK" in send(cluster.folder / "backend.sock", request("GET", "/readyz"))


def test_nothing_of_it_is_in_the_log(cluster: Cluster) -> None:
    """A traceback would be there had any request before been more than refused."""
    pid = cluster.pid
    test_hostile_requests_are_the_client_s_fault(cluster, request("POST", DRY, b"[" * 300_000, YAML))
    assert cluster.pid == pid
    assert "ERROR" not in cluster.run("cluster", "logs")
