"""Whether the services of the cluster that a command talks to can be reached by their addresses from this machine."""

from __future__ import annotations

from minikctl.client.connect import Target
from minikctl.local.profile import Profile


def problem(target: Target) -> str:
    """Why they cannot, or ""."""
    profile = _profile(target)
    if profile is None:
        return "the cluster is not one of this machine's"
    return str((profile.description() or {}).get("networkProblem", ""))


def _profile(target: Target) -> Profile | None:
    """The local cluster behind a kubeconfig of any name, or None."""
    if target.local:
        return Profile.named(target.local)
    server = target.cluster.get("server")
    for profile in Profile.existing():
        if server and (profile.description() or {}).get("endpoint") == server:
            return profile
    return None
