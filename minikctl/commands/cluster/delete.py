"""cluster delete: a local cluster, its containers and all that it stored."""

from __future__ import annotations

import os
import shutil

from minikctl.command import Command, CommandError, Invocation
from minikctl.commands.cluster import _profile
from minikctl.local import control, progress, starter
from minikctl.local.profile import Profile


def run(call: Invocation) -> int:
    _profile.no_arguments(call, COMMAND)
    profile = _profile.chosen(call, must_exist=True)
    with starter.locked(profile), progress.shown(call.streams.err, f'Deleting cluster "{profile.name}"'):
        starter.wait_for_another(profile)
        if control.answers(profile):
            control.shutdown(profile, keep_pods=True)  # the purge ends them, of a stopped cluster too
        warnings = starter.purge(profile)
        _remove(profile)
    call.streams.err.write(warnings)
    call.streams.out.write(f'cluster "{profile.name}" deleted\n')
    return 0


def _remove(profile: Profile) -> None:
    """All of it at once for others: a command that waits for the lock makes a new cluster of the name."""
    doomed = profile.home.with_name(f".{profile.name}.deleted.{os.getpid()}")
    try:
        profile.home.rename(doomed)
        shutil.rmtree(doomed)
    except OSError as error:
        raise CommandError(f"error: cannot remove {error.filename}: {error.strerror}") from None


COMMAND = Command(
    use="cluster delete",
    short="Delete a local cluster and all that it stored",
    long=(
        "Delete a local cluster: its containers, which get no grace period, are removed from the Docker engine, "
        "and its folder with the database, keys and logs from the disk. This cannot be undone."
    ),
    examples=(
        "  # Delete the default cluster\n"
        "  minikctl cluster delete\n\n"
        "  # Delete another one\n"
        "  minikctl cluster delete --cluster=test"
    ),
    run=run,
)
