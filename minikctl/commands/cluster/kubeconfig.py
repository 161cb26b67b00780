"""cluster kubeconfig: let other clients reach a local cluster."""

from __future__ import annotations

from pathlib import Path

from minikctl.command import Command, CommandError, Flag, Invocation
from minikctl.commands.cluster import _profile
from minikctl.local import kubeconfig, starter


def run(call: Invocation) -> int:
    _profile.no_arguments(call, COMMAND)
    profile = _profile.chosen(call)
    starter.start(profile)
    description = profile.description()
    if description is None:
        raise CommandError(f'error: cluster "{profile.name}" stopped while it was asked')
    built = kubeconfig.build(profile, description)
    if call.flags["merge"]:
        path = Path.home() / ".kube" / "config"
        kubeconfig.merge_into_file(path, built)
        call.streams.out.write(f'context "{profile.context}" added to {path}\n')
    else:
        import yaml

        call.streams.out.write(yaml.safe_dump(built, sort_keys=False))
    return 0


COMMAND = Command(
    use="cluster kubeconfig",
    short="Print a kubeconfig for other clients",
    long=(
        "Print a kubeconfig with which kubectl and other clients reach a local cluster.\n\n"
        "With --merge it is added to ~/.kube/config instead. What is there stays as it is, and so does the "
        "current context, unless there is none."
    ),
    examples=(
        "  # Let kubectl list the pods of the default cluster\n"
        "  minikctl cluster kubeconfig > minikctl.kubeconfig\n"
        "  kubectl --kubeconfig=minikctl.kubeconfig get pods\n\n"
        "  # Add the default cluster to ~/.kube/config\n"
        "  minikctl cluster kubeconfig --merge"
    ),
    flags=(Flag("merge", "bool", False, "If true, add to ~/.kube/config instead of printing."),),
    run=run,
)
