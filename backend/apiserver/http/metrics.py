"""/metrics in Prometheus' text format, with kube-apiserver's names where it has one for what is shown.

Sources of the names: k8s.io/apiserver endpoints/metrics, k8s.io/client-go util/workqueue. The library is imported by
the first scrape, in a thread: a cluster that nobody watches pays nothing for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from backend.apiserver.http.exchange import Exchange
from backend.apiserver.http.request_counts import BUCKETS, Kind, RequestCounts
from backend.machinery.controller import Controller, ControllerFigures
from backend.machinery.durations import DurationFigures, Durations
from backend.resources.catalog import Catalog
from backend.store.api import StoreFigures

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

LONG_RUNNING = ("WATCH", "CONNECT")
_VERBS = {
    "create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE", "deletecollection": "DELETECOLLECTION",
    "get": "GET", "list": "LIST", "watch": "WATCH",
}  # fmt: skip
_STREAMED = ("attach", "exec", "log", "portforward", "proxy")
_REQUEST = ["verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component"]


class Figured(Protocol):
    """What of a store is shown."""

    def count(self, prefix: str) -> int: ...

    def figures(self) -> StoreFigures: ...


@dataclass(frozen=True, slots=True)
class Scrape:
    """All that is shown, read at one moment on the event loop."""

    requests: Mapping[Kind, Sequence[float]]
    in_flight: Mapping[str, int]
    long_running: int
    objects: Mapping[tuple[str, str], int]
    controllers: Sequence[ControllerFigures]
    durations: Sequence[DurationFigures]
    store: StoreFigures


class Metrics:
    """`store` is asked at each scrape, as are the live controllers."""

    def __init__(self, counts: RequestCounts, catalog: Catalog, store: Figured) -> None:
        self._counts = counts
        self._catalog = catalog
        self._store = store
        self._registry: CollectorRegistry | None = None
        self._lock = asyncio.Lock()
        self._scrape: Scrape | None = None

    async def serve(self, exchange: Exchange, requests: int, long_running: int) -> None:
        """`requests` are all in flight, `long_running` those of them that end when the client wants."""
        async with self._lock:
            self._scrape = self._read(requests - 1, long_running)
            accept = exchange.headers.get(b"accept", b"").decode("latin-1")
            body, content_type = await asyncio.to_thread(self._render, accept)
        await exchange.respond(200, body, content_type.encode())

    def _read(self, requests: int, long_running: int) -> Scrape:
        mutating = self._counts.mutating
        in_flight = {"mutating": mutating, "readOnly": max(0, requests - mutating - long_running)}
        return Scrape(
            self._counts.snapshot(), in_flight, long_running, self._objects(), Controller.all_figures(),
            Durations.all_figures(), self._store.figures(),
        )  # fmt: skip

    def _objects(self) -> dict[tuple[str, str], int]:
        """Of every resource that is stored, by group and plural name."""
        return {
            (resource.group, resource.plural): self._store.count(resource.prefix)
            for resource in self._catalog.collections()
            if "list" in resource.verbs
        }

    def _render(self, accept: str) -> tuple[bytes, str]:
        from prometheus_client.exposition import choose_encoder

        if self._registry is None:
            self._registry = _registry(self)
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def collect(self) -> Iterable[Metric]:
        """For prometheus-client."""
        scrape = self._scrape
        assert scrape is not None
        yield from _request_metrics(scrape)
        yield from _object_metrics(scrape)
        yield from _controller_metrics(scrape)
        yield from _duration_metrics(scrape)
        yield from _store_metrics(scrape.store)


def _registry(metrics: Metrics) -> CollectorRegistry:
    from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
    from prometheus_client.registry import CollectorRegistry

    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics)
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry


def _verb(kind: Kind) -> str:
    return "CONNECT" if kind.subresource in _STREAMED and kind.resource else _VERBS.get(kind.verb, kind.verb)


def _request_metrics(scrape: Scrape) -> Iterable[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    total = CounterMetricFamily(
        "apiserver_request_total", "Counter of apiserver requests broken out for each verb, dry run value, group,"
        " version, resource, scope, component, and HTTP response code.", labels=[*_REQUEST, "code"],
    )  # fmt: skip
    took: dict[tuple[str, ...], list[float]] = {}
    for kind, counts in scrape.requests.items():
        labels = (
            _verb(kind),
            "",
            kind.group,
            kind.version,
            kind.resource,
            kind.subresource,
            kind.scope,
            "apiserver",
        )
        total.add_metric([*labels, str(kind.code)], sum(counts[1:]))
        if labels[0] not in LONG_RUNNING:
            sums = took.setdefault(labels, [0.0] * len(counts))
            took[labels] = [a + b for a, b in zip(sums, counts, strict=True)]
    yield total
    duration = HistogramMetricFamily(
        "apiserver_request_duration_seconds", "Response latency distribution in seconds for each verb, dry run value,"
        " group, version, resource, subresource, scope and component.", labels=_REQUEST,
    )  # fmt: skip
    for names, sums in took.items():
        duration.add_metric(names, _cumulated(sums[1:]), sums[0])
    yield duration
    flying = GaugeMetricFamily(
        "apiserver_current_inflight_requests", "Number of requests that are being answered, but for long-running ones.",
        labels=["request_kind"],
    )  # fmt: skip
    for name, number in scrape.in_flight.items():
        flying.add_metric([name], number)
    yield flying
    yield GaugeMetricFamily(
        "apiserver_longrunning_requests", "Number of watches and streams that are open.", scrape.long_running
    )


def _cumulated(counts: Sequence[float], bounds: Sequence[float] = BUCKETS) -> list[tuple[str, float]]:
    buckets: list[tuple[str, float]] = []
    total = 0.0
    for bound, count in zip((*map(_shown, bounds), "+Inf"), counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets


def _shown(bound: float) -> str:
    return f"{bound:g}"


def _object_metrics(scrape: Scrape) -> Iterable[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    old = GaugeMetricFamily(
        "apiserver_storage_objects", "Number of stored objects at the time of last check split by kind.",
        labels=["resource"],
    )  # fmt: skip
    new = GaugeMetricFamily(
        "apiserver_resource_objects", "Number of stored objects at the time of last check split by kind.",
        labels=["group", "resource"],
    )  # fmt: skip
    for (group, plural), number in scrape.objects.items():
        old.add_metric([f"{plural}.{group}" if group else plural], number)
        new.add_metric([group, plural], number)
    return old, new


def _controller_metrics(scrape: Scrape) -> Iterable[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    families: list[Any] = [
        GaugeMetricFamily("workqueue_depth", "Current depth of workqueue", labels=["name"]),
        CounterMetricFamily("workqueue_adds_total", "Total number of adds handled by workqueue", labels=["name"]),
        CounterMetricFamily(
            "workqueue_retries_total", "Total number of retries handled by workqueue", labels=["name"]
        ),
        CounterMetricFamily(
            "minikctl_controller_reconciles_total", "Keys that a controller has worked on", labels=["name"]
        ),
        CounterMetricFamily(
            "minikctl_controller_errors_total",
            "Of these, the ones that failed and are tried again",
            labels=["name"],
        ),
    ]
    for name, *figures in scrape.controllers:
        for family, figure in zip(families, figures, strict=True):
            family.add_metric([name], figure)
    return families


def _duration_metrics(scrape: Scrape) -> Iterable[Metric]:
    from prometheus_client.core import HistogramMetricFamily

    for figures in scrape.durations:
        buckets = _cumulated(figures.counts, figures.bounds)
        yield HistogramMetricFamily(figures.name, figures.help, buckets=buckets, sum_value=figures.total)


def _store_metrics(figures: StoreFigures) -> Iterable[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    bounds = [2.0**power for power in range(10)]
    counts = [0.0] * (len(bounds) + 1)
    for size, times in figures.batches.items():
        counts[next((at for at, bound in enumerate(bounds) if size <= bound), len(bounds))] += times
    rows = sum(size * times for size, times in figures.batches.items())
    yield CounterMetricFamily("minikctl_store_writes_total", "Durable writes", value=rows)
    yield CounterMetricFamily("minikctl_store_write_failures_total", "Writes that failed", value=figures.failures)
    yield HistogramMetricFamily(
        "minikctl_store_batch_size", "Writes that were committed as one transaction",
        buckets=_cumulated(counts, bounds), sum_value=rows,
    )  # fmt: skip
    yield GaugeMetricFamily("minikctl_store_size_bytes", "Size of the store's files", value=figures.size)
