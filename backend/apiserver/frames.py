"""A watch as frames: one JSON document and a newline for each change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import orjson

from backend.apiserver.watching import Change
from backend.meta.errors import ApiError

_SHARED_BYTES = 16 << 10
_SHARED = 64

Encode = Callable[[Change], bytes]


class Sink(Protocol):
    """Where frames go from the event loop itself, between those that a task writes and waits for."""

    def writable(self) -> bool:
        """Whether a frame can be written now, without waiting."""

    def push(self, frame: bytes) -> None: ...


def frame(change: Change, encoded: bytes) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (change.type.encode(), encoded)


def error_frame(error: ApiError) -> bytes:
    return orjson.dumps({"type": "ERROR", "object": error.status}) + b"\n"


class ObjectFrames:
    """Frames of whole objects. All who watch the same change get the same bytes, while it is new and not large."""

    def __init__(self) -> None:
        self._frames: dict[tuple[object, str], bytes] = {}

    def frame(self, change: Change) -> bytes:
        key = (change.entry, change.type)
        known = self._frames.get(key)
        if known is None:
            known = frame(change, change.entry.raw)
            if len(known) <= _SHARED_BYTES:
                if len(self._frames) >= _SHARED:
                    self._frames.clear()
                self._frames[key] = known
        return known
