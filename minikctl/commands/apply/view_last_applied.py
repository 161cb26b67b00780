"""`minikctl apply view-last-applied`. Source: k8s.io/kubectl/pkg/cmd/apply/apply_view_last_applied.go."""

from __future__ import annotations

import json
from typing import Any

from minikctl.client.builder import Info, Query, stream
from minikctl.client.errors import Failure, aggregate
from minikctl.command import Command, Flag, Invocation, UsageError
from minikctl.commands import shared_flags
from minikctl.commands.create.creating import last_applied
from minikctl.output import json_out, yaml_out


def run(call: Invocation) -> int:
    flags = call.flags
    if flags["all"] and len(call.args) == 1:
        raise Failure("setting 'all' parameter but found a non empty selector. ")
    asked = Query(
        args=call.args,
        filenames=flags["filename"],
        recursive=flags["recursive"],
        selector=flags["selector"],
        select_all=flags["all"],
        continue_on_error=False,
    )
    errors: list[Exception] = []
    shown = [text for info in stream(call.factory, asked, errors) if (text := _text(info)) is not None]
    error = aggregate(errors)
    if error is not None:
        raise error
    for text in shown:
        call.streams.out.write(_formatted(text, flags["output"]))
    if flags["output"] not in ("json", "yaml"):
        raise UsageError(
            f"Unexpected -o output mode: {flags['output']}, the flag 'output' must be one of yaml|json"
        )
    return 0


def _text(info: Info) -> str | None:
    """The annotation. An object without one is passed over, unless a file named it."""
    text = last_applied(info.object)
    if text is None and info.source:
        # Go's word for the error that is none is kubectl's, too.
        raise Failure(
            f"error when no last-applied-configuration annotation found on resource: {info.name}\n"
            f' "{info.source}": <nil>'
        )
    return text


def _formatted(text: str, output: str) -> str:
    if output not in ("json", "yaml"):
        return ""
    try:
        value: Any = json.loads(text)
    except ValueError as error:
        raise Failure(f"the last-applied-configuration annotation is no JSON: {error}") from None
    if output == "yaml":
        return yaml_out.dumps(value)
    return json_out.dumps(value, 2, sort_keys=False) + text[len(text.rstrip()) :]


COMMAND = Command(
    use="view-last-applied (TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME)",
    short="View the latest last-applied-configuration annotations of a resource/object",
    long="Show what 'apply' applied the last time to the resources that types and names, or files, say.\n\nThe output"
    " is YAML, or JSON with -o json.",
    examples="""
  # View what was applied to a config map, as YAML
  minikctl apply view-last-applied configmap/web

  # View what was applied to the objects of a file, as JSON
  minikctl apply view-last-applied -f deploy.yaml -o json""",
    run=run,
    flags=(
        Flag("all", "bool", False, "Select all resources in the namespace of the specified resource types"),
        shared_flags.filename(
            "Filename, directory, or URL to files that contains the last-applied-configuration annotations"
        ),
        Flag("output", "string", "yaml", "Output format. Must be one of (yaml, json)", "o"),
        shared_flags.RECURSIVE,
        shared_flags.SELECTOR,
    ),
)
