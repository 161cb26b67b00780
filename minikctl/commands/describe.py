"""`minikctl describe`. Source: k8s.io/kubectl/pkg/cmd/describe/describe.go."""

from __future__ import annotations

from minikctl.client.builder import Info, Query, collect
from minikctl.client.errors import StatusError, aggregate, is_not_found
from minikctl.command import Command, CommandError, Flag, Invocation
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
    if not infos and len(call.args) == 2 and len(errors) == 1 and is_not_found(errors[0]):
        infos = _by_prefix(call)
        errors = [] if infos else errors
    for number, info in enumerate(infos):
        describe = describer(info.mapping.group, info.mapping.kind)
        try:
            text = describe(call.factory.client, info.object, flags["show-events"])
        except StatusError as error:
            errors.append(error)
            continue
        call.streams.out.write(f"\n\n{text}" if number else text)
    failure = aggregate(errors)
    if failure is not None:
        raise failure
    if not infos:
        where = "" if flags["all-namespaces"] else f" in {call.factory.namespace} namespace."
        call.streams.err.write(f"No resources found{where}\n")
    return 0


def _by_prefix(call: Invocation) -> list[Info]:
    """`describe pods web` where there is no pod web: all whose names begin with it."""
    listed = collect(call.factory, Query(args=call.args[:1], chunk=call.flags["chunk-size"]))
    return [info for info in listed.check() if info.name.startswith(call.args[1])]


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
        Flag(
            "all-namespaces", "bool", False, short="A", usage=
            "If present, list the requested object(s) across all namespaces. Namespace in current context is ignored"
            " even if specified with --namespace.",
        ),
        Flag(
            "chunk-size", "int64", 500,
            "Return large lists in chunks rather than all at once. Pass 0 to disable.",
        ),
        Flag("filename", "stringSlice", [], "containing the resource to describe", "f"),
        Flag(
            "recursive", "bool", False, short="R", usage=
            "Process the directory used in -f, --filename recursively. Useful when you want to manage related manifests"
            " organized within the same directory.",
        ),
        Flag(
            "selector", "string", "", short="l", usage=
            "Selector (label query) to filter on, supports '=', '==', '!=', 'in', 'notin'.(e.g. -l"
            " key1=value1,key2=value2,key3 in (value3)). Matching objects must satisfy all of the specified label"
            " constraints.",
        ),
        Flag("show-events", "bool", True, "If true, display events related to the described object."),
    ),
)  # fmt: skip
