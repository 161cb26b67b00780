"""What most describers print: labels, annotations, times, events. Source: k8s.io/kubectl/pkg/describe/describe.go."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.meta.timefmt import human_duration, parse
from minikctl.client.errors import StatusError
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MAX_ANNOTATION = 140


def header(writer: Writer, obj: Obj, *, namespaced: bool = True) -> None:
    """Name, Namespace, Labels, Annotations."""
    meta = obj["metadata"]
    writer.write(0, f"Name:\t{meta['name']}\n")
    if namespaced:
        writer.write(0, f"Namespace:\t{meta.get('namespace', '')}\n")
    pairs(writer, "Labels", meta.get("labels"))
    annotation_lines(writer, meta.get("annotations"))


def pairs(writer: Writer, title: str, values: Mapping[str, str] | None, indent: str = "") -> None:
    """`key=value`, one a line, sorted."""
    lines = [f"{key}={value}" for key, value in sorted((values or {}).items())] or ["<none>"]
    column(writer, f"{indent}{title}", lines, indent)


def column(writer: Writer, title: str, lines: list[str], indent: str = "") -> None:
    """The title, and the lines one below the other beside it; `indent` is what those below begin with."""
    writer.write(0, f"{title}:\t" + f"\n{indent}\t".join(lines) + "\n")


def annotation_lines(writer: Writer, values: Mapping[str, str] | None, title: str = "Annotations") -> None:
    shown = {key: value for key, value in (values or {}).items() if key != LAST_APPLIED}
    writer.write(0, f"{title}:\t")
    if not shown:
        writer.write(0, "<none>\n")
    for number, key in enumerate(sorted(shown)):
        indent = "\t" if number else ""
        value = shown[key].removesuffix("\n")
        if len(value) + len(key) + 2 <= MAX_ANNOTATION and "\n" not in value:
            writer.write(0, f"{indent}{key}: {value}\n")
            continue
        writer.write(0, f"{indent}{key}:\n")
        for line in value.split("\n"):
            writer.write(0, f"\t  {_shorten(line, MAX_ANNOTATION - 2)}\n")


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "..."


def rfc1123z(stamp: str | None) -> str:
    """An API timestamp in local time, as Go's time.RFC1123Z prints it; a missing one is Go's zero time."""
    if not stamp:
        return "Mon, 01 Jan 0001 00:00:00 +0000"
    moment = time.localtime(parse(stamp))
    return time.strftime("%a, %d %b %Y %H:%M:%S %z", moment)


def since(stamp: str | None) -> str:
    """How long ago, as `5m`."""
    return human_duration(time.time() - parse(stamp)) if stamp else "<unknown>"


def title_bool(value: Any) -> str:
    return "True" if value else "False"


def find_events(client: Client, obj: Obj) -> list[dict[str, Any]] | None:
    """The events about `obj`; None if the server does not tell."""
    meta = obj["metadata"]
    terms = {
        "involvedObject.name": meta["name"],
        "involvedObject.namespace": meta.get("namespace", ""),
        "involvedObject.kind": obj["kind"],
        "involvedObject.uid": meta.get("uid", ""),
    }
    selector = ",".join(f"{key}={value}" for key, value in terms.items() if value)
    namespace = meta.get("namespace", "")
    path = f"/api/v1/namespaces/{namespace}/events" if namespace else "/api/v1/events"
    try:
        items: list[dict[str, Any]] = client.get(path, {"fieldSelector": selector, "limit": "500"})["items"]
    except StatusError:
        return None
    return items


def events(writer: Writer, found: list[dict[str, Any]] | None) -> None:
    if found is None:
        return
    if not found:
        writer.write(0, "Events:\t<none>\n")
        return
    writer.flush()
    writer.write(0, "Events:\n  Type\tReason\tAge\tFrom\tMessage\n")
    writer.write(1, "----\t------\t----\t----\t-------\n")
    for event in sorted(found, key=lambda event: event.get("lastTimestamp") or ""):
        source = (event.get("source") or {}).get("component") or event.get("reportingComponent") or ""
        message = event.get("message", "").strip()
        part = (event.get("involvedObject") or {}).get("fieldPath")
        if part:
            message = f"{part}: {message}"
        writer.write(
            1, f"{event.get('type', '')}\t{event.get('reason', '')}\t{interval(event)}\t{source}\t{message}\n"
        )


def interval(event: Obj) -> str:
    first = since(event.get("eventTime") or event.get("firstTimestamp"))
    series = event.get("series")
    if series:
        return f"{since(series.get('lastObservedTime'))} (x{series.get('count', 0)} over {first})"
    if event.get("count", 0) > 1:
        return f"{since(event.get('lastTimestamp'))} (x{event['count']} over {first})"
    return first
