"""`minikctl create service nodeport`."""

from __future__ import annotations

from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import creating
from minikctl.commands.create.service import TCP_FLAG, send


def run(call: Invocation) -> int:
    return send(call, "NodePort", node_port=call.flags["node-port"])


COMMAND = Command(
    use="nodeport NAME [--tcp=port:targetPort] [--dry-run=server|client|none]",
    short="Create a NodePort service",
    long="Create a NodePort service with the specified name.",
    examples="""
  # A service on port 5678, and on a port of every node, for the pods with the label app=my-ns
  minikctl create service nodeport my-ns --tcp=5678:8080""",
    run=run,
    flags=(
        *creating.CREATE_FLAGS,
        Flag("node-port", "int", 0, "Port used to expose the service on each node in a cluster."),
        TCP_FLAG,
    ),
)
