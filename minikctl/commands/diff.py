"""`minikctl diff`: what `apply` would change. Source: k8s.io/kubectl/pkg/cmd/diff/diff.go."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Container, Iterable
from typing import Any, NamedTuple

from minikctl.client.builder import Info, Query, fetch, stream
from minikctl.client.errors import Failure, StatusError, aggregate, describe, is_not_found
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, CommandError, Flag, Invocation, UsageError
from minikctl.commands import shared_flags
from minikctl.commands.apply import prune
from minikctl.commands.apply.from_file import warn_if_deleting
from minikctl.commands.apply.last_applied import without_annotation
from minikctl.commands.apply.patcher import Patcher
from minikctl.commands.apply.server_side import APPLY_PATCH, FIELD_MANAGER, field_manager
from minikctl.commands.create import creating
from minikctl.output.printers import without_managed_fields
from minikctl.output.yaml_out import dumps

_TRIES = 4
_PROGRAM_ARGUMENT = re.compile(r"[a-zA-Z0-9=-]+").fullmatch
"""Which words of $KUBECTL_EXTERNAL_DIFF, after the first, are passed on."""


def run(call: Invocation) -> int:
    """0 without differences, 1 with some; what fails is a CommandError with a code beyond 1."""
    try:
        return _run(call)
    except UsageError as error:
        raise UsageError(error.message, error.exit_code + 1) from None
    except CommandError:
        raise
    except Exception as error:
        text, code = describe(error)
        raise CommandError(text, code + 1) from error


class _Folders(NamedTuple):
    live: str
    merged: str

    def write(self, name: str, live: str, merged: str | None) -> None:
        """A file in each folder; None for what is not to be."""
        for folder, text in ((self.live, live), (self.merged, merged)):
            if text is None:
                continue
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)


def _run(call: Invocation) -> int:
    flags = call.flags
    if call.args:
        raise UsageError(f"Unexpected args: [{' '.join(call.args)}]")
    if not flags["filename"]:
        raise Failure("must specify one of -f and -k")
    if flags["force-conflicts"] and not flags["server-side"]:
        raise Failure("--force-conflicts only works with --server-side")
    allowlist = prune.allowed(flags["prune-allowlist"], call.factory.mapper) if flags["prune"] else []
    with (
        tempfile.TemporaryDirectory(prefix="LIVE-") as live,
        tempfile.TemporaryDirectory(prefix="MERGED-") as merged,
    ):
        folders = _Folders(live, merged)
        asked = Query(
            filenames=flags["filename"],
            recursive=flags["recursive"],
            selector=flags["selector"],
            latest=False,
            continue_on_error=False,
        )
        errors: list[Exception] = []
        visited: dict[str, None] = {}
        namespaces: dict[str, None] = {}
        for info in stream(call.factory, asked, errors):
            if info.mapping.namespaced:
                namespaces[info.namespace] = None
            visited[_write(call, info, folders)] = None
        if flags["prune"]:
            _write_pruned(call, folders, allowlist, visited, namespaces)
        failure = aggregate(errors)
        if failure is not None:
            raise failure
        call.streams.out.flush()
        return _compare(folders)


def _write_pruned(
    call: Invocation,
    folders: _Folders,
    allowlist: list[ResourceMapping],
    visited: Container[str],
    namespaces: Iterable[str],
) -> None:
    """What `apply --prune` would delete, as live objects that are not to be. Source: k8s.io/kubectl/pkg/cmd/diff."""
    client, selector = call.factory.client, call.flags["selector"]
    try:
        if not allowlist:
            creating.log_deprecation(call, "prune.go:71", prune.DEPRECATED)
            allowlist = prune.allowed_by_default(call.factory.mapper)
        for mapping, namespace in prune.places(allowlist, namespaces):
            for item in prune.applied(client, mapping, namespace, selector):
                meta = item["metadata"]
                if meta["uid"] not in visited:
                    name = _file_name(mapping, meta.get("namespace", ""), meta["name"])
                    folders.write(name, dumps(item), None)
    except (StatusError, Failure) as error:
        why = f"pruning failed and could not be evaluated err: {error}"
        creating.log_deprecation(call, "diff.go:759", why)


def _write(call: Invocation, info: Info, folders: _Folders) -> str:
    """Both states of one object; again if it changes meanwhile, the last time come what may. Its uid, "" for none."""
    for tried in range(1, _TRIES + 1):
        try:
            current = fetch(call.factory.client, info).object
        except StatusError as error:
            if not is_not_found(error):
                raise
            current = None
        if tried == _TRIES:
            what = f"{info.mapping.group}/{info.mapping.version}, Kind={info.mapping.kind}: {info.name}"
            text = f"Object ({what}) keeps changing, diffing without lock"
            creating.log_deprecation(call, "diff.go:723", text)
        try:
            merged = _merged(call, info, current, locked=tried < _TRIES)
            break
        except StatusError as error:
            if error.reason != "Conflict" or tried == _TRIES:
                raise
    live = current
    name = _file_name(info.mapping, info.namespace, info.name)
    if not call.flags["show-managed-fields"]:
        live = None if live is None else dict(without_managed_fields(live))
        merged = dict(without_managed_fields(merged))
    if info.mapping.api_version == "v1" and info.mapping.kind == "Secret" and not call.flags["show-secrets"]:
        live, merged = _masked(live, merged)
        folders.write(name, dumps(live), dumps(merged))
    else:
        folders.write(name, "" if live is None else dumps(live), dumps(merged))
    if current is None:
        return ""
    warn_if_deleting(call, info, current)
    uid: str = current["metadata"].get("uid", "")
    return uid


def _merged(call: Invocation, info: Info, current: dict[str, Any] | None, *, locked: bool) -> dict[str, Any]:
    """What the server says that the object would be."""
    query = {"dryRun": "All", "fieldManager": field_manager(call)}
    client = call.factory.client
    if call.flags["server-side"]:
        force = "true" if call.flags["force-conflicts"] else "false"
        return client.request(
            "PATCH", info.path(), query={**query, "force": force}, body=info.object, content_type=APPLY_PATCH
        )
    patcher = Patcher(client, info, query, call.streams.err)
    if current is None:
        return patcher.create(info.object)
    content_type, patch = patcher.make(current, without_annotation(info.object))
    if patch and locked:
        version = current["metadata"]["resourceVersion"]
        patch = {**patch, "metadata": {**(patch.get("metadata") or {}), "resourceVersion": version}}
    return patcher.send(content_type, patch, current)


def _file_name(mapping: ResourceMapping, namespace: str, name: str) -> str:
    group = f"{mapping.group}." if mapping.group else ""
    return f"{group}{mapping.version}.{mapping.kind}.{namespace}.{name}"


def _masked(live: dict[str, Any] | None, merged: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Both with `***` for each value of a Secret, and a word that tells two apart. Source: diff.Masker."""
    old, new = ((obj or {}).get("data") or {} for obj in (live, merged))
    changed = {key for key in old if key in new and old[key] != new[key]}

    def mask(data: dict[str, Any], word: str) -> dict[str, str]:
        return {key: f"*** ({word})" if key in changed else "***" for key in data}

    if live is not None and old:
        live = {**live, "data": mask(old, "before")}
    if new:
        merged = {**merged, "data": mask(new, "after")}
    return live, merged


