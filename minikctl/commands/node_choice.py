"""Which nodes `cordon`, `uncordon` and `drain` are about, and how those are marked.

Source: k8s.io/kubectl/pkg/cmd/drain/drain.go (Complete, RunCordonOrUncordon), pkg/drain/cordon.go.
"""

from __future__ import annotations

from typing import Any

from minikctl.client.builder import Info, Query, collect
from minikctl.client.errors import StatusError
from minikctl.client.rest import STRATEGIC_MERGE_PATCH
from minikctl.command import Invocation, UsageError
from minikctl.commands import shared_flags
from minikctl.commands.create.creating import DRY_RUN_FLAG, DryRun, dry_run
from minikctl.output.printers import make_printer

NODE_FLAGS = (DRY_RUN_FLAG, shared_flags.SELECTOR)


def check_usage(call: Invocation, command: str) -> None:
    selector = call.flags["selector"]
    if not call.args and "selector" not in call.changed:
        raise UsageError(f"USAGE: {command} NODE [flags]")
    if call.args and selector:
        raise UsageError("cannot specify both a node name and a --selector option")


def find(call: Invocation) -> list[Info]:
    """The nodes. Raises for the first that is not there."""
    selector = call.flags["selector"]
    args = ["nodes"] if selector else [name if "/" in name else f"nodes/{name}" for name in call.args]
    return collect(call.factory, Query(args=args, selector=selector, continue_on_error=False)).check()


def mark(call: Invocation, nodes: list[Info], *, unschedulable: bool) -> None:
    """Cordon the nodes or uncordon them, and say so. What the server refuses is only told."""
    strategy = dry_run(call)
    verb = "cordon" if unschedulable else "uncordon"
    for node in nodes:
        done = f"{verb}ed"
        if bool((node.object.get("spec") or {}).get("unschedulable")) == unschedulable:
            done = f"already {done}"
        elif strategy != "client":
            try:
                _send(call, node, strategy, {"spec": {"unschedulable": unschedulable or None}})
            except StatusError as error:
                call.streams.err.write(f'error: unable to {verb} node "{node.name}": {error}\n')
                continue
        make_printer({}, operation=done, dry_run=strategy).print(node.object, call.streams.out)
    call.streams.out.flush()


def _send(call: Invocation, node: Info, strategy: DryRun, patch: dict[str, Any]) -> None:
    query = {"dryRun": "All"} if strategy == "server" else {}
    call.factory.client.request("PATCH", node.path(), query=query, body=patch, content_type=STRATEGIC_MERGE_PATCH)
