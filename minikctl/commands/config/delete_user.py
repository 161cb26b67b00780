"""`minikctl config delete-user`. Source: k8s.io/kubectl/pkg/cmd/config/delete_user.go."""

from __future__ import annotations

from minikctl.client.errors import Failure
from minikctl.command import Command, Invocation, UsageError
from minikctl.commands.config.files import Files


def run(call: Invocation) -> int:
    if len(call.args) != 1:
        raise UsageError("user to delete is required")
    files = Files(call, call.flags["cluster"])
    name = call.args[0]
    if name not in files.entries("users"):
        raise Failure(f"cannot delete user {name}, not in {files.default}")
    files.remove("users", name)
    files.save()
    call.streams.out.write(f"deleted user {name} from {files.default}\n")
    return 0


COMMAND = Command(
    use="delete-user NAME",
    short="Delete the specified user from the kubeconfig",
    long="Delete the specified user from the kubeconfig.",
    examples="""
  # Delete the user minikube
  minikctl config delete-user minikube""",
    run=run,
)