def _compare(folders: _Folders) -> int:
    """Run the program that compares two folders, which prints for itself. Its code is 0 or 1; Failure for others."""
    program, *words = os.environ.get("KUBECTL_EXTERNAL_DIFF", "").split(" ")
    command = [program, *folders, *(word for word in words if _PROGRAM_ARGUMENT(word))]
    if not program:
        program = "diff"
        command = [program, "-u", "-N", *folders]
    try:
        code = subprocess.run(command, check=False).returncode
    except FileNotFoundError:
        where = f'exec: "{program}": executable file not found in $PATH'
        raise Failure(f'failed to run "{program}": {where}') from None
    except OSError as error:
        text = f"fork/exec {program}: {(error.strerror or '').lower()}"
        raise Failure(f'failed to run "{program}": {text}') from None
    if code not in (0, 1):
        how = f"exit status {code}" if code > 0 else f"signal: {-code}"
        raise Failure(f'failed to run "{program}": {how}')
    return code


COMMAND = Command(
    use="diff -f FILENAME",
    short="Diff the live version against a would-be applied version",
    long="Show how the objects of files, folders, URLs or standard input differ from what they would be if they were"
    " applied. The output is always YAML; what Secrets hold is masked.\n\nThe program 'diff' is run with -u and -N, or"
    " the one that $KUBECTL_EXTERNAL_DIFF names, such as 'colordiff -N -u'.\n\nExit status: 0 No differences were"
    " found. 1 Differences were found. >1 minikctl or diff failed with an error.",
    examples="""
  # Diff the objects of a file
  minikctl diff -f pod.json

  # Diff what is read from stdin
  cat service.yaml | minikctl diff -f -""",
    run=run,
    misuse_code=2,
    flags=(
        Flag(
            "concurrency", "int", 1,
            "Number of objects to process in parallel when diffing against the live version. Larger number = faster,"
            " but more memory, I/O and CPU over that shorter period of time.",
        ),
        FIELD_MANAGER,
        shared_flags.filename("Filename, directory, or URL to files contains the configuration to diff"),
        shared_flags.FORCE_CONFLICTS,
        Flag(
            "prune", "bool", False,
            "Include resources that would be deleted by pruning. Can be used with -l and default shows all resources"
            " would be pruned",
        ),
        Flag(
            "prune-allowlist", "stringArray", [],
            "Overwrite the default allowlist with <group/version/kind> for --prune",
        ),
        shared_flags.RECURSIVE,
        shared_flags.SELECTOR,
        shared_flags.SERVER_SIDE,
        Flag("show-managed-fields", "bool", False, "If true, include managed fields in the diff."),
        Flag("show-secrets", "bool", False, "If true, do not mask secret values in the diff."),
    ),
)  # fmt: skip
