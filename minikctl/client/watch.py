"""Watches: a stream of JSON events, one a line."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from minikctl.client.errors import StatusError
from minikctl.client.rest import JSON

if TYPE_CHECKING:
    from minikctl.client.rest import Client


class Event(NamedTuple):
    """`type` is ADDED, MODIFIED, DELETED or BOOKMARK; `object` the object, or a Table of it."""

    type: str
    object: dict[str, Any]


def watch(
    client: Client, path: str, query: Mapping[str, str], accept: str = JSON, timeout: float | None = None
) -> Generator[Event]:
    """Events from `query`'s resourceVersion on, until the server ends the watch.

    StatusError for an ERROR event (410 Expired, when that version is compacted), TimedOut after `timeout` seconds
    (--request-timeout, if it is None). Closing the iterator closes the connection.
    """
    query = {**query, "watch": "true"}
    response = client.stream("GET", path, query=query, accept=accept, timeout=timeout or client.timeout)
    try:
        for line in lines(response.chunks()):
            frame = json.loads(line)
            if frame.get("type") == "ERROR":
                raise StatusError(frame.get("object") or {})
            yield Event(frame["type"], frame["object"])
    finally:
        response.close()


def lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """`chunks` cut at newlines; empty lines are dropped."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line)
    if rest:
        yield rest
