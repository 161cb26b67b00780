"""cluster list: all local clusters."""

from __future__ import annotations

import json
from typing import Any

from minikctl.command import Command, CommandError, Flag, Invocation
from minikctl.commands.cluster import _profile
from minikctl.local import report
from minikctl.local.profile import Profile

COLUMNS = ("NAME", "STATE", "PID", "ENDPOINT")


def run(call: Invocation) -> int:
    _profile.no_arguments(call, COMMAND)
    output = call.flags["output"]
    if output not in ("", "json", "name"):
        raise CommandError('error: --output must be "json" or "name"')
    clusters = [report.status(profile) for profile in Profile.existing()]
    if output == "json":
        call.streams.out.write(json.dumps(clusters, indent=4) + "\n")
    elif output == "name":
        call.streams.out.writelines(f"{cluster['name']}\n" for cluster in clusters)
    elif clusters:
        call.streams.out.write(_table(clusters))
    else:
        call.streams.err.write("No clusters found\n")
    return 0


def _table(clusters: list[dict[str, Any]]) -> str:
    rows = [COLUMNS]
    for cluster in clusters:
        pid = "<none>" if cluster["pid"] is None else str(cluster["pid"])
        rows.append((cluster["name"], cluster["state"], pid, cluster["endpoint"] or "<none>"))
    widths = [max(len(row[column]) for row in rows) + 3 for column in range(len(COLUMNS))]
    lines = ["".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "".join(f"{line.rstrip()}\n" for line in lines)


COMMAND = Command(
    use="cluster list",
    short="List the local clusters",
    long="List the local clusters, running or not.",
    examples="  # List all local clusters\n  minikctl cluster list",
    flags=(Flag("output", "string", "", 'Output format. One of: ("json", "name").', short="o"),),
    aliases=("ls",),
    run=run,
)
