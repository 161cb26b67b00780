"""`minikctl config current-context`. Source: k8s.io/kubectl/pkg/cmd/config/current_context.go."""

from __future__ import annotations

from minikctl.client.errors import Failure
from minikctl.command import Command, Invocation
from minikctl.commands.config.files import Files


def run(call: Invocation) -> int:
    current = Files(call, call.flags["cluster"]).current
    if not current:
        raise Failure("current-context is not set")
    call.streams.out.write(f"{current}\n")
    return 0


COMMAND = Command(
    use="current-context [flags]",
    short="Display the current-context",
    long="Display the current-context.",
    examples="""
  # The context that commands use
  minikctl config current-context""",
    run=run,
)
