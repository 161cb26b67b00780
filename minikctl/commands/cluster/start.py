"""cluster start: bring a local cluster up, or make one."""

from __future__ import annotations

from minikctl.command import Command, Flag, Invocation, UsageError
from minikctl.commands.cluster import _profile
from minikctl.local import progress, starter

RUNTIMES = ("docker", "fake")
MAX_PORT = 65535


def run(call: Invocation) -> int:
    _profile.no_arguments(call, COMMAND)
    profile = _profile.chosen(call)
    with progress.shown(call.streams.err, f'Starting cluster "{profile.name}"'):
        began = starter.start(profile, _runtime(call), _ingress_ports(call))
    state = "started" if began else "already running"
    call.streams.out.write(f'cluster "{profile.name}" {state}\n')
    description = profile.description() or {}
    if description.get("runtime") == "docker" and (problem := description.get("networkProblem")):
        call.streams.err.write(f"warning: services have no addresses here: {problem}\n")
    return 0


def _runtime(call: Invocation) -> str:
    """The empty text stands for the one of the last run."""
    runtime: str = call.flags["runtime"]
    if runtime not in ("", *RUNTIMES):
        raise UsageError(f'invalid value "{runtime}" for --runtime: must be one of {", ".join(RUNTIMES)}')
    return runtime


def _ingress_ports(call: Invocation) -> list[str]:
    """Of the backend's options, those that were given here."""
    options: list[str] = []
    for scheme in ("http", "https"):
        name = f"ingress-{scheme}-port"
        port: int = call.flags[name]
        if not -1 <= port <= MAX_PORT:
            raise UsageError(
                f"invalid value {port} for --{name}: must be 0 for any port, or a port up to {MAX_PORT}"
            )
        if port >= 0:
            options.append(f"--{name}={port}")
    return options


COMMAND = Command(
    use="cluster start",
    short="Start a local cluster",
    long=(
        "Start a local cluster, or make it if there is none of this name.\n\n"
        "Commands that need the local cluster start it by themselves. What a stopped cluster held is there "
        "again, and its pods run again.\n\n"
        "Where the user is not root, the backend is run in a container of its own, which may do what the network of "
        "services needs; it is the user's process nonetheless. With MINIKCTL_CONTAINER=false in the environment it "
        "runs without one, and services have no addresses."
    ),
    examples=(
        "  # Start the default cluster\n"
        "  minikctl cluster start\n\n"
        "  # Start another one beside it\n"
        "  minikctl cluster start --cluster=test\n\n"
        "  # Start one whose pods only pretend to run, for scale and for machines without Docker\n"
        "  minikctl cluster start --cluster=big --runtime=fake"
    ),
    run=run,
    flags=(
        Flag(
            "ingress-http-port", "int", -1, usage=
            "Port of this machine where Ingresses are served by HTTP, 0 for any. It is kept for later starts. If"
            " negative, that of the last start, or 80.",
        ),
        Flag(
            "ingress-https-port", "int", -1, usage=
            "The same for HTTPS. If negative, that of the last start, or 443.",
        ),
        Flag(
            "runtime", "string", "", usage=
            "What runs the pods: docker, or fake, which runs nothing and says that it does. It is kept for later"
            " starts.",
        ),
    ),
)  # fmt: skip
