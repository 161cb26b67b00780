"""cluster start: bring a local cluster up, or make one."""

from __future__ import annotations

from minikctl.command import Command, Invocation
from minikctl.commands.cluster import _profile
from minikctl.local import progress, starter


def run(call: Invocation) -> int:
    _profile.no_arguments(call, COMMAND)
    profile = _profile.chosen(call)
    with progress.shown(call.streams.err, f'Starting cluster "{profile.name}"'):
        began = starter.start(profile)
    state = "started" if began else "already running"
    call.streams.out.write(f'cluster "{profile.name}" {state}\n')
    return 0


COMMAND = Command(
    use="cluster start",
    short="Start a local cluster",
    long=(
        "Start a local cluster, or make it if there is none of this name.\n\n"
        "Commands that need the local cluster start it by themselves. What a stopped cluster held is there "
        "again, and its pods run again."
    ),
    examples=(
        "  # Start the default cluster\n"
        "  minikctl cluster start\n\n"
        "  # Start another one beside it\n"
        "  minikctl cluster start --cluster=test"
    ),
    run=run,
)
