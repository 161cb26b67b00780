"""`minikctl patch`. Source: k8s.io/kubectl/pkg/cmd/patch/patch.go."""

from __future__ import annotations

import json
import re
from typing import Any

from minikctl.client.builder import Info, Query, stream
from minikctl.client.errors import Failure, StatusError, aggregate
from minikctl.client.json_fault import go_json_fault
from minikctl.client.rest import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH
from minikctl.client.yaml_load import YamlFault, load_document
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.create.creating import DRY_RUN_FLAG, DryRun, dry_run
from minikctl.flags import go_quote
from minikctl.output.json_out import dumps
from minikctl.output.printers import make_printer, output_flags

TYPES = {"json": JSON_PATCH, "merge": MERGE_PATCH, "strategic": STRATEGIC_MERGE_PATCH}


def run(call: Invocation) -> int:
    flags = call.flags
    strategy = dry_run(call)
    _validate(call, strategy)
    content_type = TYPES[flags["type"].lower() or "strategic"]
    patch = _patch_text(call)
    asked = Query(
        args=call.args,
        filenames=flags["filename"],
        recursive=flags["recursive"],
        subresource=flags["subresource"],
        allow_empty_selector=False,
        latest=False,
        local=flags["local"],
    )
    errors: list[Exception] = []
    count = 0
    for info in stream(call.factory, asked, errors):
        count += 1
        try:
            if flags["local"] or strategy == "client":
                patched = patched_locally(info, content_type, patch)
            else:
                patched = _send(call, info, strategy, content_type, patch)
        except (StatusError, Failure) as error:
            errors.append(error)
            continue
        operation = "patched" if patched != info.object else "patched (no change)"
        make_printer(flags, operation=operation).print(patched, call.streams.out)
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    if not count:
        raise Failure("no objects passed to patch")
    return 0


def _validate(call: Invocation, strategy: DryRun) -> None:
    flags = call.flags
    if flags["patch"] and flags["patch-file"]:
        raise Failure("cannot specify --patch and --patch-file together")
    if not flags["patch"] and not flags["patch-file"]:
        raise Failure("must specify --patch or --patch-file containing the contents of the patch")
    if flags["local"] and call.args:
        raise Failure("cannot specify --local and server resources")
    if flags["local"] and strategy == "server":
        raise Failure("cannot specify --local and --dry-run=server - did you mean --dry-run=client?")
    given = flags["type"]
    if given and given.lower() not in TYPES:
        raise Failure(f"--type must be one of [{' '.join(TYPES)}], not {go_quote(given)}")


