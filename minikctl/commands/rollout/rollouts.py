"""What the commands of `rollout` share: which objects, and one change of each.

Source: k8s.io/kubectl/pkg/cmd/rollout.
"""

from __future__ import annotations

from collections.abc import Callable

from minikctl.client.builder import Info, Query, collect
from minikctl.client.errors import Failure, StatusError, aggregate
from minikctl.command import Flag, Invocation
from minikctl.commands import shared_flags, template_changes
from minikctl.output.printers import make_printer, output_flags
from minikctl.output.typed import typed

TARGET_FLAGS = (
    shared_flags.filename("Filename, directory, or URL to files identifying the resource to get from a server."),
    shared_flags.RECURSIVE,
    shared_flags.SELECTOR,
)

CHANGE_FLAGS = (
    *output_flags(),
    Flag("field-manager", "string", "kubectl-rollout", "Name of the manager used to track field ownership."),
    *TARGET_FLAGS,
)


def query(call: Invocation) -> Query:
    """What the command is about. Failure if nothing is named."""
    flags = call.flags
    if not call.args and not flags["filename"]:
        raise Failure("required resource not specified")
    return Query(
        args=call.args,
        filenames=flags["filename"],
        recursive=flags["recursive"],
        selector=flags["selector"],
    )


def tell_nothing_found(call: Invocation) -> None:
    call.streams.err.write(f"No resources found in {call.factory.namespace} namespace.\n")


def change_all(call: Invocation, done: str, change: Callable[[Info], None], unchanged: str) -> int:
    """Change each object, send it, and print `done` of it. `change` raises Failure for a kind or state that it cannot
    change; `unchanged` is what a change that changed nothing fails with, after the object's name."""
    make_printer(call.flags)
    found = collect(call.factory, query(call))
    errors = list(found.errors)
    if not found.infos and not errors:
        tell_nothing_found(call)
    for info in found.infos:
        try:
            _change(call, info, done, change, unchanged)
        except Failure as error:
            errors.append(error)
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    return 0


def _change(call: Invocation, info: Info, done: str, change: Callable[[Info], None], unchanged: str) -> None:
    try:
        _, patch = template_changes.changed(info, change)
    except Failure as error:
        raise Failure(f'error: {info.mapping.group_resource} "{info.name}" {error}') from None
    if not patch:
        raise Failure(f"failed to create patch for {info.name}: {unchanged}")
    try:
        made = template_changes.send(call.factory.client, info, patch, call.flags["field-manager"])
    except StatusError as error:
        raise Failure(f"failed to patch: {error}") from None
    make_printer(call.flags, operation=done, typed=True).print(typed(made), call.streams.out)


_WORKLOADS = frozenset({"deployment.apps", "daemonset.apps", "statefulset.apps"})
_WITHOUT_REVISIONS = frozenset({"job.batch", "pod", "replicaset.apps", "replicationcontroller", "cronjob.batch"})


def check_revisions(info: Info, asked: str, missing: str) -> None:
    """Failure for a kind that keeps no revisions; `asked` and `missing` are kubectl's words for what reads them."""
    mapping = info.mapping
    if mapping.group_kind in _WORKLOADS:
        return
    kind = f"{mapping.kind}.{mapping.group}" if mapping.group else mapping.kind
    if mapping.group_kind in _WITHOUT_REVISIONS:
        raise Failure(f'no {missing} has been implemented for "{kind}"')
    group = f"{mapping.group} {mapping.kind}"
    raise Failure(f'error retrieving {asked} for "{kind}", no visitor method exists for {{{group}}}')
