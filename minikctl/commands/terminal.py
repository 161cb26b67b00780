"""The user's terminal in raw mode, and its size."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager


def is_terminal(descriptor: int) -> bool:
    return os.isatty(descriptor)


@contextmanager
def raw_mode(descriptor: int) -> Iterator[None]:
    """Keys go to the process as they are typed; the terminal is put back however this ends."""
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def size_message() -> bytes:
    """The size of the terminal, as the resize channel takes it."""
    columns, lines = os.get_terminal_size(sys.stdout.fileno())
    return json.dumps({"Width": columns, "Height": lines}).encode()


@contextmanager
def resizes() -> Iterator[int]:
    """A file descriptor that can be read whenever the terminal changed its size."""
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    old_wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    old_handler = signal.signal(signal.SIGWINCH, lambda *_: None)
    try:
        yield reader.fileno()
    finally:
        signal.signal(signal.SIGWINCH, old_handler)
        signal.set_wakeup_fd(old_wakeup)
        reader.close()
        writer.close()
