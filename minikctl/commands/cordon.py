"""`minikctl cordon`. Source: k8s.io/kubectl/pkg/cmd/drain/drain.go."""

from __future__ import annotations

from minikctl.command import Command, Invocation
from minikctl.commands import node_choice


def run(call: Invocation) -> int:
    node_choice.check_usage(call, "cordon")
    node_choice.mark(call, node_choice.find(call), unschedulable=True)
    return 0


COMMAND = Command(
    use="cordon NODE",
    short="Mark node as unschedulable",
    long="Mark nodes as unschedulable: no more pods are placed there.",
    examples="""
  # Let no more pods come to a node
  minikctl cordon foo""",
    run=run,
    flags=node_choice.NODE_FLAGS,
)
