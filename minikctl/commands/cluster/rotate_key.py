"""cluster rotate-key: a new key for what is encrypted at rest."""

from __future__ import annotations

from minikctl.command import Command, Invocation
from minikctl.commands.cluster import _profile
from minikctl.local import control, starter


def run(call: Invocation) -> int:
    _profile.no_arguments(call, COMMAND)
    profile = _profile.chosen(call, must_exist=True)
    starter.start(profile)
    rotated = control.rotate_key(profile)
    call.streams.out.write(f'key of cluster "{profile.name}" rotated (key {rotated["keyId"]})\n')
    return 0


COMMAND = Command(
    use="cluster rotate-key",
    short="Encrypt the stored Secrets with a new key",
    long=(
        "Encrypt the stored Secrets with a new key. When the command returns, everything is encrypted with the "
        "new key and the old one is forgotten. The cluster goes on serving meanwhile."
    ),
    examples="  # Rotate the key of the default cluster\n  minikctl cluster rotate-key",
    run=run,
)
