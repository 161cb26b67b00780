"""events.k8s.io/v1: the events of core/v1 by other names, with stricter rules."""

import pytest

from backend.resources.core.event import EVENT as CORE_EVENT
from backend.resources.events.event import EVENT

NEW = {
    "metadata": {"name": "e", "namespace": "default"},
    "eventTime": "2023-11-14T22:08:20.000000Z",
    "regarding": {"kind": "Pod", "name": "p", "namespace": "default"},
    "reportingController": "example.com/c",
    "reportingInstance": "c-1",
    "action": "Binding",
    "reason": "Scheduled",
    "type": "Normal",
    "note": "n",
}


def texts(found):
    return [str(cause) for cause in found]


def made(**fields):
    event = {**NEW, **fields}
    EVENT.default(event)
    return event


def test_an_event_is_the_same_in_both_groups():
    event = made(series={"count": 2, "lastObservedTime": "2023-11-14T22:08:20.000000Z"})
    stored = EVENT.to_stored(event)
    assert stored["involvedObject"] == NEW["regarding"]
    assert (stored["message"], stored["reportingComponent"], stored["source"]) == ("n", "example.com/c", {})
    assert EVENT.from_stored(stored) == event


def test_a_core_event_is_shown_by_its_deprecated_fields():
    core = {
        "metadata": {"name": "e", "namespace": "default"}, "involvedObject": {"kind": "Pod", "name": "p"},
        "source": {"component": "kubelet"}, "firstTimestamp": "2023-11-14T22:08:20Z", "count": 3,
    }  # fmt: skip
    CORE_EVENT.default(core)
    shown = EVENT.from_stored(core)
    assert shown["deprecatedSource"] == {"component": "kubelet"}
    assert (shown["deprecatedCount"], shown["deprecatedFirstTimestamp"]) == (3, "2023-11-14T22:08:20Z")
    assert shown["eventTime"] is None
    assert "reportingController" not in shown
    assert EVENT.row(shown, 1_700_000_000.0) == CORE_EVENT.row(core, 1_700_000_000.0)
    assert EVENT.selectable(shown)["regarding.kind"] == "Pod"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"eventTime": None}, ["eventTime: Required value"]),
        ({"type": "Odd"}, ['type: Invalid value: "": has invalid value: Odd']),
        ({"deprecatedCount": 1}, ['count: Invalid value: "": needs to be unset']),
        ({"deprecatedSource": {"host": "h"}}, ['source: Invalid value: "": needs to be unset']),
        (
            {"series": {"count": 1}},
            ['series.count: Invalid value: "": should be at least 2', "series.lastObservedTime: Required value"],
        ),
        ({"note": "x" * 1025}, ['message: Invalid value: "": can have at most 1024 characters']),
    ],
)
def test_a_new_event_is_complete(fields, expected):
    assert texts(EVENT.validate(made(**fields))) == expected


def test_only_the_series_of_an_event_goes_on():
    old = made()
    series = {"count": 2, "lastObservedTime": "2023-11-14T22:08:21.000000Z"}
    assert texts(EVENT.validate_update(made(series=series), old)) == []
    assert texts(EVENT.validate_update(made(note="other"), old)) == [
        'message: Invalid value: "other": field is immutable'
    ]
