"""`minikctl replace`. Source: k8s.io/kubectl/pkg/cmd/replace/replace.go."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from minikctl.client.builder import Info, Query, stream
from minikctl.client.errors import Failure, StatusError, aggregate, is_not_found, with_source
from minikctl.client.waiting import wait_until_gone
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.create import creating, sources
from minikctl.commands.delete import (
    CASCADE_FLAG,
    FORCE_FLAG,
    FOREVER,
    GRACE_PERIOD_FLAG,
    TIMEOUT_FLAG,
    cascade,
    delete_all,
)
from minikctl.output.printers import Printer, make_printer, output_flags

_GONE_SECONDS = 300.0
"""How long --force waits until what it deletes is gone, unless --timeout says so."""


def run(call: Invocation) -> int:
    flags = call.flags
    if not flags["filename"]:
        raise Failure("must specify one of -f and -k")
    directive = creating.validation(call)
    strategy = creating.dry_run(call)
    printer = make_printer(flags, operation="replaced", dry_run=strategy)
    options = _delete_options(call)
    _validate(call, strategy)
    if flags["raw"]:
        return _raw(call)
    query = creating.post_query(call, strategy, directive)
    if flags["force"]:
        with tempfile.TemporaryDirectory(prefix="minikctl_replace_") as folder:
            filenames = [_kept(call, name, folder) for name in flags["filename"]]
            return _force(call, filenames, options, printer, query)
    errors: list[Exception] = []
    for info in stream(call.factory, _query(call, flags["filename"], directive != "Ignore"), errors):
        try:
            _replace(call, info, printer, query if strategy != "client" else None)
        except (StatusError, Failure) as refused:
            errors.append(with_source("replacing", info.source, refused))
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    return 0


def _query(call: Invocation, filenames: list[str], validate: bool) -> Query:
    recursive = call.flags["recursive"]
    return Query(filenames=filenames, recursive=recursive, latest=False, validate=validate)


def _delete_options(call: Invocation) -> dict[str, Any]:
    """The DeleteOptions of --force. A grace of 0 is one second, so that nothing is lost by mistake."""
    options: dict[str, Any] = {"propagationPolicy": cascade(call)}
    if call.flags["grace-period"] >= 0:
        options["gracePeriodSeconds"] = call.flags["grace-period"] or 1
    return options


def _validate(call: Invocation, strategy: creating.DryRun) -> None:
    flags = call.flags
    if not flags["force"] and flags["grace-period"] >= 0:
        raise Failure("--grace-period must have --force specified")
    if not flags["force"] and flags["timeout"]:
        raise Failure("--timeout must have --force specified")
    if flags["force"] and strategy != "none":
        raise Failure("--dry-run can not be used when --force is set")


def _replace(call: Invocation, info: Info, printer: Printer, query: dict[str, str] | None) -> None:
    """Send and print one object; without a `query` it is only printed."""
    obj = info.object
    _save_config(call, obj)
    if query is not None:
        path = info.path(call.flags["subresource"])
        obj = call.factory.client.request("PUT", path, query=query, body=_versioned(call, path, obj))
    printer.print(obj, call.streams.out)


def _save_config(call: Invocation, obj: dict[str, Any]) -> None:
    """With --save-config, or where the annotation is there already, it says what replaces.

    Source: util.CreateOrUpdateAnnotation.
    """
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    if call.flags["save-config"] or annotations.get(creating.LAST_APPLIED):
        creating.save_config(obj, typed=False)


def _versioned(call: Invocation, path: str, obj: dict[str, Any]) -> dict[str, Any]:
    """`obj` with the server's resourceVersion unless it has one of its own, so that it replaces whatever there is."""
    meta = obj.get("metadata") or {}
    if meta.get("resourceVersion"):
        return obj
    try:
        current = call.factory.client.get(path)
    except StatusError:
        return obj  # The PUT gives the error, or makes the object.
    return {**obj, "metadata": {**meta, "resourceVersion": current["metadata"]["resourceVersion"]}}


