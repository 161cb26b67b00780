"""`minikctl create -f`: the objects of files, folders, URLs or standard input.

Source: k8s.io/kubectl/pkg/cmd/create/create.go.
"""

from __future__ import annotations

from typing import Any

from minikctl.client.builder import Info, Query, collect
from minikctl.client.errors import Failure, StatusError, aggregate
from minikctl.command import Command, Flag, Invocation, UsageError
from minikctl.commands.create import creating
from minikctl.output.printers import Printer, make_printer


def run(call: Invocation) -> int:
    flags = call.flags
    if call.args:
        raise UsageError(f"Unexpected args: [{' '.join(call.args)}]")
    if not flags["filename"]:
        raise Failure("must specify one of -f and -k")
    if flags["raw"]:
        return _raw(call)
    strategy = creating.dry_run(call)
    printer = make_printer(flags, operation="created", dry_run=strategy)
    directive = creating.validation(call)
    query = creating.post_query(call, strategy, directive)
    found = collect(
        call.factory,
        Query(
            filenames=flags["filename"],
            recursive=flags["recursive"],
            selector=flags["selector"],
            latest=False,
            validate=directive != "Ignore",
        ),
    )
    errors = list(found.errors)
    for info in found.infos:
        try:
            _create(call, info, printer, query if strategy != "client" else None)
        except StatusError as refused:
            errors.append(_with_source(refused, info.source))
    error = aggregate(errors)
    if error is not None:
        raise error
    if not found.infos:
        raise Failure("no objects passed to create")
    return 0


def _create(call: Invocation, info: Info, printer: Printer, query: dict[str, str] | None) -> None:
    """Send and print one object; without a `query` it is only printed."""
    obj: dict[str, Any] = info.object
    if call.flags["save-config"]:
        creating.save_config(obj)
    if query is not None:
        path = info.mapping.path(info.namespace)
        obj.get("metadata", {}).pop("resourceVersion", None)
        obj = call.factory.client.request("POST", path, query=query, body=obj)
    printer.print(obj, call.streams.out)


def _with_source(error: StatusError, source: str) -> StatusError:
    """The error with what was being done put before its message. Source: cmdutil.AddSourceToErr."""
    if not source:
        return error
    message = f'error when creating "{source}": {error}'
    return StatusError({**error.status, "message": message})


def _raw(call: Invocation) -> int:
    """--raw: POST one file as it is to a path of the server's, and print the answer."""
    flags = call.flags
    if len(flags["filename"]) != 1:
        raise UsageError("--raw can only use a single local file or stdin")
    name = flags["filename"][0]
    if name == "-":
        body = call.streams.stdin.buffer.read()
    else:
        try:
            with open(name, "rb") as file:
                body = file.read()
        except OSError as error:
            raise Failure(f"open {name}: {(error.strerror or '').lower()}") from None
    call.streams.out.buffer.write(call.factory.client.raw("POST", flags["raw"], body=body))
    return 0


COMMAND = Command(
    use="create -f FILENAME",
    short="Create a resource from a file or from stdin",
    long="Create resources from files, folders, URLs or standard input.\n\nJSON and YAML formats are accepted.",
    examples="""
  # Create a pod from a file
  minikctl create -f ./pod.yaml

  # Create all that the manifests of a folder and of the folders in it have
  minikctl create -R -f ./manifests

  # Create a pod from what is passed into stdin
  cat pod.json | minikctl create -f -""",
    run=run,
    flags=(
        *creating.CREATE_FLAGS,
        Flag("filename", "stringSlice", [], "Filename, directory, or URL to files to use to create the resource", "f"),
        Flag(
            "raw", "string", "",
            "Raw URI to POST to the server.  Uses the transport specified by the kubeconfig file.",
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
    ),
)  # fmt: skip