def _patch_text(call: Invocation) -> bytes:
    """The patch as JSON: what begins as an object goes to the server as it is, all else is read as YAML."""
    name, text = call.flags["patch-file"], call.flags["patch"]
    if name:
        try:
            with open(name, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError as error:
            why = (error.strerror or "").lower()
            raise Failure(f"unable to read patch file: open {name}: {why}") from None
    if not text.lstrip().startswith("{"):
        try:
            text = dumps(load_document(text), None)
        except YamlFault as fault:
            raise Failure(f"unable to parse {go_quote(text)}: {fault}") from None
    return bytes(text.encode())


def _send(call: Invocation, info: Info, strategy: DryRun, content_type: str, patch: bytes) -> dict[str, Any]:
    query = {
        "dryRun": "All" if strategy == "server" else "",
        "fieldManager": call.flags["field-manager"],
    }
    path = info.path(call.flags["subresource"])
    try:
        return call.factory.client.request("PATCH", path, query=query, body=patch, content_type=content_type)
    except StatusError as error:
        if error.reason == "UnsupportedMediaType":
            kind = f"{info.mapping.api_version}, Kind={info.mapping.kind}"
            raise Failure(f"{content_type} is not supported by {kind}: {error}") from None
        raise


def patched_locally(info: Info, content_type: str, text: bytes) -> dict[str, Any]:
    """The object as the patch would make it, without the server's checks."""
    from backend.meta.errors import ApiError
    from backend.meta.patch import PatchError, json_patch, merge_patch
    from minikctl.client.schemas import UnknownKind, strategic_patch

    patch = _parsed(content_type, text)
    try:
        patched: dict[str, Any]
        if content_type == JSON_PATCH:
            patched = json_patch(info.object, patch)
        elif content_type == MERGE_PATCH:
            patched = merge_patch(info.object, patch)
        else:
            patched = strategic_patch(info.mapping, info.object, patch)
    except UnknownKind:
        kind = f"{info.mapping.api_version}, Kind={info.mapping.kind}"
        raise Failure(f"strategic merge patch is not supported for {kind} locally, try --type merge") from None
    except PatchError as error:
        raise Failure(error.why) from None
    except ApiError as error:
        raise Failure(error.message) from None
    if not patched.get("kind"):
        raise Failure(f"Object 'Kind' is missing in '{dumps(patched, None)}'")
    return patched


def _parsed(content_type: str, text: bytes) -> Any:
    """The patch; Failure, in the words of kubectl's libraries, if it is not even in the form of one."""
    try:
        patch = json.loads(text)
    except ValueError:
        if content_type == JSON_PATCH:
            fault = go_json_fault(text.decode(), 0)
            if fault == "unexpected EOF":
                fault = "unexpected end of JSON input"
            raise Failure(re.sub(r"^json: offset \d+: ", "", fault)) from None
        patch = ""
    if patch is None or isinstance(patch, dict) or content_type == JSON_PATCH:
        return patch
    if content_type == STRATEGIC_MERGE_PATCH:
        raise Failure("invalid JSON document")
    if isinstance(patch, list):
        raise Failure("json: cannot unmarshal array into Go value of type unstructured.detector")
    raise Failure("Invalid JSON Patch")


COMMAND = Command(
    use="patch (-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]",
    short="Update fields of a resource",
    long="Change some fields of a resource with a strategic merge patch, a JSON merge patch or a JSON patch.\n\n"
    "JSON and YAML formats are accepted. A strategic merge patch merges the lists that have a merge key, such as a"
    " pod's containers; custom resources do not take one.",
    examples="""
  # Make a node unschedulable, with a strategic merge patch in JSON
  minikctl patch node k8s-node-1 -p '{"spec":{"unschedulable":true}}'

  # The same with the patch in YAML
  minikctl patch node k8s-node-1 -p $'spec:\\n unschedulable: true'

  # Patch what a file names
  minikctl patch -f node.json -p '{"spec":{"unschedulable":true}}'

  # Change the image of the container whose name, the merge key, is web
  minikctl patch pod valid-pod -p '{"spec":{"containers":[{"name":"web","image":"new image"}]}}'

  # Change the image of the first container with a JSON patch
  minikctl patch pod valid-pod --type=json -p='[{"op":"replace","path":"/spec/containers/0/image","value":"new"}]'""",
    run=run,
    flags=(
        *output_flags(),
        DRY_RUN_FLAG,
        Flag("field-manager", "string", "kubectl-patch", "Name of the manager used to track field ownership."),
        shared_flags.filename("Filename, directory, or URL to files identifying the resource to update"),
        Flag(
            "local", "bool", False,
            "If true, patch will operate on the content of the file, not the server-side resource.",
        ),
        Flag("patch", "string", "", "The patch to be applied to the resource JSON file.", "p"),
        Flag("patch-file", "string", "", "A file containing a patch to be applied to the resource."),
        shared_flags.RECURSIVE,
        Flag(
            "subresource", "string", "",
            "If specified, patch will operate on the subresource of the requested object.",
        ),
        Flag(
            "type", "string", "strategic",
            "The type of patch being provided; one of [json merge strategic]",
        ),
    ),
)  # fmt: skip