def _kept(call: Invocation, name: str, folder: str) -> str:
    """A file that can be read twice: standard input is copied into `folder`."""
    if name != "-":
        return name
    path = os.path.join(folder, "resource.stdin")
    with open(path, "wb") as file:
        file.write(call.streams.stdin.buffer.read())
    return path


def _force(
    call: Invocation, filenames: list[str], options: dict[str, Any], printer: Printer, query: dict[str, str]
) -> int:
    """Delete what there is of the files' objects, wait until it is gone, and make them anew."""
    flags = call.flags
    errors: list[Exception] = []
    old = list(stream(call.factory, _query(call, filenames, False), errors))
    found, deleted = delete_all(call, old, options, errors)
    failure = aggregate(error for error in errors if not is_not_found(error))
    if failure is not None:
        raise failure
    if not found:
        call.streams.out.write("No resources found\n")
    elif flags["grace-period"] == 0:
        wait_until_gone(call.factory.client, deleted, flags["timeout"] or FOREVER)
    wait_until_gone(call.factory.client, [(info, "") for info in old], flags["timeout"] or _GONE_SECONDS)
    return _create_all(call, filenames, printer, query)


def _create_all(call: Invocation, filenames: list[str], printer: Printer, query: dict[str, str]) -> int:
    errors: list[Exception] = []
    count = 0
    for info in stream(call.factory, _query(call, filenames, query["fieldValidation"] != "Ignore"), errors):
        obj = info.object
        _save_config(call, obj)
        obj.get("metadata", {}).pop("resourceVersion", None)
        try:
            made = call.factory.client.request("POST", info.mapping.path(info.namespace), query=query, body=obj)
        except StatusError as refused:
            errors.append(refused)
            continue
        count += 1
        printer.print(made, call.streams.out)
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    if not count:
        raise Failure("no objects passed to replace")
    return 0


def _raw(call: Invocation) -> int:
    """--raw: PUT one file as it is to a path of the server's, and print the answer."""
    flags = call.flags
    if len(flags["filename"]) != 1:
        raise Failure("--raw can only use a single local file or stdin")
    name = flags["filename"][0]
    if name.startswith(("http://", "https://")):
        raise Failure("--raw cannot read from a url")
    for other in ("recursive", "output"):
        if flags[other]:
            raise Failure(f"--raw and --{other} are mutually exclusive")
    creating.check_raw_path(flags["raw"])
    body = call.streams.stdin.buffer.read() if name == "-" else sources.read_file(name)
    call.streams.out.buffer.write(call.factory.client.raw("PUT", flags["raw"], body=body))
    return 0


COMMAND = Command(
    use="replace -f FILENAME",
    short="Replace a resource by file name or stdin",
    long="Replace resources by what files, folders, URLs or standard input have.\n\n"
    "JSON and YAML formats are accepted. The files must have the whole resources, as `minikctl get TYPE NAME -o yaml`"
    " gives them. --force deletes a resource and makes it anew, for what cannot be changed in place.",
    examples="""
  # Replace a pod by what a file has
  minikctl replace -f ./pod.json

  # Replace a pod by what is passed into stdin
  cat pod.json | minikctl replace -f -

  # Give a pod's image another version
  minikctl get pod mypod -o yaml | sed 's/\\(image: myimage\\):.*$/\\1:v4/' | minikctl replace -f -

  # Delete a pod and make it anew
  minikctl replace --force -f ./pod.json""",
    run=run,
    flags=(
        *output_flags(),
        CASCADE_FLAG,
        creating.DRY_RUN_FLAG,
        Flag("field-manager", "string", "kubectl-replace", "Name of the manager used to track field ownership."),
        shared_flags.filename("The files, directories or URLs that contain the configurations to replace."),
        FORCE_FLAG,
        GRACE_PERIOD_FLAG,
        Flag(
            "raw", "string", "",
            "Raw URI to PUT to the server.  Uses the transport specified by the kubeconfig file.",
        ),
        shared_flags.RECURSIVE,
        creating.SAVE_CONFIG_FLAG,
        Flag(
            "subresource", "string", "",
            "If specified, replace will operate on the subresource of the requested object.",
        ),
        TIMEOUT_FLAG,
        creating.VALIDATE_FLAG,
    ),
)  # fmt: skip
