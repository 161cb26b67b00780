"""A container's log, from the engine's log API."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from backend.kubelet.runtime.engine_http import Endpoint, Exchange, request
from backend.kubelet.runtime.frames import frames, unframed
from backend.kubelet.runtime.states import seconds
from backend.meta.streams import LogOptions


async def open_logs(endpoint: Endpoint, container_id: str, options: LogOptions, *, tty: bool) -> LogReader:
    """Raises before the first chunk. The reader ends with the log, or with the container if it follows."""
    exchange = await request(
        endpoint, "GET", f"/containers/{container_id}/logs", reason="LogError", query=_query(options)
    )
    return LogReader(exchange, options, tty=tty)


def _query(options: LogOptions) -> dict[str, str]:
    query = {"stdout": "1", "stderr": "1"}
    if options.follow:
        query["follow"] = "1"
    if options.timestamps:
        query["timestamps"] = "1"
    if options.tail_lines is not None:
        query["tail"] = str(options.tail_lines)
    if options.since_time is not None:
        query["since"] = f"{seconds(options.since_time):.9f}"
    elif options.since_seconds is not None:
        query["since"] = f"{time.time() - options.since_seconds:.9f}"
    return query


class LogReader:
    """Chunks of a log. An iterator that frees its connection when it ends and when it is closed."""

    def __init__(self, exchange: Exchange, options: LogOptions, *, tty: bool) -> None:
        self._exchange = exchange
        self._left = options.limit_bytes
        chunks = exchange.chunks()
        self._pieces = unframed(chunks) if tty else frames(chunks)
        self._timestamps = options.timestamps and not tty
        self._torn: set[int] = set()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            if self._left == 0:
                raise StopAsyncIteration
            stream, data = await anext(self._pieces)
        except BaseException:
            await self.aclose()
            raise
        if self._timestamps:
            data = self._joined(stream, data)
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        return data

    async def aclose(self) -> None:
        self._exchange.close()

    def _joined(self, stream: int, data: bytes) -> bytes:
        """The engine splits lines at 16 KiB and stamps each part; a line has but one time."""
        if stream in self._torn:
            data = data.partition(b" ")[2]
        if data.endswith(b"\n"):
            self._torn.discard(stream)
        else:
            self._torn.add(stream)
        return data
