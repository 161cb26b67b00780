"""`minikctl get --watch`. Source: k8s.io/kubectl/pkg/cmd/get/get.go (watch)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minikctl.client.builder import Info, collect, split_args
from minikctl.client.errors import Failure, TimedOut
from minikctl.client.watch import watch
from minikctl.command import Interrupted, Invocation
from minikctl.commands.get import FORMATS_OF_GET, as_table, human_readable, query, table_options
from minikctl.output.json_out import dumps
from minikctl.output.printers import Printer, make_printer
from minikctl.output.table import TablePrinter
from minikctl.output.tabwriter import TabWriter


def watch_resources(call: Invocation) -> int:
    """Print what there is (unless --watch-only), then each change, until the server or the user ends it."""
    flags = call.flags
    if flags["sort-by"]:
        text = "--watch requested, --sort-by will be ignored for watch events received"
        if flags["watch-only"] and not flags["watch"]:
            text = "--watch-only requested, --sort-by will be ignored"
        call.streams.err.write(f"warning: {text}\n")
    pairs, types, _ = split_args(call.args)
    if len(types) > 1 or len({resource for resource, _ in pairs}) > 1:
        raise Failure("you may only specify a single resource type")
    asked = query(call)._replace(chunk=0, flatten=False)
    if flags["filename"]:
        asked = asked._replace(latest=True)
    result = collect(call.factory, asked)
    infos = result.check()
    if not infos:
        return 0
    info = infos[0]
    show = _Show(call, info)
    version = (info.object.get("metadata") or {}).get("resourceVersion") or "0"
    if not flags["watch-only"]:
        for one in infos:
            for obj in _listed(one):
                show("ADDED", obj)
    if len(infos) > 1:
        raise Failure("you may only watch a single resource or type of resource at a time")
    _follow(call, info, version, show)
    return 0


def _listed(info: Info) -> list[dict[str, Any]]:
    """What the first answer holds, one printable thing each: a Table whole, a List's items apart."""
    if info.object.get("kind") == "Table" or "items" not in info.object:
        return [info.object]
    kind = str(info.object.get("kind", "")).removesuffix("List")
    version = info.object.get("apiVersion", "")
    return [{"apiVersion": version, "kind": kind, **item} for item in info.object["items"]]


class _Show:
    """Prints one event's object, in a table whose columns stay, or as documents."""

    def __init__(self, call: Invocation, info: Info) -> None:
        self._call = call
        self._info = info
        self._with_event = call.flags["output-watch-events"]
        self._writer = TabWriter(call.streams.out)
        self._printer: Printer | None = None
        self._table: TablePrinter | None = None
        if human_readable(call.flags):
            self._table = TablePrinter(table_options(call, info, with_kind=False))
        else:
            self._printer = make_printer(call.flags, formats=FORMATS_OF_GET)

    def __call__(self, type_: str, obj: Mapping[str, Any]) -> None:
        event = type_ if self._with_event else ""
        if self._table is not None:
            self._table.print(as_table(self._info._replace(object=dict(obj))), self._writer, event)
            self._writer.flush()
        elif self._printer is not None:
            self._print_document({"type": type_, "object": obj} if event else obj, bool(event))
        self._call.streams.out.flush()

    def _print_document(self, document: Mapping[str, Any], event: bool) -> None:
        """An event is one line of JSON, unlike an object."""
        out = self._call.streams.out
        if event and self._call.flags["output"] == "json":
            out.write(
                dumps({"type": document["type"]}, None)[:-1] + f',"object":{dumps(document["object"], None)}}}\n'
            )
        elif self._printer is not None:
            self._printer.print(document, out)


def _follow(call: Invocation, info: Info, version: str, show: _Show) -> None:
    asked = query(call)
    fields = asked.field_selector
    if info.name:
        fields = f"metadata.name={info.name}"
    params = {
        "labelSelector": asked.selector,
        "fieldSelector": fields,
        "resourceVersion": version,
    }
    namespace = "" if call.flags["all-namespaces"] or not info.mapping.namespaced else info.namespace
    path = info.mapping.path(namespace)
    try:
        for event in watch(call.factory.client, path, params, asked.accept):
            if event.type != "BOOKMARK":
                show(event.type, event.object)
    except KeyboardInterrupt:
        raise Interrupted from None
    except TimedOut:
        return  # --request-timeout ends a watch, and is no failure
