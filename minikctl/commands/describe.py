"""`minikctl describe`. Source: k8s.io/kubectl/pkg/cmd/describe/describe.go."""

from __future__ import annotations

from minikctl.client.builder import Info, Query, collect
from minikctl.client.errors import Aggregate, Failure, StatusError, is_not_found
from minikctl.command import Command, CommandError, Flag, Invocation
from minikctl.commands import shared_flags
from minikctl.describe import describer

NOTHING = (
    'error: You must specify the type of resource to describe. Use "minikctl api-resources" for a complete list of'
    " supported resources."
)


def run(call: Invocation) -> int:
    flags = call.flags
    if not call.args and not flags["filename"]:
        raise CommandError(NOTHING)
    found = collect(
        call.factory,
        Query(
            args=call.args,
            filenames=flags["filename"],
            recursive=flags["recursive"],
            selector=flags["selector"],
            all_namespaces=flags["all-namespaces"],
            chunk=flags["chunk-size"],
        ),
    )
    infos, errors = found.infos, list(found.errors)
    # Of several objects, events (a request each) are shown only on demand.
    asked = flags["show-events"] and "show-events" in call.changed
    show_events = flags["show-events"] and (asked or (len(infos) == 1 and not errors))
    if len(call.args) == 2 and len(errors) == 1 and is_not_found(errors[0]):
        return _describe_by_prefix(call, errors[0], show_events)
    for number, info in enumerate(infos):
        try:
            text = _describe(call, info, show_events)
        except StatusError as error:
            errors.append(error)
            continue
        call.streams.out.write(f"\n\n{text}" if number else text)
    if errors:
        flat = [one for error in errors for one in (error.errors if isinstance(error, Aggregate) else [error])]
        raise Aggregate(flat)
    if not infos:
        where = "" if flags["all-namespaces"] else f" in {call.factory.namespace} namespace."
        call.streams.err.write(f"No resources found{where}\n")
    return 0


def _describe(call: Invocation, info: Info, show_events: bool) -> str:
    return describer(info.mapping.group, info.mapping.kind)(call.factory.client, info.object, show_events)


def _describe_by_prefix(call: Invocation, not_found: Exception, show_events: bool) -> int:
    """`describe pods web` where there is no pod web: all whose names begin with it."""
    if "," in call.args[0]:
        raise Failure("you may only specify a single resource type")
    listed = collect(call.factory, Query(args=call.args[:1], chunk=call.flags["chunk-size"]))
    infos = [info for info in listed.check() if info.name.startswith(call.args[1])]
    if not infos:
        raise not_found
    for info in infos:
        call.streams.out.write(f"{_describe(call, info, show_events)}\n")
    return 0


COMMAND = Command(
    use="describe (-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)",
    short="Show details of a specific resource or group of resources",
    long="Show details of one or more resources, with what belongs to them, such as events.\n\n"
    "Where no resource has the exact name, all are shown whose names begin with it.",
    examples="""
  # One node
  minikctl describe nodes kubernetes-node-emt8

  # One pod
  minikctl describe pods/nginx

  # The pod that a file names
  minikctl describe -f pod.json

  # All pods
  minikctl describe pods

  # The pods with a label
  minikctl describe pods -l name=myLabel""",
    run=run,
    flags=(
        shared_flags.ALL_NAMESPACES,
        shared_flags.CHUNK_SIZE,
        shared_flags.filename("containing the resource to describe"),
        shared_flags.RECURSIVE,
        shared_flags.SELECTOR,
        Flag("show-events", "bool", True, "If true, display events related to the described object."),
    ),
)  # fmt: skip
