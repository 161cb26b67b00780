"""`minikctl config rename-context`. Source: k8s.io/kubectl/pkg/cmd/config/rename_context.go."""

from __future__ import annotations

from minikctl.client.errors import Failure
from minikctl.command import Command, Invocation
from minikctl.commands.config.arguments import check_count
from minikctl.commands.config.files import Files


def run(call: Invocation) -> int:
    check_count(call, "rename-context", 2)
    files = Files(call, call.flags["cluster"])
    old, new = call.args
    contexts = files.entries("contexts")
    if old not in contexts:
        raise Failure(f'cannot rename the context "{old}", it\'s not in {files.default}')
    if new in contexts:
        raise Failure(f'cannot rename the context "{old}", the context "{new}" already exists in {files.default}')
    files.put("contexts", new, contexts[old])
    files.remove("contexts", old)
    if files.current == old:
        files.current = new
    files.save()
    call.streams.out.write(f'Context "{old}" renamed to "{new}".\n')
    return 0


COMMAND = Command(
    use="rename-context CONTEXT_NAME NEW_NAME",
    short="Rename a context from the kubeconfig file",
    long="Renames a context from the kubeconfig file. If it is the current one, it stays the current one.",
    examples="""
  # Call the context old-name new-name
  minikctl config rename-context old-name new-name""",
    run=run,
)
