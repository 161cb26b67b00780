"""`minikctl config set-context`. Source: k8s.io/kubectl/pkg/cmd/config/set_context.go."""

from __future__ import annotations

from typing import Any

from minikctl.client.errors import Failure
from minikctl.command import Command, Flag, Invocation
from minikctl.commands.config.arguments import check_count
from minikctl.commands.config.files import Files


def run(call: Invocation) -> int:
    """--cluster is the context's here: the local cluster whose file this changes is $MINIKCTL_CLUSTER's."""
    flags = call.flags
    if len(call.args) > 1:
        check_count(call, "set-context", 0, 1)
    name = call.args[0] if call.args else ""
    if not name and not flags["current"]:
        raise Failure("you must specify a non-empty context name or --current")
    if name and flags["current"]:
        raise Failure("you cannot specify both a context name and --current")
    files = Files(call, "")
    name = name or files.current
    if not name:
        raise Failure("no current context is set")
    contexts = files.entries("contexts")
    given: dict[str, Any] = {key: flags[key] for key in ("cluster", "user", "namespace") if key in call.changed}
    context = {**contexts.get(name, {}), **given}
    if not context.get("namespace"):
        context.pop("namespace", None)
    files.put("contexts", name, context)
    files.save()
    call.streams.out.write(f'Context "{name}" {"modified" if name in contexts else "created"}.\n')
    return 0


COMMAND = Command(
    use="set-context [NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace]",
    short="Set a context entry in kubeconfig",
    long="Set a context entry in kubeconfig: --cluster, --user and --namespace are its cluster, user and namespace."
    " What is not given stays as it is.",
    examples="""
  # The user of the context gce, and nothing else of it
  minikctl config set-context gce --user=cluster-admin

  # Another namespace for commands from now on
  minikctl config set-context --current --namespace=kube-system""",
    run=run,
    flags=(Flag("current", "bool", False, "Modify the current context"),),
)
