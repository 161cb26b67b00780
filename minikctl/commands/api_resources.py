"""`minikctl api-resources`. Source: k8s.io/kubectl/pkg/cmd/apiresources."""

from __future__ import annotations

from minikctl.client.discovery import preferred
from minikctl.client.errors import Failure
from minikctl.client.rest import ResourceMapping
from minikctl.command import Command, Flag, Invocation, UsageError
from minikctl.output.tabwriter import TabWriter


def run(call: Invocation) -> int:
    """Print what the server serves, by group and name, or as --sort-by says."""
    flags = call.flags
    if call.args:
        raise UsageError(f"unexpected arguments: [{' '.join(call.args)}]")
    if flags["output"] not in ("", "wide", "name"):
        raise Failure(f"--output {flags['output']} is not available")
    if flags["sort-by"] not in ("", "name", "kind"):
        raise Failure("--sort-by accepts only name or kind")
    mapper = call.factory.mapper
    known = mapper.resources() if flags["cached"] else mapper.refresh()
    shown = [mapping for mapping in preferred(known) if _wanted(call, mapping)]
    shown.sort(key=lambda mapping: _order(mapping, flags["sort-by"]))
    if flags["output"] == "name":
        call.streams.out.write("".join(f"{mapping.group_resource}\n" for mapping in shown))
        return 0
    _print_table(call, shown)
    return 0


def _wanted(call: Invocation, mapping: ResourceMapping) -> bool:
    flags, changed = call.flags, call.changed
    if "api-group" in changed and mapping.group != flags["api-group"]:
        return False
    if "namespaced" in changed and mapping.namespaced != flags["namespaced"]:
        return False
    return set(flags["verbs"]) <= set(mapping.verbs) and set(flags["categories"]) <= set(mapping.categories)


def _order(mapping: ResourceMapping, sort_by: str) -> tuple[str, ...]:
    if sort_by == "name":
        return (mapping.resource,)
    return (mapping.kind,) if sort_by == "kind" else (mapping.group, mapping.resource)


def _print_table(call: Invocation, shown: list[ResourceMapping]) -> None:
    wide = call.flags["output"] == "wide"
    writer = TabWriter(call.streams.out)
    if not call.flags["no-headers"]:
        headers = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]
        writer.row([*headers, "VERBS", "CATEGORIES"] if wide else headers)
    for mapping in shown:
        row = [
            mapping.resource,
            ",".join(mapping.short_names),
            mapping.api_version,
            "true" if mapping.namespaced else "false",
            mapping.kind,
        ]
        writer.row([*row, ",".join(mapping.verbs), ",".join(mapping.categories)] if wide else row)
    writer.flush()


COMMAND = Command(
    use="api-resources [flags]",
    short="Print the supported API resources on the server",
    examples="""
# Everything the server serves
minikctl api-resources

# With verbs and categories
minikctl api-resources -o wide

# Only what does not live in a namespace, by name
minikctl api-resources --namespaced=false -o name""",
    run=run,
    flags=(
        Flag("api-group", "string", "", "Limit to resources in the specified API group."),
        Flag("cached", "bool", False, "Use the cached list of resources if available."),
        Flag("categories", "stringSlice", [], "Limit to resources that belong to the specified categories."),
        Flag(
            "namespaced",
            "bool",
            True,
            "If false, non-namespaced resources will be returned, otherwise returning namespaced resources by default.",
        ),
        Flag("no-headers", "bool", False, "When using the default output format, don't print headers."),
        Flag("output", "string", "", "Output format. One of: (wide, name).", short="o"),
        Flag(
            "sort-by",
            "string",
            "",
            "If non-empty, sort list of resources using specified field. The field can be either 'name' or 'kind'.",
        ),
        Flag("verbs", "stringSlice", [], "Limit to resources that support the specified verbs."),
    ),
)
