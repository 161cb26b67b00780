"""v1 Event. Source: pkg/registry/core/event/strategy.go, pkg/apis/core/validation/events.go."""

from __future__ import annotations

from typing import Any

from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import NAME_COLUMN, Column, Resource, later

_SCHEMA = "io.k8s.api.core.v1.Event"
_INVOLVED_FIELDS = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_SELECTABLE = frozenset(
    {f"involvedObject.{name}" for name in _INVOLVED_FIELDS} | {"reason", "reportingComponent", "source", "type"}
)


def _default(event: Obj) -> None:
    """What Kubernetes' Go type always writes, even when nobody set it."""
    for name in ("eventTime", "firstTimestamp", "lastTimestamp"):
        event.setdefault(name, None)
    for name in ("reportingComponent", "reportingInstance"):
        event.setdefault(name, "")
    event.setdefault("source", {})


def _source(event: Obj) -> str:
    source = event.get("source") or {}
    component: str = source.get("component") or event.get("reportingComponent", "")
    instance: str = source.get("host") or event.get("reportingInstance", "")
    return f"{component}, {instance}" if instance else component


def _row(event: Obj, now: float) -> list[Any]:
    first = cells.since(event.get("firstTimestamp") or event.get("eventTime"), now)
    last = cells.since(event["lastTimestamp"], now) if event.get("lastTimestamp") else first
    count = event.get("count") or 1
    if series := event.get("series"):
        last, count = cells.since(series.get("lastObservedTime"), now), series.get("count", 0)
    involved = event.get("involvedObject") or {}
    target = involved.get("kind", "").lower()
    if involved.get("name"):
        target = f"{target}/{involved['name']}"
    return [
        last, event.get("type", ""), event.get("reason", ""), target, involved.get("fieldPath", ""),
        _source(event), event.get("message", "").strip(), first, count, event["metadata"]["name"],
    ]  # fmt: skip


def _selectable(event: Obj) -> dict[str, str]:
    involved = event.get("involvedObject") or {}
    reporting = event.get("reportingComponent", "")
    fields = {f"involvedObject.{name}": involved.get(name, "") for name in _INVOLVED_FIELDS}
    return fields | {
        "reason": event.get("reason", ""),
        "reportingComponent": reporting,
        "source": (event.get("source") or {}).get("component") or reporting,
        "type": event.get("type", ""),
    }


EVENT = Resource(
    group="",
    version="v1",
    kind="Event",
    plural="events",
    singular="event",
    namespaced=True,
    schema=_SCHEMA,
    short_names=("ev",),
    columns=(
        Column("Last Seen", described_by=f"{_SCHEMA}.lastTimestamp"),
        Column("Type", described_by=f"{_SCHEMA}.type"),
        Column("Reason", described_by=f"{_SCHEMA}.reason"),
        Column("Object", described_by=f"{_SCHEMA}.involvedObject"),
        Column("Subobject", priority=1, described_by="io.k8s.api.core.v1.ObjectReference.fieldPath"),
        Column("Source", priority=1, described_by=f"{_SCHEMA}.source"),
        Column("Message", described_by=f"{_SCHEMA}.message"),
        Column("First Seen", priority=1, described_by=f"{_SCHEMA}.firstTimestamp"),
        Column("Count", priority=1, described_by=f"{_SCHEMA}.count"),
        Column("Name", "string", "name", priority=1, described_by=NAME_COLUMN.described_by),
    ),
    row=_row,
    default=_default,
    validate=later("events.event_rules:validate"),
    validate_update=later("events.event_rules:validate_update"),
    selectable=_selectable,
    selectable_names=_SELECTABLE,
)
