"""`minikctl config delete-cluster`. Source: k8s.io/kubectl/pkg/cmd/config/delete_cluster.go."""

from __future__ import annotations

from minikctl.client.errors import Failure
from minikctl.command import Command, Invocation
from minikctl.commands.config.arguments import show_usage
from minikctl.commands.config.files import Files


def run(call: Invocation) -> int:
    if len(call.args) != 1:
        show_usage(call, "delete-cluster")
        return 0
    files = Files(call, call.flags["cluster"])
    name = call.args[0]
    if name not in files.entries("clusters"):
        raise Failure(f"cannot delete cluster {name}, not in {files.default}")
    files.remove("clusters", name)
    files.save()
    call.streams.out.write(f"deleted cluster {name} from {files.default}\n")
    return 0


COMMAND = Command(
    use="delete-cluster NAME",
    short="Delete the specified cluster from the kubeconfig",
    long="Delete the specified cluster from the kubeconfig.",
    examples="""
  # Delete the cluster minikube
  minikctl config delete-cluster minikube""",
    run=run,
)
