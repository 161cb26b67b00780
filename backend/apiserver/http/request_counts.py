"""How many requests of which kind were answered how, and how long that took: what /metrics shows.

Counting costs each request under a microsecond; everything else is done when somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from backend.apiserver.http.exchange import Exchange

BUCKETS = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0,
)  # fmt: skip
"""Upper bounds in seconds. Source: k8s.io/apiserver endpoints/metrics."""


class Kind(NamedTuple):
    """What requests have in common that are counted together; without a resource, of paths that are none."""

    verb: str
    group: str
    version: str
    resource: str
    subresource: str
    scope: str
    code: int


class RequestCounts:
    """`seconds` has, for each kind, the sum and then how many took up to each of the BUCKETS, and longer."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, str, str, str, str, str, int], list[float]] = {}
        self.mutating = 0
        """Requests in flight that may change something."""

    def add(self, exchange: Exchange, began: float) -> None:
        """One request was answered that began at `began` (of perf_counter)."""
        took = perf_counter() - began
        target = exchange.target
        if target is None:
            key = (exchange.method, "", "", "", "", "", exchange.code)
        else:
            resource = target.resource
            scope = "resource" if target.name else "namespace" if target.namespace else "cluster"
            key = (
                exchange.verb, resource.group, resource.version, resource.plural, target.subresource, scope,
                exchange.code,
            )  # fmt: skip
        counts = self.seconds.get(key)
        if counts is None:
            counts = self.seconds[key] = [0.0] * (len(BUCKETS) + 2)
        counts[0] += took
        counts[bisect_left(BUCKETS, took) + 1] += 1

    def snapshot(self) -> dict[Kind, list[float]]:
        """As of now, for another thread."""
        return {Kind(*key): list(counts) for key, counts in self.seconds.items()}
