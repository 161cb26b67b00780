"""`minikctl apply set-last-applied`. Source: k8s.io/kubectl/pkg/cmd/apply/apply_set_last_applied.go."""

from __future__ import annotations

from typing import Any

from minikctl.client.builder import Info, Query, fetch, stream
from minikctl.client.errors import Failure, StatusError, aggregate, is_not_found, with_source
from minikctl.client.rest import MERGE_PATCH
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.apply.last_applied import in_words
from minikctl.commands.create import creating
from minikctl.commands.create.creating import LAST_APPLIED, last_applied
from minikctl.output.json_out import dumps
from minikctl.output.printers import make_printer, output_flags


def run(call: Invocation) -> int:
    strategy = creating.dry_run(call)
    printer = make_printer(call.flags, operation="configured", dry_run=strategy)
    asked = Query(filenames=call.flags["filename"], latest=False, continue_on_error=False)
    errors: list[Exception] = []
    changes: list[tuple[Info, str]] = []
    for info in stream(call.factory, asked, errors):
        text = dumps(info.object, None) + "\n"
        current = _current(call, info)
        if (last_applied(current.object) or "") == text:
            call.streams.out.write(f"set-last-applied {info.name}: no changes required.\n")
        else:
            changes.append((current, text))
    error = aggregate(errors)
    if error is not None:
        raise error
    for info, text in changes:
        obj = info.object
        if strategy != "client":
            obj = call.factory.client.request(
                "PATCH", info.path(), query={"dryRun": "All" if strategy == "server" else ""},
                body=_patch(text), content_type=MERGE_PATCH,
            )  # fmt: skip
        printer.print(obj, call.streams.out)
    return 0


def _patch(text: str) -> dict[str, Any]:
    return {"metadata": {"annotations": {LAST_APPLIED: text}}}


def _current(call: Invocation, info: Info) -> Info:
    """The object as the server has it. Failure if it has no annotation and is to be given none."""
    try:
        current = fetch(call.factory.client, info)
    except StatusError as error:
        if is_not_found(error):
            raise
        doing = f"retrieving current configuration of:\n{in_words(info)}\nfrom server for:"
        raise with_source(doing, info.source, error) from None
    if last_applied(current.object) is None and not call.flags["create-annotation"]:
        raise Failure(
            f"no last-applied-configuration annotation found on resource: {info.name}, to create the annotation, run"
            " the command with --create-annotation"
        )
    return current


COMMAND = Command(
    use="set-last-applied -f FILENAME",
    short="Set the last-applied-configuration annotation on a live object to match the contents of a file",
    long="Make the annotation in which 'apply' keeps what it applied say what a file says, as though the file had been"
    " applied, and change nothing else of the objects.",
    examples="""
  # Take what a file has as what was applied
  minikctl apply set-last-applied -f deploy.yaml

  # Take each file of a folder so
  minikctl apply set-last-applied -f path/

  # Make the annotation where there is none
  minikctl apply set-last-applied -f deploy.yaml --create-annotation=true""",
    run=run,
    flags=(
        Flag(
            "create-annotation", "bool", False,
            "Will create 'last-applied-configuration' annotations if current objects doesn't have one",
        ),
        creating.DRY_RUN_FLAG,
        shared_flags.filename(
            "Filename, directory, or URL to files that contains the last-applied-configuration annotations"
        ),
        *output_flags(),
    ),
)  # fmt: skip
