"""The server's own /metrics, at the service's port 9153: with CoreDNS' names, for dashboards that know those.

The library is imported by the first scrape, in a thread.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.core import Metric

MAX_HEAD = 8192
HEAD_SECONDS = 10.0
_SERVER = "dns://:53"

Counts = Mapping[str, Counter[tuple[str, str]]]
"""Answers by protocol, and (type, code)."""


class MetricsListener:
    """A page for scrapers: one request a connection."""

    def __init__(self, sock: socket.socket, counts: Callable[[], Counts]) -> None:
        self._sock = sock
        self._counts = counts
        self._family = "2" if sock.family == socket.AF_INET6 else "1"  # as IANA numbers them

    async def run(self) -> None:
        """Until cancelled; the socket is closed then."""
        server = await asyncio.start_server(self._serve, sock=self._sock, limit=MAX_HEAD)
        async with server:
            await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._answer(head))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: bytes) -> bytes:
        if not head.startswith((b"GET /metrics ", b"GET /metrics?")):
            return _http("404 Not Found", "text/plain", b"404 page not found\n")
        counts = {protocol: counter.copy() for protocol, counter in self._counts().items()}
        body, content_type = await asyncio.to_thread(_render, counts, self._family)
        return _http("200 OK", content_type, body)


def _http(status: str, content_type: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close"
    return f"{head}\r\n\r\n".encode() + body


def _render(counts: Counts, family: str) -> tuple[bytes, str]:
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

    class Collector:
        def collect(self) -> Iterable[Metric]:
            return _metrics(counts, family)

    registry = CollectorRegistry()
    registry.register(Collector())
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _metrics(counts: Counts, family: str) -> Iterable[Metric]:
    from prometheus_client.core import CounterMetricFamily

    by_type: Counter[tuple[str, str]] = Counter()
    by_code: Counter[str] = Counter()
    for protocol, answers in counts.items():
        for (rdtype, code), count in answers.items():
            by_type[protocol, rdtype or "other"] += count
            by_code[code] += count
    common = ["server", "zone", "view"]
    requests = CounterMetricFamily(
        "coredns_dns_requests_total", "Counter of DNS requests made per zone, protocol and family.",
        labels=[*common, "proto", "family", "type"],
    )  # fmt: skip
    for (protocol, rdtype), count in by_type.items():
        requests.add_metric([_SERVER, ".", "", protocol, family, rdtype], count)
    responses = CounterMetricFamily(
        "coredns_dns_responses_total", "Counter of response status codes.", labels=[*common, "rcode"]
    )
    for code, count in by_code.items():
        responses.add_metric([_SERVER, ".", "", code], count)
    return requests, responses
