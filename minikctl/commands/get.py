"""`minikctl get`. Source: k8s.io/kubectl/pkg/cmd/get/get.go."""

from __future__ import annotations

from typing import Any

from minikctl.client.builder import Info, Query, Result, collect
from minikctl.client.errors import Aggregate, Failure, aggregate, is_not_found
from minikctl.client.rest import JSON, TABLE
from minikctl.command import Command, Flag, Invocation, UsageError
from minikctl.commands import shared_flags
from minikctl.output.printers import COLUMN_FORMATS, FORMATS, make_printer, output_flags
from minikctl.output.table import TableOptions, TablePrinter
from minikctl.output.tabwriter import TabWriter

FORMATS_OF_GET = (*FORMATS, *COLUMN_FORMATS, "wide")


def run(call: Invocation) -> int:
    """Print what is asked for; a failed part does not keep the others from being printed."""
    flags = call.flags
    if flags["raw"]:
        return _raw(call)
    _validate(call)
    if flags["watch"] or flags["watch-only"]:
        from minikctl.commands.get_watch import watch_resources

        return watch_resources(call)
    if not call.args and not flags["filename"]:
        call.streams.err.write(
            'You must specify the type of resource to get. Use "minikctl api-resources" for a complete list of'
            " supported resources.\n\n"
        )
        raise UsageError("Required resource not specified.")
    result = collect(call.factory, query(call))
    if flags["ignore-not-found"]:
        result = result._replace(errors=[error for error in result.errors if not is_not_found(error)])
    if human_readable(flags):
        return _print_tables(call, result)
    return _print_objects(call, result)


def human_readable(flags: Any) -> bool:
    """A table is wanted, not a document."""
    return flags["output"] == "wide" or (not flags["output"] and not flags["template"])


def query(call: Invocation) -> Query:
    """What the command line selects, as the server is asked for it."""
    flags = call.flags
    table = human_readable(flags) and flags["server-print"]
    return Query(
        args=call.args,
        filenames=flags["filename"],
        recursive=flags["recursive"],
        selector=flags["selector"],
        field_selector=flags["field-selector"],
        all_namespaces=flags["all-namespaces"],
        chunk=0 if flags["sort-by"] else flags["chunk-size"],
        subresource=flags["subresource"],
        accept=TABLE if table else JSON,
        extra={"includeObject": "Object"} if table and flags["sort-by"] else {},
    )


def table_options(call: Invocation, info: Info, *, with_kind: bool) -> TableOptions:
    flags = call.flags
    return TableOptions(
        wide=flags["output"] == "wide",
        no_headers=flags["no-headers"],
        with_namespace=flags["all-namespaces"] and info.mapping.namespaced,
        kind=info.mapping.group_kind if with_kind or flags["show-kind"] else "",
        show_labels=flags["show-labels"],
        label_columns=flags["label-columns"],
    )


def as_table(info: Info) -> dict[str, Any]:
    """The server's Table, or, from a server that has none for this kind, its objects' names and ages."""
    if info.object.get("kind") == "Table":
        return info.object
    from minikctl.output.plain_table import table_of

    return table_of(info.object)


def _print_tables(call: Invocation, result: Result) -> int:
    flags = call.flags
    errors = list(result.errors)
    infos = result.infos
    if flags["sort-by"]:
        from minikctl.output.sorting import sort_infos

        infos = sort_infos(infos, flags["sort-by"])
    kinds = {info.mapping for info in infos}
    writer = TabWriter(call.streams.out)
    printer, last, wrote = None, None, False
    for info in infos:
        table = as_table(info)
        if printer is None or info.mapping != last:
            writer.flush()
            writer.forget_widths()
            separate = last is not None and not flags["no-headers"] and wrote
            printer = TablePrinter(table_options(call, info, with_kind=len(kinds) > 1))
            last = info.mapping
        if table.get("rows"):
            if separate:
                writer.blank()
                separate = False
            wrote = True
        printer.print(table, writer)
    writer.flush()
    if not wrote and not errors and not flags["ignore-not-found"]:
        namespaced = not flags["all-namespaces"] and all(info.mapping.namespaced for info in infos)
        where = f" in {call.factory.namespace} namespace." if namespaced else ""
        call.streams.err.write(f"No resources found{where}\n")
    if errors:
        raise Aggregate(_unique(errors))
    return 0


