"""`minikctl config get-users`. Source: k8s.io/kubectl/pkg/cmd/config/get_users.go."""

from __future__ import annotations

from minikctl.command import Command, Invocation
from minikctl.commands.config.files import Files


def run(call: Invocation) -> int:
    """Print the names, sorted."""
    names = sorted(Files(call, call.flags["cluster"]).entries("users"))
    call.streams.out.write("".join(f"{name}\n" for name in ["NAME", *names]))
    return 0


COMMAND = Command(
    use="get-users [flags]",
    short="Display users defined in the kubeconfig",
    long="Display users defined in the kubeconfig.",
    examples="""
  # The users that minikctl knows about
  minikctl config get-users""",
    run=run,
)
