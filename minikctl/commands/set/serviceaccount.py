"""`minikctl set serviceaccount`. Source: k8s.io/kubectl/pkg/cmd/set/set_serviceaccount.go."""

from __future__ import annotations

from minikctl.client.builder import Info
from minikctl.client.errors import Failure
from minikctl.command import Command, Invocation
from minikctl.commands import template_changes
from minikctl.commands.create.creating import dry_run
from minikctl.commands.set import setting


def run(call: Invocation) -> int:
    dry_run(call)
    setting.check_local(call)
    if not call.args:
        raise Failure("serviceaccount is required")
    *resources, account = call.args

    def change(info: Info) -> None:
        template_changes.pod_spec(info)["serviceAccountName"] = account

    return setting.change_all(
        call,
        setting.find(call, () if call.flags["local"] else resources),
        change,
        done="serviceaccount updated",
        failed="failed to patch ServiceAccountName ",
        sends_unchanged=True,
    )


COMMAND = Command(
    use="serviceaccount (-f FILENAME | TYPE NAME) SERVICE_ACCOUNT",
    short="Update the service account of a resource",
    long="Update the service account of pod templates.\n\n"
    "Resources may be replication controllers, deployments, daemon sets, jobs, replica sets and stateful sets.",
    examples="""
  # Let the pods of a deployment have another service account
  minikctl set serviceaccount deployment nginx-deployment serviceaccount1

  # Show what a file would be with it, without asking the server
  minikctl set sa -f nginx-deployment.yaml serviceaccount1 --local --dry-run=client -o yaml""",
    run=run,
    aliases=("sa",),
    flags=(*setting.set_flags("serviceaccount"), setting.FIELD_MANAGER_FLAG),
)
