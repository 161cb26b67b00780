"""`minikctl config use-context`. Source: k8s.io/kubectl/pkg/cmd/config/use_context.go."""

from __future__ import annotations

from minikctl.client.errors import Failure
from minikctl.command import Command, Invocation
from minikctl.commands.config.arguments import check_count
from minikctl.commands.config.files import Files


def run(call: Invocation) -> int:
    check_count(call, "use-context", 1)
    files = Files(call, call.flags["cluster"])
    name = call.args[0]
    if name not in files.entries("contexts"):
        raise Failure(f'no context exists with the name: "{name}"')
    files.current = name
    files.save()
    call.streams.out.write(f'Switched to context "{name}".\n')
    return 0


COMMAND = Command(
    use="use-context CONTEXT_NAME",
    short="Set the current-context in a kubeconfig file",
    long="Set the current-context in a kubeconfig file.",
    examples="""
  # Use the context minikube from now on
  minikctl config use-context minikube""",
    run=run,
    aliases=("use",),
)
