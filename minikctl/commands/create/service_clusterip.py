"""`minikctl create service clusterip`."""

from __future__ import annotations

from minikctl.command import Command, Flag, Invocation
from minikctl.commands.create import creating
from minikctl.commands.create.service import TCP_FLAG, send


def run(call: Invocation) -> int:
    return send(call, "ClusterIP", clusterIP=call.flags["clusterip"])


COMMAND = Command(
    use="clusterip NAME [--tcp=<port>:<targetPort>] [--dry-run=server|client|none]",
    short="Create a ClusterIP service",
    long="Create a ClusterIP service with the specified name.",
    examples="""
  # A service on port 5678 for the pods with the label app=my-cs, which listen on port 8080
  minikctl create service clusterip my-cs --tcp=5678:8080

  # A service without an address: its name gives those of the pods
  minikctl create service clusterip my-cs --clusterip="None\"""",
    run=run,
    flags=(
        *creating.CREATE_FLAGS,
        Flag(
            "clusterip", "string", "",
            "Assign your own ClusterIP or set to 'None' for a 'headless' service (no loadbalancing).",
        ),
        TCP_FLAG,
    ),
)  # fmt: skip
