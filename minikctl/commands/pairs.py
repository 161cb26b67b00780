"""What `label` and `annotate` share: KEY=VALUE and KEY- of objects' metadata.

Source: k8s.io/kubectl/pkg/cmd/label/label.go, annotate/annotate.go, cmdutil.GetResourcesAndPairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from minikctl.client.builder import Builder, Info, Query
from minikctl.client.errors import Aggregate, Failure, StatusError, aggregate
from minikctl.client.rest import MERGE_PATCH
from minikctl.command import Flag, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.create.creating import DRY_RUN_FLAG, DryRun, dry_run
from minikctl.output.printers import make_printer, output_flags

Obj = dict[str, Any]


class Pairs(NamedTuple):
    """What to set, and the keys to remove."""

    set: dict[str, str]
    remove: list[str]


class Subject(NamedTuple):
    """What differs: `field` is metadata's; `parse` reads the arguments and `check` refuses pairs (both Failure);
    `clash` gives the errors of values that are there already; `done` says what was done to the field; `tells_missing`
    tells of keys that cannot be removed; `sends_unchanged` asks the server even if nothing changes; `example` is what
    error texts call a file."""

    noun: str
    field: str
    parse: Callable[[Sequence[str]], Pairs]
    check: Callable[[Pairs], None]
    clash: Callable[[dict[str, str], dict[str, str]], list[Exception]]
    done: Callable[[dict[str, str], dict[str, str]], str]
    tells_missing: bool
    sends_unchanged: bool
    example: str


def run(call: Invocation, subject: Subject) -> int:
    strategy = dry_run(call)
    resources, words = resources_and_pairs(call.args, subject.noun)
    pairs = subject.parse(words)
    _validate(call, subject, resources, pairs, strategy)
    builder = Builder(call.factory, _query(call, resources))
    errors: list[Exception] = []
    # A misuse comes before everything else, hence the visits are made before the first is made use of.
    visits = builder.visitors()
    if call.flags["resource-version"] and not builder.single:
        raise Failure("--resource-version may only be used with a single resource")
    for visit in visits:
        try:
            for info in visit():
                try:
                    _change(call, subject, info, pairs, strategy, builder.single)
                except (Aggregate, StatusError, Failure) as error:
                    errors.append(error)
        except (Aggregate, StatusError, Failure) as error:
            errors.append(error)
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    return 0


def resources_and_pairs(args: Sequence[str], noun: str) -> tuple[list[str], list[str]]:
    """(what to change, the changes). Failure for a resource after a change."""
    resources: list[str] = []
    pairs: list[str] = []
    for word in args:
        if ("=" in word and not word.startswith("=")) or (word.endswith("-") and word != "-"):
            pairs.append(word)
        elif pairs:
            raise Failure(f"all resources must be specified before {noun} changes: {word}")
        else:
            resources.append(word)
    return resources, pairs


def _validate(call: Invocation, subject: Subject, resources: list[str], pairs: Pairs, strategy: DryRun) -> None:
    flags = call.flags
    if flags["list"] and flags["output"]:
        raise Failure("--list and --output may not be specified together")
    if flags["all"] and flags["selector"]:
        raise Failure("cannot set --all and --selector at the same time")
    if flags["all"] and flags["field-selector"]:
        raise Failure("cannot set --all and --field-selector at the same time")
    example = f"-f {subject.example}.yaml or --filename={subject.example}.json"
    if flags["local"]:
        if strategy == "server":
            raise Failure("cannot specify --local and --dry-run=server - did you mean --dry-run=client?")
        if resources:
            raise Failure(f"can only use local files by {example} when --local=true is set")
        if not flags["filename"]:
            raise Failure(f"one or more files must be specified as {example}")
    elif not resources and not flags["filename"]:
        raise Failure("one or more resources must be specified as <resource> <name> or <resource>/<name>")
    if not (pairs.set or pairs.remove or flags["list"]):
        raise Failure(f"at least one {subject.noun} update is required")
    subject.check(pairs)


def _query(call: Invocation, resources: list[str]) -> Query:
    flags = call.flags
    asked = Query(filenames=flags["filename"], recursive=flags["recursive"], latest=False, local=True)
    if flags["local"]:
        return asked
    return asked._replace(
        args=resources,
        selector=flags["selector"],
        field_selector=flags["field-selector"],
        all_namespaces=flags["all-namespaces"],
        select_all=flags["all"],
        allow_empty_selector=flags["all"],
        latest=True,
        local=False,
    )


def _change(call: Invocation, subject: Subject, info: Info, pairs: Pairs, strategy: DryRun, single: bool) -> None:
    """Change, send and print one object."""
    flags = call.flags
    sends = not (strategy == "client" or flags["local"] or flags["list"])
    old: dict[str, str] = (info.object.get("metadata") or {}).get(subject.field) or {}
    if sends and subject.tells_missing:
        for key in pairs.remove:
            if key not in old:
                call.streams.out.write(f'{subject.noun} "{key}" not found.\n')
    if not flags["overwrite"]:
        clashes = aggregate(subject.clash(old, pairs.set))
        if clashes is not None:
            raise clashes
    new = {key: value for key, value in (old | pairs.set).items() if key not in pairs.remove}
    if sends and (old != new or subject.sends_unchanged):
        changed = _send(call, subject, info, old, new, strategy)
    else:
        changed = {**info.object, "metadata": {**(info.object.get("metadata") or {}), subject.field: new}}
        if flags["resource-version"]:
            changed["metadata"]["resourceVersion"] = flags["resource-version"]
    if flags["list"]:
        _list(call, subject, info, new, single)
        return
    operation = subject.done(old, new)
    make_printer(flags, operation=operation, dry_run=strategy).print(changed, call.streams.out)


def _send(
    call: Invocation, subject: Subject, info: Info, old: dict[str, str], new: dict[str, str], strategy: DryRun
) -> Obj:
    """The object as the server has it after a merge patch of what differs."""
    changes: dict[str, str | None] = {key: value for key, value in new.items() if old.get(key) != value}
    changes.update({key: None for key in old if key not in new})
    patch: Obj = {subject.field: changes} if changes else {}
    if call.flags["resource-version"]:
        patch["resourceVersion"] = call.flags["resource-version"]
    query = {
        "dryRun": "All" if strategy == "server" else "",
        "fieldManager": call.flags["field-manager"],
    }
    body = {"metadata": patch} if patch else {}
    return call.factory.client.request("PATCH", info.path(), query=query, body=body, content_type=MERGE_PATCH)


def _list(call: Invocation, subject: Subject, info: Info, pairs: dict[str, str], single: bool) -> None:
    if not single:
        kind = f"{info.mapping.kind}.{info.mapping.group}"
        call.streams.out.write(f"Listing {subject.field} for {kind}/{info.name}:\n")
    indent = "" if single else " "
    for key, value in pairs.items():
        call.streams.out.write(f"{indent}{key}={value}\n")


def pair_flags(verb: str, noun: str, plural: str, file_usage: str, *own: Flag) -> tuple[Flag, ...]:
    """The flags of both; `own` are those whose words or defaults differ."""
    return (
        *own,
        *output_flags(),
        DRY_RUN_FLAG,
        Flag("field-manager", "string", f"kubectl-{verb}", "Name of the manager used to track field ownership."),
        shared_flags.FIELD_SELECTOR,
        shared_flags.filename(file_usage),
        Flag("list", "bool", False, f"If true, display the {plural} for a given resource."),
        Flag("local", "bool", False, f"If true, {noun} will NOT contact api-server but run locally."),
        Flag(
            "overwrite", "bool", False,
            f"If true, allow {plural} to be overwritten, otherwise reject {noun} updates that overwrite existing"
            f" {plural}.",
        ),
    )  # fmt: skip