def _print_objects(call: Invocation, result: Result) -> int:
    flags, errors = call.flags, list(result.errors)
    if result.single and errors:
        return _finish(errors)
    infos = result.infos
    if not infos and flags["ignore-not-found"]:
        return _finish(errors)
    printer = make_printer(flags, formats=FORMATS_OF_GET)
    if flags["sort-by"]:
        from minikctl.output.sorting import sort_objects

        objects = sort_objects([info.object for info in infos], flags["sort-by"])
    else:
        objects = [info.object for info in infos]
    if result.single and len(objects) == 1:
        printed = objects[0]
    else:
        printed = {"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {"resourceVersion": ""}}
    try:
        printer.print(printed, call.streams.out)
    except Failure as error:
        errors.append(error)
    return _finish(errors)


def _finish(errors: list[Exception]) -> int:
    error = aggregate(errors)
    if error is not None:
        raise error
    return 0


def _unique(errors: list[Exception]) -> list[Exception]:
    """Without repeated texts, and without nesting."""
    flat = [one for error in errors for one in (error.errors if isinstance(error, Aggregate) else [error])]
    return list({str(error): error for error in reversed(flat)}.values())[::-1]


def _raw(call: Invocation) -> int:
    flags = call.flags
    if call.args:
        raise Failure("arguments may not be passed when --raw is specified")
    if flags["watch"] or flags["watch-only"] or flags["selector"]:
        raise Failure(
            "--raw may not be specified with other flags that filter the server request or alter the output"
        )
    if flags["output"]:
        raise Failure("--raw and --output are mutually exclusive")
    if not flags["raw"].startswith("/"):
        raise Failure(f'--raw must be a valid URL path: parse "{flags["raw"]}": invalid URI for request')
    out = call.streams.out
    response = call.factory.client.stream("GET", flags["raw"])
    for chunk in response.chunks():
        out.buffer.write(chunk)
        out.buffer.flush()
    return 0


def _validate(call: Invocation) -> None:
    flags = call.flags
    output = flags["output"]
    if flags["show-labels"] and output not in ("", "wide"):
        raise Failure(f"--show-labels option cannot be used with {output} printer")
    if flags["output-watch-events"] and not (flags["watch"] or flags["watch-only"]):
        raise Failure("--output-watch-events option can only be used with --watch or --watch-only")


_USAGE_FORMATS = "|".join(FORMATS_OF_GET)

COMMAND = Command(
    use=f"get [(-o|--output=){_USAGE_FORMATS}] (TYPE[.VERSION][.GROUP] [NAME | -l label] |"
    " TYPE[.VERSION][.GROUP]/NAME ...) [flags]",
    short="Display one or many resources",
    long="Display one or many resources.\n\n"
    "The table has what matters most about each resource. Narrow the list by labels (--selector), by fields"
    " (--field-selector) or by name. Resources that live in a namespace are those of the current one, unless"
    " --namespace or --all-namespaces says otherwise.\n\n"
    "With -o, whole objects or parts of them are printed: as documents (json, yaml), by a template (jsonpath,"
    " go-template) or in columns of your own (custom-columns).",
    examples="""
# List the pods of the current namespace
minikctl get pods

# The same with more columns, such as the node's name
minikctl get pods -o wide

# One secret, as YAML
minikctl get secret db-user-pass -o yaml

# A pod that a file names, as JSON
minikctl get -f pod.yaml -o json

# Only the phase of one pod
minikctl get pod/web -o jsonpath='{.status.phase}'

# Columns of your own
minikctl get pod web -o custom-columns=CONTAINER:.spec.containers[0].name,IMAGE:.spec.containers[0].image

# Several kinds at once
minikctl get pods,secrets

# Several resources by kind and name
minikctl get pod/web secret/db-user-pass

# All pods of all namespaces, and then every change to them
minikctl get pods --all-namespaces --watch""",
    run=run,
    flags=(
        shared_flags.ALL_NAMESPACES,
        shared_flags.CHUNK_SIZE,
        shared_flags.FIELD_SELECTOR,
        shared_flags.filename("Filename, directory, or URL to files identifying the resource to get from a server."),
        Flag("ignore-not-found", "bool", False,
             "If set to true, suppresses NotFound error for specific objects that do not exist. Using this flag with"
             " commands that query for collections of resources has no effect when no resources are found."),
        Flag("label-columns", "stringSlice", [], short="L", usage=
             "Accepts a comma separated list of labels that are going to be presented as columns. Names are"
             " case-sensitive. You can also use multiple flag options like -L label1 -L label2..."),
        Flag("no-headers", "bool", False,
             "When using the default or custom-column output format, don't print headers (default print headers)."),
        *output_flags(FORMATS_OF_GET),
        Flag("output-watch-events", "bool", False,
             "Output watch event objects when --watch or --watch-only is used. Existing objects are output as initial"
             " ADDED events."),
        Flag("raw", "string", "",
             "Raw URI to request from the server.  Uses the transport specified by the kubeconfig file."),
        shared_flags.RECURSIVE,
        shared_flags.SELECTOR,
        Flag("server-print", "bool", True,
             "If true, have the server return the appropriate table output. Supports extension APIs and CRDs."),
        Flag("show-kind", "bool", False, "If present, list the resource type for the requested object(s)."),
        Flag("show-labels", "bool", False,
             "When printing, show all labels as the last column (default hide labels column)"),
        Flag("sort-by", "string", "",
             "If non-empty, sort list types using this field specification.  The field specification is expressed as a"
             " JSONPath expression (e.g. '{.metadata.name}'). The field in the API resource specified by this JSONPath"
             " expression must be an integer or a string."),
        Flag("subresource", "string", "", "If specified, gets the subresource of the requested object."),
        Flag("watch", "bool", False, short="w", usage=
             "After listing/getting the requested object, watch for changes."),
        Flag("watch-only", "bool", False,
             "Watch for changes to the requested object(s), without listing/getting first."),
    ),
)  # fmt: skip
