"""A watch as frames: one JSON document and a newline for each change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import orjson

from backend.apiserver.watching import Change
from backend.meta.errors import ApiError

Encode = Callable[[Change], bytes]


class Sink(Protocol):
    """Where frames go from the event loop itself, between those that a task writes and waits for."""

    def push(self, encode: Encode, change: Change) -> bool:
        """Write the change's frame now. False, and nothing is encoded, where that would have to wait."""


def frame(change: Change, encoded: bytes) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (change.type.encode(), encoded)


def error_frame(error: ApiError) -> bytes:
    return orjson.dumps({"type": "ERROR", "object": error.status}) + b"\n"


class ObjectFrames:
    """Frames of whole objects. A change goes to one watch after the other: all of them get the same bytes."""

    def __init__(self) -> None:
        self._newest: Change | None = None
        self._frame = b""

    def frame(self, change: Change) -> bytes:
        if change is not self._newest:
            self._frame = frame(change, change.entry.raw)
            self._newest = change
        return self._frame
