"""Which profile a cluster command is about."""

from __future__ import annotations

import os

from minikctl.command import Command, CommandError, Invocation
from minikctl.local.profile import DEFAULT_PROFILE, Profile


def chosen(call: Invocation, *, must_exist: bool = False) -> Profile:
    """--cluster, else $MINIKCTL_CLUSTER, else the default profile."""
    name = call.flags["cluster"] or os.environ.get("MINIKCTL_CLUSTER") or DEFAULT_PROFILE
    profile = Profile.named(name)
    if must_exist and not profile.home.is_dir():
        raise CommandError(f'error: there is no cluster "{name}"; see "minikctl cluster list"')
    return profile


def no_arguments(call: Invocation, command: Command) -> None:
    if call.args:
        raise CommandError(f'error: "minikctl {command.use.split(" [")[0]}" takes no arguments, got {call.args}')
