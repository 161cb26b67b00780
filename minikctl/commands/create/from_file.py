"""`minikctl create -f`: the objects of files, folders, URLs or standard input.

Source: k8s.io/kubectl/pkg/cmd/create/create.go.
"""

from __future__ import annotations

from typing import Any

from minikctl.client.builder import Info, Query, stream
from minikctl.client.errors import Failure, StatusError, aggregate, with_source
from minikctl.command import Command, Flag, Invocation, UsageError
from minikctl.commands import shared_flags
from minikctl.commands.create import creating, sources
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
    asked = Query(
        filenames=flags["filename"],
        recursive=flags["recursive"],
        selector=flags["selector"],
        latest=False,
        validate=directive != "Ignore",
    )
    errors: list[Exception] = []
    count = 0
    for info in stream(call.factory, asked, errors):
        count += 1
        try:
            _create(call, info, printer, query if strategy != "client" else None)
        except StatusError as refused:
            errors.append(with_source("creating", info.source, refused))
    error = aggregate(errors)
    if error is not None:
        raise error
    if not count:
        raise Failure("no objects passed to create")
    return 0


def _create(call: Invocation, info: Info, printer: Printer, query: dict[str, str] | None) -> None:
    """Send and print one object; without a `query` it is only printed."""
    obj: dict[str, Any] = info.object
    if call.flags["save-config"] or creating.last_applied(obj):
        creating.save_config(obj, typed=False)
    if query is not None:
        path = info.mapping.path(info.namespace)
        obj.get("metadata", {}).pop("resourceVersion", None)
        obj = call.factory.client.request("POST", path, query=query, body=obj)
    printer.print(obj, call.streams.out)


def _raw(call: Invocation) -> int:
    """--raw: POST one file as it is to a path of the server's, and print the answer."""
    flags = call.flags
    if len(flags["filename"]) != 1:
        raise Failure("--raw can only use a single local file or stdin")
    name = flags["filename"][0]
    if name.startswith(("http://", "https://")):
        raise Failure("--raw cannot read from a url")
    for other, shown in (("recursive", "--recursive"), ("selector", "--selector (-l)"), ("output", "--output")):
        if flags[other]:
            raise Failure(f"--raw and {shown} are mutually exclusive")
    creating.check_raw_path(flags["raw"])
    body = call.streams.stdin.buffer.read() if name == "-" else sources.read_file(name)
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
        shared_flags.filename("Filename, directory, or URL to files to use to create the resource"),
        Flag(
            "raw", "string", "",
            "Raw URI to POST to the server.  Uses the transport specified by the kubeconfig file.",
        ),
        shared_flags.RECURSIVE,
        shared_flags.SELECTOR,
    ),
)  # fmt: skip
