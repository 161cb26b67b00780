"""`minikctl delete`. Source: k8s.io/kubectl/pkg/cmd/delete/delete.go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minikctl.client.builder import Info, Query, stream
from minikctl.client.errors import Failure, StatusError, aggregate, is_not_found, with_source
from minikctl.client.waiting import wait_until_gone
from minikctl.command import Command, Flag, Interrupted, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.create.creating import DRY_RUN_FLAG, DryRun, check_raw_path, dry_run
from minikctl.flags import parse_bool

FOREVER = 168 * 3600.0
"""Seconds: kubectl's meaning of --timeout=0."""

CASCADES = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}


CASCADE_FLAG = Flag(
    "cascade", "string", "background", no_opt="background", usage=
    'Must be "background", "orphan", or "foreground". Selects the deletion cascading strategy for the'
    " dependents (e.g. Pods created by a ReplicationController). Defaults to background.",
)  # fmt: skip

FORCE_FLAG = Flag(
    "force", "bool", False,
    "If true, immediately remove resources from API and bypass graceful deletion. Note that immediate deletion"
    " of some resources may result in inconsistency or data loss and requires confirmation.",
)  # fmt: skip

GRACE_PERIOD_FLAG = Flag(
    "grace-period", "int", -1,
    "Period of time in seconds given to the resource to terminate gracefully. Ignored if negative. Set to 1 for"
    " immediate shutdown. Can only be set to 0 when --force is true (force deletion).",
)  # fmt: skip

TIMEOUT_FLAG = Flag(
    "timeout", "duration", 0.0,
    "The length of time to wait before giving up on a delete, zero means determine a timeout from the size of"
    " the object",
)  # fmt: skip


def run(call: Invocation) -> int:
    flags = call.flags
    if flags["raw"]:
        return _raw(call)
    strategy = dry_run(call)
    options = _options(call, strategy)
    asked = Query(
        args=call.args,
        filenames=flags["filename"],
        recursive=flags["recursive"],
        selector=flags["selector"],
        field_selector=flags["field-selector"],
        all_namespaces=flags["all-namespaces"],
        select_all=flags["all"],
        allow_empty_selector=False,
        latest=False,
        fetch=False,
    )
    errors: list[Exception] = []
    infos: Iterable[Info] = stream(call.factory, asked, errors)
    if flags["interactive"]:
        infos = list(infos)
        if not _confirmed(call, infos):
            call.streams.out.write("deletion is cancelled\n")
            return 0
    ignore = flags["ignore-not-found"] or flags["all"]
    warns = call.factory.explicit_namespace and not flags["all-namespaces"]
    found, deleted = delete_all(call, infos, options, errors, strategy=strategy, warns=warns)
    error = aggregate(error for error in errors if not (ignore and is_not_found(error)))
    if error is not None:
        raise error
    if not found:
        call.streams.out.write("No resources found\n")
    elif flags["wait"] and strategy == "none":
        call.streams.out.flush()
        try:
            wait_until_gone(call.factory.client, deleted, flags["timeout"] or FOREVER)
        except KeyboardInterrupt:
            raise Interrupted from None
    return 0


def _options(call: Invocation, strategy: DryRun) -> dict[str, Any]:
    """The DeleteOptions that the flags ask for. Raises for flags that do not go together."""
    flags = call.flags
    options: dict[str, Any] = {"propagationPolicy": cascade(call)}
    if flags["output"] not in ("", "name"):
        raise Failure(f"unexpected -o output mode: {flags['output']}. We only support '-o name'")
    if flags["all"] and (flags["selector"] or flags["field-selector"]):
        raise Failure("setting 'all' parameter but found a non empty selector. ")
    grace = flags["grace-period"]
    if flags["now"]:
        if grace != -1:
            raise Failure("--now and --grace-period cannot be specified together")
        grace = 1
    if grace == 0 and not flags["force"]:
        grace = 1  # Only --force deletes without a grace.
    if flags["force"]:
        if grace > 0:
            raise Failure("--force and --grace-period greater than 0 cannot be specified together")
        grace = 0
        call.streams.err.write(
            "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated."
            " The resource may continue to run on the cluster indefinitely.\n"
        )
    if grace >= 0:
        options["gracePeriodSeconds"] = grace
    if strategy == "server":
        options["dryRun"] = ["All"]
    return options


def cascade(call: Invocation) -> str:
    """--cascade as a propagationPolicy. Source: cmdutil.GetCascadingStrategy."""
    given = call.flags["cascade"]
    if given in CASCADES:
        return CASCADES[given]
    try:
        wanted = "background" if parse_bool(given) else "orphan"
    except ValueError:
        text = f'invalid cascade value ({given}). Must be "background", "foreground", or "orphan"'
        raise Failure(text) from None
    call.streams.err.write(
        f"warning: --cascade={given} is deprecated (boolean value) and can be replaced with --cascade={wanted}.\n"
    )
    return CASCADES[wanted]


