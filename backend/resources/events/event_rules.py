"""Rules of events: the old ones, and what events.k8s.io asks on top of them.

Source: pkg/apis/core/validation/events.go, which names the fields of core/v1 for both.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj

_PATH = "involvedObject.namespace"
_MISMATCH = "does not match event.namespace"
_LIMITS = {"reportingInstance": 128, "action": 128, "reason": 128, "message": 1024}
_IMMUTABLE = (
    "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "reason", "type",
    "eventTime", "action", "related",
)  # fmt: skip
_REPORTED_BY = ("reportingComponent", "reportingController"), ("reportingInstance", "reportingInstance")


def validate(event: Obj) -> Sequence[Cause]:
    """A core/v1 Event."""
    return _validate_legacy(event, "reportingComponent")


def validate_update(event: Obj, _old: Obj) -> Sequence[Cause]:
    return validate(event)


def validate_strictly(event: Obj) -> Sequence[Cause]:
    """An event that comes by events.k8s.io, in the form of core/v1."""
    found = _validate_legacy(event, "reportingController") + _validate_series(event)
    if not event.get("eventTime"):
        found.append(causes.required("eventTime"))
    kind = event.get("type", "")
    if kind not in ("Normal", "Warning"):
        found.append(causes.invalid_value("type", "", f"has invalid value: {kind}"))
    source = event.get("source") or {}
    for field, given in (
        *((field, event.get(field)) for field in ("firstTimestamp", "lastTimestamp", "count")),
        ("source", source.get("component") or source.get("host")),
    ):
        if given:
            found.append(causes.invalid_value(field, "", "needs to be unset"))
    return found


def validate_update_strictly(event: Obj, old: Obj) -> Sequence[Cause]:
    """Only the series of an event goes on."""
    found = _validate_legacy(event, "reportingController")
    if event.get("series") != old.get("series"):
        found += _validate_series(event)
    for field, shown in (*((field, field) for field in _IMMUTABLE), *_REPORTED_BY):
        if (event.get(field) or None) != (old.get(field) or None):
            found.append(causes.immutable(shown, event.get(field)))
    return found


def _validate_series(event: Obj) -> list[Cause]:
    series = event.get("series")
    found: list[Cause] = []
    if series is not None and series.get("count", 0) < 2:
        found.append(causes.invalid_value("series.count", "", "should be at least 2"))
    if series is not None and not series.get("lastObservedTime"):
        found.append(causes.required("series.lastObservedTime"))
    return found


def _validate_legacy(event: Obj, reporter: str) -> list[Cause]:
    """The event lives in the namespace of what it is about; events of cluster-scoped objects in `default`."""
    namespace = event["metadata"].get("namespace", "")
    about = (event.get("involvedObject") or {}).get("namespace", "")
    if event.get("eventTime"):
        found = _validate_new_style(event, namespace, about, reporter)
    else:
        wrong = about != namespace if about else namespace not in ("", "default")
        found = [causes.invalid_value(_PATH, about, _MISMATCH)] if wrong else []
    return found + causes.each_invalid("namespace", namespace, names.dns1123_subdomain(namespace))


def _validate_new_style(event: Obj, namespace: str, about: str, reporter: str) -> list[Cause]:
    """Events with an eventTime say who reports what."""
    found: list[Cause] = []
    component = event.get("reportingComponent", "")
    if not about and namespace not in ("default", "kube-system"):
        found.append(causes.invalid_value(_PATH, about, _MISMATCH))
    if not component:
        found.append(causes.required(reporter))
    found += causes.each_invalid(reporter, component, names.qualified_name(component))
    for field, limit in _LIMITS.items():
        value = event.get(field) or ""
        if not value and field != "message":
            found.append(causes.required(field))
        if len(value.encode()) > limit:
            found.append(causes.invalid_value(field, "", f"can have at most {limit} characters"))
    return found
