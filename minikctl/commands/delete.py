"""`minikctl delete`. Source: k8s.io/kubectl/pkg/cmd/delete/delete.go."""

from __future__ import annotations

from typing import Any

from minikctl.client.builder import Info, Query, collect
from minikctl.client.errors import Failure, StatusError, aggregate, is_not_found
from minikctl.client.waiting import wait_until_gone
from minikctl.command import Command, Flag, Invocation, UsageError
from minikctl.commands.create.creating import DRY_RUN_FLAG, dry_run

FOREVER = 168 * 3600.0
"""Seconds: kubectl's meaning of --timeout=0."""

CASCADES = {
    "": "Background", "background": "Background", "true": "Background",
    "foreground": "Foreground", "orphan": "Orphan", "false": "Orphan",
}  # fmt: skip


def run(call: Invocation) -> int:
    flags = call.flags
    if flags["raw"]:
        return _raw(call)
    options = _options(call)
    found = collect(
        call.factory,
        Query(
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
        ),
    )
    ignore = flags["ignore-not-found"] or flags["all"]
    errors = [error for error in found.errors if not (ignore and is_not_found(error))]
    if flags["interactive"] and not _confirmed(call, found.infos):
        call.streams.out.write("deletion is cancelled\n")
        return 0
    _warn_about_cluster_scope(call, found.infos)
    deleted = _delete_all(call, found.infos, options, errors, ignore=ignore)
    error = aggregate(errors)
    if error is not None:
        raise error
    if not found.infos:
        call.streams.out.write("No resources found\n")
    elif flags["wait"] and dry_run(call) == "none":
        call.streams.out.flush()
        for info, uid in deleted:
            wait_until_gone(call.factory.client, info, uid, flags["timeout"] or FOREVER)
    return 0


def _options(call: Invocation) -> dict[str, Any]:
    """The DeleteOptions that the flags ask for. Raises for flags that do not go together."""
    flags = call.flags
    if flags["output"] not in ("", "name"):
        raise UsageError(f"unexpected -o output mode: {flags['output']}. We only support '-o name'")
    for other in ("selector", "field-selector"):
        if flags["all"] and flags[other]:
            raise Failure(f"cannot set --all and --{other} at the same time")
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
    cascade = flags["cascade"]
    if cascade not in CASCADES:
        raise Failure(f'invalid cascade value ({cascade}). Must be "background", "foreground", or "orphan"')
    options: dict[str, Any] = {"propagationPolicy": CASCADES[cascade]}
    if grace >= 0:
        options["gracePeriodSeconds"] = grace
    if dry_run(call) == "server":
        options["dryRun"] = ["All"]
    return options


def _delete_all(
    call: Invocation, infos: list[Info], options: dict[str, Any], errors: list[Exception], *, ignore: bool
) -> list[tuple[Info, str]]:
    """Delete and print each; what fails goes to `errors`. Returns what was deleted, with its uid where known."""
    deleted = []
    for info in infos:
        if dry_run(call) == "client":
            _print(call, info, options)
            continue
        try:
            answer = call.factory.client.request("DELETE", info.path(), body=options)
        except StatusError as error:
            if not (ignore and is_not_found(error)):
                errors.append(_with_source(error, info.source))
            continue
        _print(call, info, options)
        details = answer.get("details") if answer.get("kind") == "Status" else answer.get("metadata")
        deleted.append((info, (details or {}).get("uid") or ""))
    return deleted


def _print(call: Invocation, info: Info, options: dict[str, Any]) -> None:
    kind = info.mapping.group_kind
    if call.flags["output"] == "name":
        call.streams.out.write(f"{kind}/{info.name}\n")
        return
    operation = "force deleted" if options.get("gracePeriodSeconds") == 0 else "deleted"
    if info.mapping.namespaced:
        operation += f" from {info.namespace} namespace"
    strategy = dry_run(call)
    if strategy != "none":
        operation += " (server dry run)" if strategy == "server" else " (dry run)"
    call.streams.out.write(f'{kind} "{info.name}" {operation}\n')


def _warn_about_cluster_scope(call: Invocation, infos: list[Info]) -> None:
    enforced = call.factory.explicit_namespace and not call.flags["all-namespaces"]
    if enforced and any(not info.mapping.namespaced for info in infos):
        call.streams.err.write(
            "Warning: deleting cluster-scoped resources, not scoped to the provided namespace\n"
        )


def _confirmed(call: Invocation, infos: list[Info]) -> bool:
    """--interactive: show what would go, and ask."""
    call.streams.out.write(f"You are about to delete the following {len(infos)} resource(s):\n")
    for info in infos:
        call.streams.out.write(f"{info.mapping.group_kind}/{info.name}\n")
    call.streams.out.write("Do you want to continue? (y/N): ")
    call.streams.out.flush()
    return call.streams.stdin.readline().strip().lower() == "y"


def _with_source(error: StatusError, source: str) -> StatusError:
    if not source:
        return error
    return StatusError({**error.status, "message": f'error when deleting "{source}": {error}'})


def _raw(call: Invocation) -> int:
    if call.args:
        raise UsageError("arguments may not be passed when --raw is specified")
    call.streams.out.buffer.write(call.factory.client.raw("DELETE", call.flags["raw"]))
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
        Flag(
            "all-namespaces", "bool", False, short="A", usage=
            "If present, list the requested object(s) across all namespaces. Namespace in current context is ignored"
            " even if specified with --namespace.",
        ),
        Flag(
            "cascade", "string", "background", no_opt="background", usage=
            'Must be "background", "orphan", or "foreground". Selects the deletion cascading strategy for the'
            " dependents (e.g. Pods created by a ReplicationController). Defaults to background.",
        ),
        DRY_RUN_FLAG,
        Flag(
            "field-selector", "string", "",
            "Selector (field query) to filter on, supports '=', '==', and '!='.(e.g. --field-selector"
            " key1=value1,key2=value2). The server only supports a limited number of field queries per type.",
        ),
        Flag("filename", "stringSlice", [], "containing the resource to delete.", "f"),
        Flag(
            "force", "bool", False,
            "If true, immediately remove resources from API and bypass graceful deletion. Note that immediate deletion"
            " of some resources may result in inconsistency or data loss and requires confirmation.",
        ),
        Flag(
            "grace-period", "int", -1,
            "Period of time in seconds given to the resource to terminate gracefully. Ignored if negative. Set to 1 for"
            " immediate shutdown. Can only be set to 0 when --force is true (force deletion).",
        ),
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
        Flag(
            "recursive", "bool", False, short="R", usage=
            "Process the directory used in -f, --filename recursively. Useful when you want to manage related manifests"
            " organized within the same directory.",
        ),
        Flag(
            "selector", "string", "", short="l", usage=
            "Selector (label query) to filter on, supports '=', '==', '!=', 'in', 'notin'.(e.g. -l"
            " key1=value1,key2=value2,key3 in (value3)). Matching objects must satisfy all of the specified label"
            " constraints.",
        ),
        Flag(
            "timeout", "duration", 0.0,
            "The length of time to wait before giving up on a delete, zero means determine a timeout from the size of"
            " the object",
        ),
        Flag(
            "wait", "bool", True,
            "If true, wait for resources to be gone before returning. This waits for finalizers.",
        ),
    ),
)  # fmt: skip
