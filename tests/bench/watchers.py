"""One change, seen by a thousand watches through TLS: how long until it arrived at the last of them."""

from __future__ import annotations

import select
import ssl
import time

from tests.bench.backend_start import cpu_seconds
from tests.bench.report import Row, quantile
from tests.bench.tls_client import Api, exchange
from tests.support.cli import Cluster

WATCHERS = 1_000
CHANGES = 30
NAMESPACE = "watched"
PATH = f"/api/v1/namespaces/{NAMESPACE}/configmaps"


def watcher_rows(cluster: Cluster) -> list[Row]:
    """From before the change is sent until its event is at the watcher's socket; decrypted after the clock is read."""
    cluster.run("create", "namespace", NAMESPACE)
    cluster.run("wait", "--for=create", "configmap/kube-root-ca.crt", "-n", NAMESPACE)
    api = Api(cluster)
    poll = select.epoll()
    watches: dict[int, ssl.SSLSocket] = {}
    try:
        for _ in range(WATCHERS):
            watch = _watch(api)
            watches[watch.fileno()] = watch
            poll.register(watch.fileno(), select.EPOLLIN | select.EPOLLET)
        seconds: list[float] = []
        before = cpu_seconds(cluster.pid)
        with api.connect() as writer:
            for number in range(CHANGES):
                seconds += _change(api, writer, poll, watches, f"change-{number}")
        cpu = (cpu_seconds(cluster.pid) - before) / CHANGES * 1000
    finally:
        for watch in watches.values():
            watch.close()
        poll.close()
    p50, p99 = quantile(seconds, 0.5) * 1000, quantile(seconds, 0.99) * 1000
    return [
        Row(
            f"a change, seen by {WATCHERS:,} watches, TLS, p99",
            f"{p99:.0f} ms",
            f"p50 {p50:.0f} ms, CPU {cpu:.0f} ms",
            "<= 50 ms",
            p99 <= 50,
        )
    ]


def _watch(api: Api) -> ssl.SSLSocket:
    """A watch that has had its answer's head and what is there already."""
    connection = api.connect()
    connection.sendall(api.head("GET", f"{PATH}?watch=1"))
    answer = b""
    while b"kube-root-ca.crt" not in answer or not answer.endswith(b"\n\r\n"):
        answer += connection.recv(1 << 16)
    connection.setblocking(False)
    return connection


def _change(
    api: Api, writer: ssl.SSLSocket, poll: select.epoll, watches: dict[int, ssl.SSLSocket], name: str
) -> list[float]:
    """Seconds until each watcher has it. Raises RuntimeError when one has not."""
    body = f'{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}},"data":{{"a":"b"}}}}'.encode()
    for file, _ in poll.poll(0):
        _drain(watches[file])
    arrived: dict[int, float] = {}
    request = api.head("POST", PATH, body)
    began = time.perf_counter()
    writer.sendall(request)
    while len(arrived) < len(watches):
        ready = poll.poll(30)
        now = time.perf_counter()
        if not ready:
            raise RuntimeError(f"{len(watches) - len(arrived)} watches did not get {name}")
        for file, _ in ready:
            arrived.setdefault(file, now)
    _, status, _ = exchange(writer, b"")
    if status != 201:
        raise RuntimeError(f"{name} was answered with {status}")
    if any(f'"{name}"'.encode() not in _drain(watch) for watch in watches.values()):
        raise RuntimeError(f"a watch got something else than {name}")
    return [moment - began for moment in arrived.values()]


def _drain(watch: ssl.SSLSocket) -> bytes:
    got = b""
    try:
        while piece := watch.recv(1 << 16):
            got += piece
    except ssl.SSLWantReadError:
        return got
    raise ConnectionError("a watch ended")
