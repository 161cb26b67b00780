"""What the commands of `set` share: which objects, the change of each, and how it is sent and told.

Source: k8s.io/kubectl/pkg/cmd/set (helper.go, and the Complete and Run methods).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from minikctl.client.builder import Info, Query, collect
from minikctl.client.errors import Failure, StatusError, aggregate
from minikctl.command import Flag, Invocation
from minikctl.commands import shared_flags, template_changes
from minikctl.commands.create.creating import DRY_RUN_FLAG, dry_run
from minikctl.output.printers import make_printer, output_flags
from minikctl.output.typed import decoded, typed

Obj = dict[str, Any]
Change = Callable[[Info], None]

WITHOUT_FILES = """you must specify resources by --filename when --local is set.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'"""

FIELD_MANAGER_FLAG = Flag(
    "field-manager", "string", "kubectl-set", "Name of the manager used to track field ownership."
)

CONTAINERS_FLAG = Flag(
    "containers", "string", "*", short="c", usage=
    "The names of containers in the selected pod templates to change, all containers are selected by default - may use"
    " wildcards",
)  # fmt: skip


def set_flags(noun: str, file_usage: str = "") -> tuple[Flag, ...]:
    """The flags that all have; `noun` is the command's name."""
    usage = file_usage or "Filename, directory, or URL to files identifying the resource to get from a server."
    return (
        Flag("all", "bool", False, "Select all resources, in the namespace of the specified resource types"),
        *output_flags(),
        DRY_RUN_FLAG,
        shared_flags.filename(usage),
        Flag("local", "bool", False, f"If true, set {noun} will NOT contact api-server but run locally."),
        shared_flags.RECURSIVE,
    )


def query(call: Invocation, resources: Sequence[str]) -> Query:
    flags = call.flags
    asked = Query(filenames=flags["filename"], recursive=flags["recursive"], latest=False, local=True)
    if flags["local"]:
        return asked
    return asked._replace(
        args=resources,
        selector=flags.get("selector", ""),
        select_all=flags["all"] and not flags.get("selector"),
        allow_empty_selector=flags["all"],
        latest=True,
        local=False,
    )


def find(call: Invocation, resources: Sequence[str]) -> list[Info]:
    """The objects, as kubectl's structs hold them. Raises if one of them is not there, or --local is given names."""
    make_printer(call.flags, dry_run=dry_run(call))
    if call.flags["local"] and resources:
        raise Failure(WITHOUT_FILES)
    found = collect(call.factory, query(call, resources)).check()
    return [info._replace(object=decoded(info.object)) for info in found]


def check_local(call: Invocation) -> None:
    if call.flags["local"] and dry_run(call) == "server":
        raise Failure("cannot specify --local and --dry-run=server - did you mean --dry-run=client?")


def check_all(call: Invocation) -> None:
    if call.flags["all"] and call.flags["selector"]:
        raise Failure("cannot set --all and --selector at the same time")


def change_all(
    call: Invocation,
    infos: Sequence[Info],
    change: Change,
    *,
    done: str,
    failed: str,
    sends_unchanged: bool = False,
    errors: list[Exception] | None = None,
) -> int:
    """Change each object, send what differs, and print `done` of it.

    `change` changes an object in place; Failure if it cannot be. `errors` are those that it met besides; `failed` is
    put before a refusal of the server's. Without `sends_unchanged` nothing is said of an object that stays as it is.
    """
    met = [] if errors is None else errors
    printer = make_printer(call.flags, operation=done, dry_run=dry_run(call), typed=True)
    for info in infos:
        try:
            after, patch = template_changes.changed(info, change)
        except Failure as error:
            met.append(Failure(f"error: {info.mapping.resource}/{info.name} {error}\n"))
            continue
        if not patch and not sends_unchanged:
            continue
        try:
            printer.print(typed(_sent(call, after, patch)), call.streams.out)
        except StatusError as error:
            met.append(Failure(f"{failed}{error}"))
    failure = aggregate(met)
    if failure is not None:
        raise failure
    return 0


def _sent(call: Invocation, info: Info, patch: Obj) -> Obj:
    """What the server made of the object with the patch; the changed object itself if none is to be asked."""
    strategy = dry_run(call)
    if call.flags["local"] or strategy == "client":
        return info.object
    manager = call.flags["field-manager"]
    return template_changes.send(call.factory.client, info, patch, manager, strategy)


def select(containers: Sequence[Obj] | None, pattern: str) -> list[Obj]:
    """The containers whose names match; * stands for any characters."""
    matches = re.compile(".*".join(map(re.escape, pattern.split("*")))).fullmatch
    return [container for container in containers or () if matches(container["name"])]