def delete_all(
    call: Invocation,
    infos: Iterable[Info],
    options: dict[str, Any],
    errors: list[Exception],
    *,
    strategy: DryRun = "none",
    warns: bool = False,
) -> tuple[int, list[tuple[Info, str]]]:
    """Delete and print each; what fails goes to `errors`. Returns how many there were, and what was deleted, with its
    uid where known. `warns` warns of objects that have no namespace."""
    count, deleted = 0, []
    for info in infos:
        count += 1
        if warns and not info.mapping.namespaced:
            warns = False
            call.streams.err.write(
                "Warning: deleting cluster-scoped resources, not scoped to the provided namespace\n"
            )
        if strategy == "client":
            _print(call, info, options, strategy)
            continue
        try:
            answer = call.factory.client.request("DELETE", info.path(), body=options)
        except (StatusError, Failure) as error:
            errors.append(with_source("deleting", info.source, error))
            continue
        _print(call, info, options, strategy)
        details = answer.get("details") if answer.get("kind") == "Status" else answer.get("metadata")
        deleted.append((info, (details or {}).get("uid") or ""))
    return count, deleted


def _print(call: Invocation, info: Info, options: dict[str, Any], strategy: DryRun) -> None:
    kind = info.mapping.group_kind
    if call.flags["output"] == "name":
        call.streams.out.write(f"{kind}/{info.name}\n")
        return
    operation = "force deleted" if options.get("gracePeriodSeconds") == 0 else "deleted"
    if info.mapping.namespaced:
        operation += f" from {info.namespace} namespace"
    if strategy != "none":
        operation += " (server dry run)" if strategy == "server" else " (dry run)"
    call.streams.out.write(f'{kind} "{info.name}" {operation}\n')


def _confirmed(call: Invocation, infos: list[Info]) -> bool:
    """--interactive: show what would go, and ask."""
    call.streams.out.write(f"You are about to delete the following {len(infos)} resource(s):\n")
    for info in infos:
        call.streams.out.write(f"{info.mapping.group_kind}/{info.name}\n")
    call.streams.out.write("Do you want to continue? (y/N): ")
    call.streams.out.flush()
    return call.streams.stdin.readline().strip().lower() == "y"


def _raw(call: Invocation) -> int:
    """--raw: DELETE at a path of the server's, with a file as its body if there is one, and print the answer."""
    files = call.flags["filename"]
    if len(files) > 1:
        raise Failure("--raw can only use a single local file or stdin")
    if files and files[0].startswith(("http://", "https://")):
        raise Failure("--raw cannot read from a url")
    check_raw_path(call.flags["raw"])
    body = None
    if files:
        from minikctl.commands.create.sources import read_file

        body = call.streams.stdin.buffer.read() if files[0] == "-" else read_file(files[0])
    call.streams.out.buffer.write(call.factory.client.raw("DELETE", call.flags["raw"], body=body))
    return 0


COMMAND = Command(
    use="delete ([-f FILENAME] | TYPE [(NAME | -l label | --all)])",
    short="Delete resources by file names, stdin, resources and names, or by resources and label selector",
    long="Delete resources that files, names or label selectors say.\n\n"
    "What runs gets its grace period to end; --grace-period overrides it, and --now is a grace of one second. --force"
    " removes a resource from the API at once, without waiting for what runs to end: it may then go on running. Unless"
    " --wait=false, the command returns when the resources are gone, finalizers included.",
    examples="""
  # Delete a pod with the type and name that a file has
  minikctl delete -f ./pod.json

  # Delete the pod and the secret named web
  minikctl delete pod,secret web

  # Delete all pods with a label
  minikctl delete pods -l name=myLabel

  # Delete a pod with little delay
  minikctl delete pod foo --now

  # Delete all pods of the namespace
  minikctl delete pods --all""",
    run=run,
    flags=(
        Flag("all", "bool", False, "Delete all resources, in the namespace of the specified resource types."),
        shared_flags.ALL_NAMESPACES,
        CASCADE_FLAG,
        DRY_RUN_FLAG,
        shared_flags.FIELD_SELECTOR,
        shared_flags.filename("containing the resource to delete."),
        FORCE_FLAG,
        GRACE_PERIOD_FLAG,
        Flag(
            "ignore-not-found", "bool", False,
            'Treat "resource not found" as a successful delete. Defaults to "true" when --all is specified.',
        ),
        Flag("interactive", "bool", False, "If true, delete resource only when user confirms.", "i"),
        Flag(
            "now", "bool", False,
            "If true, resources are signaled for immediate shutdown (same as --grace-period=1).",
        ),
        Flag("output", "string", "", 'Output mode. Use "-o name" for shorter output (resource/name).', "o"),
        Flag(
            "raw", "string", "",
            "Raw URI to DELETE to the server.  Uses the transport specified by the kubeconfig file.",
        ),
        shared_flags.RECURSIVE,
        shared_flags.SELECTOR,
        TIMEOUT_FLAG,
        Flag(
            "wait", "bool", True,
            "If true, wait for resources to be gone before returning. This waits for finalizers.",
        ),
    ),
)  # fmt: skip
