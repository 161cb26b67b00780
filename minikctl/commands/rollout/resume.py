"""`minikctl rollout resume`. Source: kubectl/pkg/cmd/rollout/rollout_resume.go, polymorphichelpers/objectresumer.go."""

from __future__ import annotations

from minikctl.client.builder import Info
from minikctl.client.errors import Failure
from minikctl.command import Command, Invocation
from minikctl.commands.rollout import rollouts


def run(call: Invocation) -> int:
    return rollouts.change_all(call, "resumed", _resume, "empty patch")


def _resume(info: Info) -> None:
    if info.mapping.group_kind != "deployment.apps":
        raise Failure("resuming is not supported")
    if not info.object["spec"].pop("paused", False):
        raise Failure("is not paused")


COMMAND = Command(
    use="resume RESOURCE",
    short="Resume a paused resource",
    long="Resume paused resources.\n\n"
    "A controller leaves a paused resource as it is; from now on it looks after it again. Only deployments can be"
    " resumed.",
    examples="""
  # Resume a deployment that was paused
  minikctl rollout resume deployment/nginx""",
    run=run,
    flags=rollouts.CHANGE_FLAGS,
)
