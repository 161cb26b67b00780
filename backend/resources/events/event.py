"""events.k8s.io/v1 Event: the events of core/v1 by their newer names. Source: pkg/apis/events/v1/conversion.go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.event import EVENT as CORE_EVENT
from backend.resources.resource import Resource, later

_NAMES = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
"""By their names here, the fields that core/v1 calls otherwise."""
_NAMES_HERE = {core: here for here, core in _NAMES.items()}
_LEFT_OUT_EMPTY = ("reportingController", "reportingInstance")

_validate_strictly = later("events.event_rules:validate_strictly")
_validate_update_strictly = later("events.event_rules:validate_update_strictly")


def _from_stored(event: Obj) -> Obj:
    here = {_NAMES_HERE.get(name, name): value for name, value in event.items()}
    for name in _LEFT_OUT_EMPTY:
        if not here.get(name):
            here.pop(name, None)
    return here


def _to_stored(event: Obj) -> Obj:
    stored = {_NAMES.get(name, name): value for name, value in event.items()}
    CORE_EVENT.default(stored)
    return stored


def _default(event: Obj) -> None:
    """What Kubernetes' Go type always writes, even when nobody set it."""
    for name in ("eventTime", "deprecatedFirstTimestamp", "deprecatedLastTimestamp"):
        event.setdefault(name, None)
    for name in ("regarding", "deprecatedSource"):
        event.setdefault(name, {})


def _validate(event: Obj) -> Sequence[Cause]:
    found: Sequence[Cause] = _validate_strictly(_to_stored(event))
    return found


def _validate_update(event: Obj, old: Obj) -> Sequence[Cause]:
    found: Sequence[Cause] = _validate_update_strictly(_to_stored(event), _to_stored(old))
    return found


def _row(event: Obj, now: float) -> list[Any]:
    assert CORE_EVENT.row is not None
    return CORE_EVENT.row(_to_stored(event), now)


def _selectable(event: Obj) -> dict[str, str]:
    fields = CORE_EVENT.selectable(_to_stored(event))
    renamed = {name.replace("involvedObject.", "regarding."): value for name, value in fields.items()}
    renamed["reportingController"] = renamed.pop("reportingComponent")
    del renamed["source"]
    return renamed


EVENT = Resource(
    group="events.k8s.io",
    version="v1",
    kind="Event",
    plural="events",
    singular="event",
    namespaced=True,
    schema="io.k8s.api.events.v1.Event",
    short_names=("ev",),
    columns=CORE_EVENT.columns,
    row=_row,
    default=_default,
    validate=_validate,
    validate_update=_validate_update,
    selectable=_selectable,
    selectable_names=frozenset(_selectable({})),
    stored_as=CORE_EVENT,
    from_stored=_from_stored,
    to_stored=_to_stored,
)
