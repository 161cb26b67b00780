"""What the machine itself takes while something is measured: a process that writes a plain file and naps, and no more.

Its longest write has what the disk, and its longest nap what other processes and the host made anybody wait for.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAP_SECONDS = 0.01
BLOCK = b"x" * 32_768
"""What a transaction of 32 writers is."""
BLOCKS = 64


class MachineFloor:
    """Seconds, once it is over."""

    write = 0.0
    """The longest durable write of a plain file."""
    nap = 0.0
    """The most by which a nap was too long."""
    unserved = 0.0
    """The share of the time in which the measuring process's own thread was ready to run, and had no processor."""

    def __str__(self) -> str:
        longest = f"a plain file {self.write * 1000:.0f} ms, a nap {self.nap * 1000:.0f} ms too long"
        return f"meanwhile: {longest}; no processor {self.unserved:.0%} of the time"


@contextmanager
def machine_floor(directory: Path) -> Iterator[MachineFloor]:
    """Measures on the disk of `directory` as long as the block takes."""
    floor = MachineFloor()
    command = [sys.executable, __file__, str(directory / "floor")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        began, waited = time.perf_counter(), _waited()
        yield floor
        floor.unserved = (_waited() - waited) / (time.perf_counter() - began)
        told, _ = process.communicate()
    floor.write, floor.nap = map(float, told.split())


def _waited() -> float:
    """Seconds that the main thread was ready to run, and did not."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


def _measure(path: str) -> tuple[float, float]:
    """Until the standard input ends."""
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    os.pwrite(file, BLOCK * BLOCKS, 0)  # as a WAL in use, whose blocks are there
    os.fsync(file)
    longest = nap = 0.0
    block, began = 0, time.perf_counter()
    while not select.select([sys.stdin], [], [], NAP_SECONDS)[0]:
        woken = time.perf_counter()
        os.pwrite(file, BLOCK, block % BLOCKS * len(BLOCK))
        os.fdatasync(file)
        nap = max(nap, woken - began - NAP_SECONDS)
        block, began = block + 1, time.perf_counter()
        longest = max(longest, began - woken)
    return longest, nap


if __name__ == "__main__":
    print(*_measure(sys.argv[1]))
