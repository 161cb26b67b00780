"""How much processor time and memory a node and its containers use, measured when somebody asks and never otherwise.

A rate needs two readings. The older one is what was read up to LONGEST seconds before, or the start of a container
that is younger than that; where there is neither, a second reading follows SHORTEST seconds after the first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from backend.apiserver.resource_metrics.scrape import Key, Point, read_points
from backend.machinery.clock import Clock
from backend.meta.streams import NodeStreams

SHORTEST = 1.0
LONGEST = 20.0
"""A little more than metrics-server's and the autoscaler's 15 seconds, which then are the window."""
PATH = "/metrics/resource"

Points = Mapping[Key, Point]


@dataclass(frozen=True, slots=True)
class Usage:
    """`window` seconds of processor time, in ns per second, up to `time`; memory at that moment."""

    time: float
    window: float
    cpu_nanocores: int
    memory_bytes: int


class Meter:
    """Of one node. Who asks while it is being read, or soon after, gets the same answer."""

    def __init__(self, streams: NodeStreams, node: str, clock: Clock) -> None:
        self._streams = streams
        self._node = node
        self._clock = clock
        self._readings: deque[tuple[float, Points]] = deque()
        self._reading = asyncio.Lock()
        self._measured: Mapping[Key, Usage] = {}

    async def measure(self) -> Mapping[Key, Usage]:
        """Raises ApiError where the node cannot be asked."""
        async with self._reading:
            if self._readings and self._clock.monotonic() - self._readings[-1][0] < SHORTEST:
                return self._measured
            newest = await self._read()
            measured = await asyncio.to_thread(self._usages, newest)
            if len(measured) < len(newest):
                await self._clock.sleep(SHORTEST)
                measured = await asyncio.to_thread(self._usages, await self._read())
            self._measured = measured
            return measured

    def _usages(self, newest: Points) -> Mapping[Key, Usage]:
        """Without what there is nothing to measure from. In a thread: there may be thousands, and nobody else reads."""
        bases = {key: self._base(key, point) for key, point in newest.items()}
        return {key: _usage(base, newest[key]) for key, base in bases.items() if base is not None}

    async def _read(self) -> Points:
        answer = await self._streams.get(self._node, PATH, {})
        text = b"".join([chunk async for chunk in answer.body]).decode()
        points = await asyncio.to_thread(read_points, text)
        now = self._clock.monotonic()
        while self._readings and self._readings[0][0] < now - LONGEST:
            self._readings.popleft()
        self._readings.append((now, points))
        return points

    def _base(self, key: Key, point: Point) -> Point | None:
        """The reading from which on the rate is measured."""
        for _, points in self._readings:
            known = points.get(key)
            if known is None or known.started != point.started or known.cpu_seconds > point.cpu_seconds:
                continue
            if point.time - known.time >= SHORTEST / 2:
                return known
            break
        if SHORTEST <= point.time - point.started <= LONGEST:
            return Point(point.started)
        return None


def _usage(base: Point, point: Point) -> Usage:
    window = point.time - base.time
    rate = (point.cpu_seconds - base.cpu_seconds) / window
    return Usage(point.time, window, round(rate * 10**9), point.memory_bytes)
