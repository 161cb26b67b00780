"""`minikctl uncordon`. Source: k8s.io/kubectl/pkg/cmd/drain/drain.go."""

from __future__ import annotations

from minikctl.command import Command, Invocation
from minikctl.commands import node_choice


def run(call: Invocation) -> int:
    node_choice.check_usage(call, "uncordon")
    node_choice.mark(call, node_choice.find(call), unschedulable=False)
    return 0


COMMAND = Command(
    use="uncordon NODE",
    short="Mark node as schedulable",
    long="Mark nodes as schedulable, after `minikctl cordon` or `minikctl drain`.",
    examples="""
  # Let pods come to a node again
  minikctl uncordon foo""",
    run=run,
    flags=node_choice.NODE_FLAGS,
)
