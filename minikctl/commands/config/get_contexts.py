"""`minikctl config get-contexts`. Source: k8s.io/kubectl/pkg/cmd/config/get_contexts.go."""

from __future__ import annotations

from minikctl.client.errors import Failure, aggregate
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.config.files import Files
from minikctl.output.tabwriter import TabWriter


def run(call: Invocation) -> int:
    """Print the contexts that the arguments name, or all."""
    output = call.flags["output"]
    if output not in ("", "name"):
        raise Failure(
            f"--output {output} is not available in minikctl config get-contexts; resetting to default output format"
        )
    files = Files(call, call.flags["cluster"])
    known = files.entries("contexts")
    names = sorted(name for name in (call.args or known) if name in known)
    writer = TabWriter(call.streams.out)
    if not output and not call.flags["no-headers"]:
        writer.row(["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"])
    for name in names:
        context = known[name]
        if output:
            writer.row([name])
            continue
        mark = "*" if name == files.current else ""
        values = [context.get(key, "") for key in ("cluster", "user", "namespace")]
        writer.row([mark, name, *values])
    writer.flush()
    error = aggregate(Failure(f"context {name} not found") for name in call.args if name not in known)
    if error is not None:
        raise error
    return 0


COMMAND = Command(
    use="get-contexts [(-o|--output=)name)]",
    short="Describe one or many contexts",
    long="Display one or many contexts from the kubeconfig file.",
    examples="""
  # All contexts
  minikctl config get-contexts

  # One of them
  minikctl config get-contexts my-context""",
    run=run,
    flags=(
        Flag(
            "no-headers", "bool", False,
            "When using the default or custom-column output format, don't print headers (default print headers).",
        ),
        Flag("output", "string", "", "Output format. One of: (name).", short="o"),
    ),
)  # fmt: skip
