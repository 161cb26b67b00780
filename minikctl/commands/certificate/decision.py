"""What `certificate approve` and `certificate deny` share. Source: k8s.io/kubectl/pkg/cmd/certificates."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from backend.meta.timefmt import format_time
from minikctl.client.builder import Info, Query, stream
from minikctl.client.errors import Failure, StatusError, aggregate
from minikctl.command import Flag, Invocation
from minikctl.commands import shared_flags
from minikctl.output.printers import make_printer, output_flags

_RESOURCE = "certificatesigningrequests"
_ATTEMPTS = 10


class Decision(NamedTuple):
    """`done` is what the output says; `excluded` the condition that rules it out."""

    condition: str
    excluded: str
    reason: str
    message: str
    done: str


def decide(call: Invocation, decision: Decision) -> int:
    flags = call.flags
    printer = make_printer(flags, operation=decision.done)
    if not call.args and not flags["filename"]:
        raise Failure("one or more CSRs must be specified as <name> or -f <filename>")
    asked = Query(args=_arguments(call.args), filenames=flags["filename"], recursive=flags["recursive"])
    errors: list[Exception] = []
    found = 0
    for info in stream(call.factory, asked, errors):
        try:
            shown = _apply(call, info, decision)
        except (StatusError, Failure) as error:
            errors.append(error)
            continue
        found += 1
        printer.print(shown, call.streams.out)
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    if not found:
        call.streams.out.write("No resources found\n")
    return 0


def _arguments(names: Sequence[str]) -> list[str]:
    """Names of requests, or TYPE/NAME. Source: Builder.ResourceNames of cli-runtime."""
    if any("/" in name for name in names):
        return [name if "/" in name else f"{_RESOURCE}/{name}" for name in names]
    return [_RESOURCE, *names] if names else []


def _apply(call: Invocation, info: Info, decision: Decision) -> dict[str, Any]:
    """The request as it was before: kubectl prints that one. A lost race is run again with what is there then."""
    csr = info.object
    for attempt in range(_ATTEMPTS + 1):
        conditions = (csr.get("status") or {}).get("conditions") or []
        types = {condition.get("type") for condition in conditions}
        if decision.excluded in types:
            name = csr["metadata"]["name"]
            raise Failure(f'certificate signing request "{name}" is already {decision.excluded}')
        if decision.condition in types and not call.flags["force"]:
            return csr
        if decision.condition not in types:
            conditions = [*conditions, _condition(decision)]
        decided = {**csr, "status": {**(csr.get("status") or {}), "conditions": conditions}}
        try:
            call.factory.client.request("PUT", info.path("approval"), body=decided)
        except StatusError as error:
            if error.reason != "Conflict" or attempt == _ATTEMPTS:
                raise
            csr = call.factory.client.get(info.path())
            continue
        break
    return csr


def _condition(decision: Decision) -> dict[str, Any]:
    return {
        "type": decision.condition, "status": "True", "reason": decision.reason, "message": decision.message,
        "lastUpdateTime": format_time(time.time()),
    }  # fmt: skip


def decision_flags(done: str) -> tuple[Flag, ...]:
    usage = "Filename, directory, or URL to files identifying the resource to update"
    return (
        shared_flags.filename(usage),
        Flag("force", "bool", False, f"Update the CSR even if it is already {done}."),
        *output_flags(),
        shared_flags.RECURSIVE,
    )
