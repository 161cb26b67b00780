"""`minikctl config get-clusters`. Source: k8s.io/kubectl/pkg/cmd/config/get_clusters.go."""

from __future__ import annotations

from minikctl.command import Command, Invocation
from minikctl.commands.config.files import Files


def run(call: Invocation) -> int:
    """Print the names, sorted."""
    names = sorted(Files(call, call.flags["cluster"]).entries("clusters"))
    call.streams.out.write("".join(f"{name}\n" for name in ["NAME", *names]))
    return 0


COMMAND = Command(
    use="get-clusters [flags]",
    short="Display clusters defined in the kubeconfig",
    long="Display clusters defined in the kubeconfig.",
    examples="""
  # The clusters that minikctl knows about
  minikctl config get-clusters""",
    run=run,
)
