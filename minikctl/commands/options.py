"""`minikctl options`: the flags that every command takes."""

from __future__ import annotations

from minikctl.command import Command, Invocation
from minikctl.globals import GLOBAL_FLAGS


def run(call: Invocation) -> int:
    from minikctl.help import options_text

    call.streams.out.write(options_text(GLOBAL_FLAGS))
    return 0


COMMAND = Command(
    use="options",
    short="List of global command-line options (applies to all commands)",
    examples="""
# Print flags inherited by all commands
minikctl options""",
    run=run,
)
