"""`minikctl completion SHELL`. Source of the errors: k8s.io/kubectl/pkg/cmd/completion."""

from __future__ import annotations

from minikctl.command import Command, Invocation, UsageError
from minikctl.flags import go_quote
from minikctl.shells import SHELLS, script


def run(call: Invocation) -> int:
    """Print the shell's script."""
    if not call.args:
        raise UsageError("Shell not specified.")
    if len(call.args) > 1:
        raise UsageError("Too many arguments. Expected only the shell type.")
    shell = call.args[0]
    if shell not in SHELLS:
        raise UsageError(f"Unsupported shell type {go_quote(shell)}.")
    call.streams.out.write(script(shell))
    return 0


COMMAND = Command(
    use="completion SHELL",
    short="Output shell completion code for the specified shell (bash, zsh, or fish)",
    long="Print the code that lets a shell complete minikctl's commands, flags, resource names and namespaces."
    " The shell must evaluate it.",
    examples="""
# In this bash, now
source <(minikctl completion bash)

# In this zsh, now
source <(minikctl completion zsh)

# In every fish session
minikctl completion fish > ~/.config/fish/completions/minikctl.fish""",
    run=run,
)
