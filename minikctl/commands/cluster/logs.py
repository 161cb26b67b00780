"""cluster logs: what the backend of a local cluster printed."""

from __future__ import annotations

import os
import time
from collections import deque
from pathlib import Path
from typing import IO

from minikctl.command import Command, CommandError, Flag, Invocation
from minikctl.commands.cluster import _profile

FOLLOW_SECONDS = 0.2


def run(call: Invocation) -> int:
    _profile.no_arguments(call, COMMAND)
    path = _profile.chosen(call, must_exist=True).log
    try:
        log = path.open(errors="replace")
    except FileNotFoundError:
        raise CommandError(f"error: {path} does not exist: the cluster was never started") from None
    with log:
        tail = call.flags["tail"]
        call.streams.out.writelines(log if tail < 0 else deque(log, maxlen=tail))
        if call.flags["follow"]:
            _follow(path, log, call.streams.out)
    return 0


def _follow(path: Path, log: IO[str], out: IO[str]) -> None:
    """A file has no portable event for growth: look five times a second, as tail -f does."""
    while True:
        out.writelines(log)
        out.flush()
        time.sleep(FOLLOW_SECONDS)
        if path.exists() and path.stat().st_ino != os.fstat(log.fileno()).st_ino:
            log.close()
            log = path.open(errors="replace")


COMMAND = Command(
    use="cluster logs",
    short="Print the log of a local cluster's backend",
    long='Print the log of a local cluster\'s backend. The logs of pods are printed by "minikctl logs".',
    examples=(
        "  # Print the last 20 lines\n"
        "  minikctl cluster logs --tail=20\n\n"
        "  # Print it as it grows\n"
        "  minikctl cluster logs -f"
    ),
    flags=(
        Flag("follow", "bool", False, "Specify if the log should be streamed.", short="f"),
        Flag("tail", "int", -1, "Lines of recent log to display. Defaults to -1, showing all log lines."),
    ),
    run=run,
)
