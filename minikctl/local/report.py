"""What `cluster status` and `cluster list` tell of a profile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from minikctl.local import control
from minikctl.local.profile import Profile


def status(profile: Profile) -> dict[str, Any]:
    """name, state (Running, NotReady, Stopped), pid, ready, endpoint, home, version, uptimeSeconds, network.

    What a stopped backend does not have (pid, endpoint, version, uptimeSeconds, network) is None. `network` has
    `problem`, why service addresses do not work or "", the ranges `services` and `loadBalancers`, and the address
    `dns`.
    """
    description = profile.description() or {}
    alive = control.answers(profile)
    ready = alive and control.ready(profile)
    return {
        "name": profile.name,
        "state": "Running" if ready else "NotReady" if alive else "Stopped",
        "pid": description.get("pid") if alive else None,
        "ready": ready,
        "endpoint": description.get("endpoint") if alive else None,
        "home": str(profile.home),
        "version": description.get("version") if alive else None,
        "uptimeSeconds": _uptime(description) if alive else None,
        "network": _network(description) if alive else None,
    }


def _network(description: dict[str, Any]) -> dict[str, str]:
    return {
        "problem": description.get("networkProblem", ""),
        "services": description.get("serviceRange", ""),
        "loadBalancers": description.get("loadBalancerRange", ""),
        "dns": description.get("dnsAddress", ""),
    }


def _uptime(description: dict[str, Any]) -> int | None:
    try:
        started = datetime.fromisoformat(description["startedAt"])
    except (KeyError, TypeError, ValueError):
        return None
    return max(0, int((datetime.now(UTC) - started).total_seconds()))
