"""`minikctl create service loadbalancer`."""

from __future__ import annotations

from minikctl.command import Command, Invocation
from minikctl.commands.create import creating
from minikctl.commands.create.service import TCP_FLAG, send


def run(call: Invocation) -> int:
    return send(call, "LoadBalancer")


COMMAND = Command(
    use="loadbalancer NAME [--tcp=port:targetPort] [--dry-run=server|client|none]",
    short="Create a LoadBalancer service",
    long="Create a LoadBalancer service with the specified name.",
    examples="""
  # A service on port 5678 of a load balancer, for the pods with the label app=my-lbs
  minikctl create service loadbalancer my-lbs --tcp=5678:8080""",
    run=run,
    flags=(*creating.CREATE_FLAGS, TCP_FLAG),
)
