"""`minikctl events`. Source: k8s.io/kubectl/pkg/cmd/events (events.go, event_printer.go)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import IO, Any

from minikctl.client.errors import Failure
from minikctl.client.watch import watch
from minikctl.command import Command, Flag, Interrupted, Invocation
from minikctl.commands import shared_flags
from minikctl.commands.plain_types import find_plainly
from minikctl.describe.common import interval
from minikctl.output.printers import FORMATS, Printer, make_printer, output_flags
from minikctl.output.table import cell
from minikctl.output.tabwriter import TabWriter
from minikctl.output.typed import typed

Obj = dict[str, Any]

_TYPES = ("normal", "warning")


def run(call: Invocation) -> int:
    flags = call.flags
    query = _query(call)
    printer = make_printer(flags, typed=True) if flags["output"] else _Table(call)
    wanted = {one.lower() for one in flags["types"]}
    if not wanted.issubset(_TYPES):
        raise Failure("valid --types are Normal or Warning")
    namespace = "" if flags["all-namespaces"] else call.factory.namespace
    path = f"/api/v1/namespaces/{namespace}/events" if namespace else "/api/v1/events"
    if flags["watch"]:
        return _watch(call, path, query, wanted, printer)
    found = [
        {"kind": "Event", "apiVersion": "v1", **event}
        for page in call.factory.client.pages(path, query)
        for event in page["items"]
        if not wanted or event.get("type", "").lower() in wanted
    ]
    if not found:
        where = f" in {namespace} namespace" if namespace else ""
        call.streams.err.write(f"No events found{where}.\n")
        return 0
    found.sort(key=_time)
    items = [typed(event) for event in found]
    printer.print({"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": items}, call.streams.out)
    return 0


def _query(call: Invocation) -> dict[str, str]:
    query = {"limit": str(call.flags["chunk-size"]) if call.flags["chunk-size"] else ""}
    about = call.flags["for"]
    if about:
        resource, slash, name = about.partition("/")
        if not slash:
            raise Failure("--for must be in resource/name form")
        if "/" in name:
            raise Failure("arguments in resource/name form may not have more than one slash")
        kind = find_plainly(call, resource).kind
        query["fieldSelector"] = f"involvedObject.kind={kind},involvedObject.name={name}"
    return query


def _watch(call: Invocation, path: str, query: dict[str, str], wanted: set[str], printer: Printer) -> int:
    """Events as they come, from those that are there on."""
    try:
        with closing(watch(call.factory.client, path, query)) as changes:
            for change in changes:
                event = change.object
                if change.type == "DELETED" or (wanted and event.get("type", "").lower() not in wanted):
                    continue
                printer.print(typed(event), call.streams.out)
                call.streams.out.flush()
    except KeyboardInterrupt:
        raise Interrupted from None
    return 0


def _time(event: Mapping[str, Any]) -> str:
    """When it happened last, to the second where the clocks differ in detail."""
    series = event.get("series")
    when = (series or {}).get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or ""
    return str(when).replace("Z", ".000000Z") if "." not in str(when) else str(when)


class _Table:
    """kubectl's columns of events; later lines keep the widths of earlier ones."""

    def __init__(self, call: Invocation) -> None:
        self._writer = TabWriter(call.streams.out)
        self._with_namespace: bool = call.flags["all-namespaces"]
        if not call.flags["no-headers"]:
            self._row("NAMESPACE", "LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")

    def print(self, obj: Mapping[str, Any], out: IO[str]) -> None:
        for event in obj.get("items", [obj]):
            about = event.get("involvedObject") or {}
            self._row(
                event["metadata"].get("namespace", ""),
                interval(event),
                cell(event.get("type", "")),
                cell(event.get("reason", "")),
                f"{cell(about.get('kind', ''))}/{cell(about.get('name', ''))}",
                cell(event.get("message", "").strip()),
            )
        self._writer.flush()

    def _row(self, namespace: str, *cells: str) -> None:
        self._writer.row([namespace, *cells] if self._with_namespace else cells)


COMMAND = Command(
    use=f"events [(-o|--output=){'|'.join(FORMATS)}] [--for TYPE/NAME] [--watch] [--types=Normal,Warning]",
    short="List events",
    long="Show events: those of a namespace, of all namespaces, or of one resource.",
    examples="""
  # The events of the namespace default
  minikctl events

  # Those of all namespaces
  minikctl events --all-namespaces

  # Those of a pod, and more as they come
  minikctl events --for pod/web-pod-13je7 --watch

  # As YAML
  minikctl events -oyaml

  # Only those of some types
  minikctl events --types=Warning,Normal""",
    run=run,
    flags=(
        shared_flags.ALL_NAMESPACES,
        *output_flags(),
        shared_flags.CHUNK_SIZE,
        Flag("for", "string", "", "Filter events to only those pertaining to the specified resource."),
        Flag("no-headers", "bool", False, "When using the default output format, don't print headers."),
        Flag("types", "stringSlice", [], "Output only events of given types."),
        Flag("watch", "bool", False, "After listing the requested events, watch for more events.", "w"),
    ),
)
