"""How `config` takes its arguments: with the help on stdout where they do not fit."""

from __future__ import annotations

from minikctl.client.errors import Failure
from minikctl.command import Invocation


def check_count(call: Invocation, name: str, *counts: int) -> None:
    """Print the help of `config NAME` and raise Failure unless as many arguments were given as one of `counts`."""
    if len(call.args) not in counts:
        show_usage(call, name)
        raise Failure(f"Unexpected args: [{' '.join(call.args)}]")


def show_usage(call: Invocation, name: str) -> None:
    from minikctl.help import show_help

    show_help(["config", name], call.streams)
    call.streams.out.flush()
