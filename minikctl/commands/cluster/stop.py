"""cluster stop: end the backend, and its pods unless they shall go on."""

from __future__ import annotations

from minikctl.command import Command, Flag, Invocation
from minikctl.commands.cluster import _profile
from minikctl.local import control, progress, starter


def run(call: Invocation) -> int:
    _profile.no_arguments(call, COMMAND)
    profile = _profile.chosen(call, must_exist=True)
    with starter.locked(profile):
        starter.wait_for_another(profile)
        if not control.answers(profile):
            call.streams.out.write(f'cluster "{profile.name}" is not running\n')
            return 0
        keep_pods = call.flags["keep-pods"]
        pods = "" if keep_pods else " and its pods"
        with progress.shown(call.streams.err, f'Stopping cluster "{profile.name}"{pods}'):
            control.shutdown(profile, keep_pods=keep_pods)
    call.streams.out.write(f'cluster "{profile.name}" stopped\n')
    return 0


COMMAND = Command(
    use="cluster stop",
    short="Stop a local cluster",
    long=(
        "Stop a local cluster. Its pods' containers are stopped, all at once, each with its grace period but at "
        "most 10 seconds; the next start runs them again as their restart policy says. With --keep-pods they go on "
        "running, and the next start finds them. Nothing that is stored is lost either way."
    ),
    examples=(
        "  # Stop the default cluster and its pods\n"
        "  minikctl cluster stop\n\n"
        "  # Stop the backend and leave its containers running\n"
        "  minikctl cluster stop --keep-pods"
    ),
    flags=(Flag("keep-pods", "bool", False, "If true, leave the pods' containers running."),),
    run=run,
)
