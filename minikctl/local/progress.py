"""Something to look at while a cluster command takes its time: on a terminal only, never in a pipe or a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def shown(stream: TextIO, text: str) -> Iterator[None]:
    """A spinner beside `text` until the block ends; it leaves nothing behind."""
    if not stream.isatty():
        yield
        return
    from rich.console import Console

    with Console(file=stream).status(text):
        yield
