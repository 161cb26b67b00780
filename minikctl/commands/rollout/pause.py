"""`minikctl rollout pause`.

Source: kubectl/pkg/cmd/rollout/rollout_pause.go, polymorphichelpers/objectpauser.go.
"""

from __future__ import annotations

from minikctl.client.builder import Info
from minikctl.client.errors import Failure
from minikctl.command import Command, Invocation
from minikctl.commands.rollout import rollouts


def run(call: Invocation) -> int:
    return rollouts.change_all(call, "paused", _pause, "empty patch")


def _pause(info: Info) -> None:
    if info.mapping.group_kind != "deployment.apps":
        raise Failure("pausing is not supported")
    if info.object["spec"].get("paused"):
        raise Failure("is already paused")
    info.object["spec"]["paused"] = True


COMMAND = Command(
    use="pause RESOURCE",
    short="Mark the provided resource as paused",
    long="Mark resources as paused.\n\n"
    "A controller leaves a paused resource as it is, until `minikctl rollout resume`. Only deployments can be paused.",
    examples="""
  # Keep what the deployment nginx has now: changes of its template have no effect while it is paused
  minikctl rollout pause deployment/nginx""",
    run=run,
    flags=rollouts.CHANGE_FLAGS,
)
