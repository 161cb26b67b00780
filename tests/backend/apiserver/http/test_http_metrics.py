"""/metrics: what was asked and answered, as Prometheus reads it; and the lines of /readyz."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from backend.apiserver.http.exchange import Exchange
from backend.apiserver.http.health import Health
from backend.apiserver.http.metrics import Metrics
from backend.apiserver.http.request_counts import RequestCounts
from backend.apiserver.http.routes import Router
from backend.machinery.controller import Controller, Key
from backend.machinery.durations import Durations
from backend.resources.catalog import Catalog
from backend.store.api import StoreFigures

LABELS = {
    "group": "",
    "version": "v1",
    "resource": "pods",
    "scope": "namespace",
    "subresource": "",
    "verb": "LIST",
}


class FewObjects:
    def __init__(self) -> None:
        self.objects = Counter({"core/pods/": 3, "apps/deployments/": 2})

    def count(self, prefix: str) -> int:
        return self.objects[prefix]

    def figures(self) -> StoreFigures:
        return StoreFigures(1, {1: 5, 3: 2}, 4096)


class Asked:
    """One request and what is answered to it."""

    def __init__(self, path: str, query: str = "") -> None:
        self.status = 0
        self.body = b""
        scope: dict[str, Any] = {
            "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode(), "headers": [],
            "state": {},
        }  # fmt: skip
        self.exchange = Exchange(scope, asyncio.Queue[Any]().get, self._send, set())

    async def _send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.body += bytes(message.get("body", b""))


async def scraped(metrics: Metrics, requests: int = 1, long_running: int = 0) -> dict[str, list[Any]]:
    """Samples by name."""
    asked = Asked("/metrics")
    await metrics.serve(asked.exchange, requests, long_running)
    found: dict[str, list[Any]] = {}
    for family in text_string_to_metric_families(asked.body.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def request(path: str, verb: str, code: int = 200) -> Any:
    return SimpleNamespace(target=Router(Catalog.builtin()).match(path), verb=verb, code=code, method="GET")


@pytest.fixture
def counts() -> RequestCounts:
    return RequestCounts()


@pytest.fixture
def metrics(counts: RequestCounts) -> Metrics:
    return Metrics(counts, Catalog.builtin(), FewObjects())


async def test_requests_are_counted_by_kind_and_code(metrics: Metrics, counts: RequestCounts) -> None:
    path = "/api/v1/namespaces/default/pods"
    for code in (200, 200, 403):
        counts.add(request(path, "list", code), 0)
    counts.add(request(path, "watch"), 0)
    counts.add(request(f"{path}/p/exec", "create", 101), 0)
    found = await scraped(metrics)
    totals = {
        (s.labels["verb"], s.labels["code"], s.labels["scope"]): s.value for s in found["apiserver_request_total"]
    }
    assert totals == {
        ("LIST", "200", "namespace"): 2, ("LIST", "403", "namespace"): 1, ("WATCH", "200", "namespace"): 1,
        ("CONNECT", "101", "resource"): 1,
    }  # fmt: skip
    timed = found["apiserver_request_duration_seconds_count"]
    assert [(s.labels["verb"], s.value) for s in timed] == [("LIST", 3)]
    assert LABELS.items() <= timed[0].labels.items()
    last = [s for s in found["apiserver_request_duration_seconds_bucket"] if s.labels["le"] == "+Inf"]
    assert [s.value for s in last] == [3]


async def test_objects_the_store_and_what_is_in_flight(metrics: Metrics, counts: RequestCounts) -> None:
    counts.mutating = 2
    found = await scraped(metrics, requests=10, long_running=4)
    stored = {s.labels["resource"]: s.value for s in found["apiserver_storage_objects"]}
    assert (stored["pods"], stored["deployments.apps"], stored["secrets"]) == (3, 2, 0)
    flying = {s.labels["request_kind"]: s.value for s in found["apiserver_current_inflight_requests"]}
    assert flying == {"mutating": 2, "readOnly": 3}
    assert found["minikctl_store_writes_total"][0].value == 11
    assert found["minikctl_store_batch_size_count"][0].value == 7
    assert found["minikctl_store_size_bytes"][0].value == 4096
    assert found["process_resident_memory_bytes"][0].value > 0


async def test_durations_are_cumulated(metrics: Metrics) -> None:
    durations = Durations("some_duration_seconds", "help", [0.1, 1.0])
    for seconds in (0.05, 0.5, 7.0):
        durations.observe(seconds)
    samples = (await scraped(metrics))["some_duration_seconds_bucket"]
    buckets = {sample.labels["le"]: sample.value for sample in samples}
    assert buckets == {"0.1": 1, "1": 2, "+Inf": 3}


async def test_work_queues_tell_what_waits_and_what_failed(metrics: Metrics) -> None:
    async def fail(_key: Key) -> float | None:
        raise RuntimeError("never")

    controller = Controller("the-one-of-this-test", fail)
    controller.enqueue("ns", "a")
    controller.enqueue("ns", "b")
    controller.enqueue("ns", "b")
    found = await scraped(metrics)
    name = {"name": controller.name}
    assert [s.value for s in found["workqueue_depth"] if s.labels == name] == [2]
    assert [s.value for s in found["workqueue_adds_total"] if s.labels == name] == [2]
    assert [s.value for s in found["workqueue_retries_total"] if s.labels == name] == [0]


async def health(path: str, query: str = "", **state: bool) -> tuple[int, str]:
    checks = {"ping": lambda: True, "etcd": lambda: state.get("etcd", True)}
    asked = Asked(path, query)
    await Health(checks, {"shutdown": lambda: state.get("shutdown", True)}).serve(asked.exchange)
    return asked.status, asked.body.decode()


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/livez", "", "ok"),
        ("/livez", "verbose", "[+]ping ok\n[+]etcd ok\nlivez check passed\n"),
        ("/readyz", "verbose", "[+]ping ok\n[+]etcd ok\n[+]shutdown ok\nreadyz check passed\n"),
        ("/readyz/shutdown", "", "ok"),
        ("/healthz", "verbose&exclude=etcd", "[+]ping ok\n[+]etcd excluded: ok\nhealthz check passed\n"),
    ],
)
async def test_who_is_well_says_so(path: str, query: str, expected: str) -> None:
    assert await health(path, query) == (200, expected)


async def test_a_check_that_fails_is_told_without_its_reason() -> None:
    lines = "[+]ping ok\n[-]etcd failed: reason withheld\n[+]shutdown ok\nreadyz check failed\n"
    assert await health("/readyz", etcd=False) == (500, lines)
    assert await health("/readyz", "exclude=etcd", etcd=False) == (200, "ok")
    assert (await health("/readyz/etcd", etcd=False))[0] == 500
    assert await health("/livez", shutdown=False) == (200, "ok")


async def test_what_cannot_be_excluded_is_told() -> None:
    warning = 'warn: some health checks cannot be excluded: no matches for "a", "b"\n'
    _, text = await health("/livez", "verbose&exclude=b&exclude=a")
    assert text == f"[+]ping ok\n[+]etcd ok\n{warning}livez check passed\n"


@pytest.mark.parametrize("path", ["/livez/shutdown", "/readyz/nope", "/livezz"])
async def test_a_check_that_is_not_there_is_not_found(path: str) -> None:
    assert (await health(path))[0] == 404
