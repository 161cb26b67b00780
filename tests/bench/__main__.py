"""`make bench`: the figures that README promises, measured now, beside what they are compared with."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bench import api_load, backend_start, commands
from tests.bench.report import Row, table
from tests.support.cli import Cluster


def main() -> int:
    if shutil.which("wrk") is None:
        print("error: wrk, which makes the load, is not installed (Debian's package wrk)", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="minikctl-bench-") as folder:
        rows = measure(Path(folder))
    print(table(rows))
    return 0 if all(row.met is not False for row in rows) else 1


def measure(folder: Path) -> list[Row]:
    rows = backend_start.start_rows(folder)
    cluster = Cluster(folder / "home", f"bench-{os.getpid()}")
    cluster.run("cluster", "start")
    try:
        rows += backend_start.idle_rows(cluster)
        rows += commands.get_rows(cluster)
        rows += commands.pod_rows(cluster)
        rows += api_load.load_rows(cluster)
    finally:
        cluster.delete()
    return rows


sys.exit(main())
