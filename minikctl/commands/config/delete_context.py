"""`minikctl config delete-context`. Source: k8s.io/kubectl/pkg/cmd/config/delete_context.go."""

from __future__ import annotations

from minikctl.client.errors import Failure
from minikctl.command import Command, Invocation
from minikctl.commands.config.arguments import show_usage
from minikctl.commands.config.files import Files


def run(call: Invocation) -> int:
    if len(call.args) != 1:
        show_usage(call, "delete-context")
        return 0
    files = Files(call, call.flags["cluster"])
    name = call.args[0]
    if name not in files.entries("contexts"):
        raise Failure(f"cannot delete context {name}, not in {files.default}")
    if name == files.current:
        call.streams.err.write(
            'warning: this removed your active context, use "minikctl config use-context" to select a different one\n'
        )
    files.remove("contexts", name)
    files.save()
    call.streams.out.write(f"deleted context {name} from {files.default}\n")
    return 0


COMMAND = Command(
    use="delete-context NAME",
    short="Delete the specified context from the kubeconfig",
    long="Delete the specified context from the kubeconfig.",
    examples="""
  # Delete the context minikube
  minikctl config delete-context minikube""",
    run=run,
)
