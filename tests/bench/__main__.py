"""`make bench`: the figures that README promises, measured now, beside what they are compared with.

`--whole` makes all of a day's updates of the store, which takes minutes, and not a tenth of them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bench import (
    api_load,
    backend_start,
    big_cluster,
    commands,
    deployments,
    ingress,
    policies,
    services,
    store_load,
    watchers,
)
from tests.bench.dns import dns_rows
from tests.bench.report import Row, table
from tests.support.cli import Cluster


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--whole", action="store_true", help="a whole day's updates of the store, not a tenth")
    whole: bool = parser.parse_args().whole
    if shutil.which("wrk") is None:
        print("error: wrk, which makes the load, is not installed (Debian's package wrk)", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="minikctl-bench-") as folder:
        rows = measure(Path(folder), whole)
    print(table(rows))
    return 0 if all(row.met is not False for row in rows) else 1


def measure(folder: Path, whole: bool) -> list[Row]:
    rows = backend_start.start_rows(folder)
    rows += deployments.fake_rows(folder)
    cluster = Cluster(folder / "home", f"bench-{os.getpid()}")
    cluster.run("cluster", "start")
    try:
        rows += backend_start.idle_rows(cluster)
        rows += commands.get_rows(cluster)
        rows += commands.pod_rows(cluster)
        rows += dns_rows(cluster)
        rows += deployments.engine_rows(cluster)
        rows += api_load.load_rows(cluster)
        rows += watchers.watcher_rows(cluster)
        rows += services.service_rows(cluster)
        rows += policies.policy_rows()
        rows += ingress.ingress_rows(cluster)
    finally:
        cluster.delete()
    rows += big_cluster.big_rows(folder / "big")
    return rows + store_load.store_rows(folder, whole=whole)


sys.exit(main())
