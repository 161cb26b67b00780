"""Unix sockets whose paths are longer than an address can be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

MAX_ADDRESS = 107
"""Bytes of a path that an address has room for. Source: unix(7), sun_path without its final null."""
_DESCRIPTORS = "/proc/self/fd"


@contextmanager
def address(path: str) -> Iterator[str]:
    """What to bind or connect for the socket at `path`: the path, or a short name that is good inside the block.

    Raises OSError if the folder cannot be opened. Where there is no /proc, a path that is too long stays so.
    """
    if len(os.fsencode(path)) <= MAX_ADDRESS or not os.path.isdir(_DESCRIPTORS):
        yield path
        return
    folder, name = os.path.split(path)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"{_DESCRIPTORS}/{descriptor}/{name}"
    finally:
        os.close(descriptor)
