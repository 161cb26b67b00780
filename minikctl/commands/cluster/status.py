"""cluster status: whether a local cluster runs, and how to reach it."""

from __future__ import annotations

import json
from typing import Any

from minikctl.command import Command, CommandError, Flag, Invocation
from minikctl.commands.cluster import _profile
from minikctl.local import report


def run(call: Invocation) -> int:
    _profile.no_arguments(call, COMMAND)
    output = call.flags["output"]
    if output not in ("", "json"):
        raise CommandError('error: --output must be "json"')
    status = report.status(_profile.chosen(call))
    call.streams.out.write(json.dumps(status, indent=4) + "\n" if output else _text(status))
    return 0 if status["ready"] else 1


def _text(status: dict[str, Any]) -> str:
    rows = {
        "Name": status["name"],
        "State": status["state"],
        "PID": status["pid"],
        "Endpoint": status["endpoint"],
        "Home": status["home"],
        "Version": status["version"],
        "Uptime": None if status["uptimeSeconds"] is None else f"{status['uptimeSeconds']}s",
        "Network": status["network"] and _network(status["network"]),
    }
    return "".join(f"{name + ':':<10} {value}\n" for name, value in rows.items() if value is not None)


def _network(network: dict[str, str]) -> str | None:
    """None for a backend of an earlier version, which says nothing of it."""
    if not network["services"]:
        return None
    if network["problem"]:
        return f"no addresses for services: {network['problem']}"
    return f"services {network['services']}, load balancers {network['loadBalancers']}, DNS {network['dns']}"


COMMAND = Command(
    use="cluster status",
    short="Show whether a local cluster runs",
    long="Show whether a local cluster runs. The exit code is 0 if it is ready, and 1 if it is not.",
    examples=(
        "  # Show the default cluster\n"
        "  minikctl cluster status\n\n"
        "  # Show it for a program\n"
        "  minikctl cluster status -o json"
    ),
    flags=(Flag("output", "string", "", 'Output format. One of: ("json").', short="o"),),
    run=run,
)
