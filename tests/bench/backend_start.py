"""How long the API takes from an empty home, and what an idle backend costs."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.bench.report import Row, median
from tests.support.cli import Cluster

STARTS = 5
IDLE_SECONDS = 20
SETTLE_SECONDS = 10


def start_rows(home: Path) -> list[Row]:
    """The whole command that starts a cluster which never was, until it returns with the API ready."""
    seconds = []
    for number in range(STARTS):
        cluster = Cluster(home / f"start{number}", f"bench-start-{os.getpid()}")
        began = time.monotonic()
        cluster.run("cluster", "start")
        seconds.append(time.monotonic() - began)
        cluster.delete()
    took = median(seconds)
    spread = f"{min(seconds):.2f} to {max(seconds):.2f} s"
    return [Row("API ready from an empty home", f"{took:.2f} s", spread, "<= 1.0 s", took <= 1.0)]


def idle_rows(cluster: Cluster) -> list[Row]:
    """Resident memory, and processor time over IDLE_SECONDS in which nobody asks for anything."""
    time.sleep(SETTLE_SECONDS)
    before = cpu_seconds(cluster.pid)
    time.sleep(IDLE_SECONDS)
    percent = (cpu_seconds(cluster.pid) - before) / IDLE_SECONDS * 100
    resident = resident_mb(cluster.pid)
    return [
        Row("idle backend, memory", f"{resident:.0f} MB", "", "<= 120 MB", resident <= 120),
        Row("idle backend, of one core", f"{percent:.2f} %", f"over {IDLE_SECONDS} s", "<= 0.5 %", percent <= 0.5),
    ]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"no VmRSS of process {pid}")
