"""`minikctl scale`. Source: k8s.io/kubectl/pkg/cmd/scale/scale.go and pkg/scale/scale.go."""

from __future__ import annotations

import time
from typing import Any

from minikctl.client.builder import Info, Query, collect
from minikctl.client.errors import Failure, aggregate
from minikctl.client.rest import MERGE_PATCH
from minikctl.client.waiting import TIMED_OUT, wait_until
from minikctl.command import Command, Flag, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.create.containers import require
from minikctl.commands.create.creating import DRY_RUN_FLAG, DryRun, dry_run
from minikctl.output.printers import make_printer, output_flags

Obj = dict[str, Any]

_ANY = -1


def run(call: Invocation) -> int:
    require(call, "replicas")
    flags, strategy = call.flags, dry_run(call)
    printer = make_printer(flags, operation="scaled", dry_run=strategy)
    if flags["replicas"] < 0:
        raise Failure("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    if flags["current-replicas"] < _ANY:
        raise Failure("The --current-replicas must specify an integer of -1 or greater")
    found = collect(call.factory, _query(call))
    failure = aggregate(found.errors)
    if not found.infos:
        raise failure or Failure("no objects passed to scale")
    if flags["resource-version"] and len(found.infos) > 1:
        raise Failure("cannot use --resource-version with multiple resources")
    for info in found.infos:
        if strategy != "client":
            _scale(call, info, strategy)
        spec = {**(info.object.get("spec") or {}), "replicas": flags["replicas"]}
        printer.print({**info.object, "spec": spec}, call.streams.out)
    if failure is not None:
        raise failure
    return 0


def _query(call: Invocation) -> Query:
    flags = call.flags
    return Query(
        args=call.args,
        filenames=flags["filename"],
        recursive=flags["recursive"],
        selector=flags["selector"],
        select_all=flags["all"],
        allow_empty_selector=flags["all"],
        latest=False,
    )


def _scale(call: Invocation, info: Info, strategy: DryRun) -> None:
    """One object. With a precondition the scale that fulfils it is replaced; without one it is patched blindly."""
    flags, client = call.flags, call.factory.client
    query = {"dryRun": "All"} if strategy == "server" else {}
    path, replicas = info.path("scale"), flags["replicas"]
    if flags["current-replicas"] != _ANY or flags["resource-version"]:
        scale = client.get(path)
        _check(call, scale)
        body = {**scale, "spec": {"replicas": replicas}}
        client.request("PUT", path, query=query, body=body)
    else:
        body = {"spec": {"replicas": replicas}}
        client.request("PATCH", path, query=query, body=body, content_type=MERGE_PATCH)
    if flags["timeout"] and strategy == "none":
        _wait(call, info)


def _check(call: Invocation, scale: Obj) -> None:
    """Failure unless the precondition holds."""
    wanted, version = call.flags["current-replicas"], call.flags["resource-version"]
    present, revision = (scale.get("spec") or {}).get("replicas", 0), scale["metadata"]["resourceVersion"]
    if wanted not in (_ANY, present):
        raise Failure(f"Expected replicas to be {wanted}, was {present}")
    if version not in ("", revision):
        raise Failure(f"Expected resource version to be {version}, was {revision}")


def _wait(call: Invocation, info: Info) -> None:
    """Until there are as many replicas as there should be; each change of the object is a reason to look."""

    def scaled(_obj: Obj) -> bool:
        scale = call.factory.client.get(info.path("scale"))
        return bool((scale.get("spec") or {}).get("replicas", 0) == scale["status"]["replicas"])

    try:
        wait_until(call.factory.client, info, scaled, time.monotonic() + call.flags["timeout"])
    except Failure as error:
        if not str(error).startswith(TIMED_OUT):
            raise
        raise Failure(f'timed out waiting for "{info.name}" to be synced') from None


COMMAND = Command(
    use="scale [--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)",
    short="Set a new size for a deployment, replica set, or replication controller",
    long="Set a new size for a deployment, replica set, replication controller, or stateful set.\n\n"
    "With --current-replicas or --resource-version it is only set where the resource still has that size or version.",
    examples="""
  # Scale the replica set foo to 3
  minikctl scale --replicas=3 rs/foo

  # What a file names
  minikctl scale --replicas=3 -f foo.yaml

  # The deployment mysql, if its size is 2
  minikctl scale --current-replicas=2 --replicas=3 deployment/mysql

  # Several replication controllers
  minikctl scale --replicas=5 rc/example1 rc/example2 rc/example3

  # The stateful set web
  minikctl scale --replicas=3 statefulset/web""",
    run=run,
    flags=(
        Flag("all", "bool", False, "Select all resources in the namespace of the specified resource types"),
        Flag(
            "current-replicas", "int", _ANY,
            "Precondition for current size. Requires that the current size of the resource match this value in order to"
            " scale. -1 (default) for no condition.",
        ),
        DRY_RUN_FLAG,
        shared_flags.filename("identifying the resource to set a new size"),
        *output_flags(),
        shared_flags.RECURSIVE,
        Flag("replicas", "int", 0, "The new desired number of replicas. Required."),
        Flag(
            "resource-version", "string", "",
            "Precondition for resource version. Requires that the current resource version match this value in order to"
            " scale.",
        ),
        shared_flags.SELECTOR,
        Flag(
            "timeout", "duration", 0.0,
            "The length of time to wait before giving up on a scale operation, zero means don't wait. Any other values"
            " should contain a corresponding time unit (e.g. 1s, 2m, 3h).",
        ),
    ),
)  # fmt: skip
