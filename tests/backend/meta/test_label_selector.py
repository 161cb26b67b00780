"""LabelSelector objects: what they select, how they are shown, what they are refused for."""

import pytest

from backend.meta.label_selector import (
    NOTHING,
    as_selector,
    format_labels,
    format_selector,
    is_empty,
    validate_label_selector,
)


def expression(operator, *values, key="a"):
    return {
        "matchExpressions": [{"key": key, "operator": operator, **({"values": list(values)} if values else {})}]
    }


@pytest.mark.parametrize(
    ("selector", "text", "selected", "not_selected"),
    [
        ({"matchLabels": {"b": "2", "a": "1"}}, "a=1,b=2", {"a": "1", "b": "2", "c": "3"}, {"a": "1"}),
        (expression("In", "y", "x"), "a in (x,y)", {"a": "x"}, {"a": "z"}),
        (expression("NotIn", "x"), "a notin (x)", {}, {"a": "x"}),
        (expression("Exists"), "a", {"a": ""}, {}),
        (expression("DoesNotExist"), "!a", {}, {"a": ""}),
        ({"matchLabels": {"z": "1"}, **expression("Exists")}, "a,z=1", {"a": "", "z": "1"}, {"z": "1"}),
    ],
)
def test_what_is_selected(selector, text, selected, not_selected):
    parsed = as_selector(selector)
    assert (parsed.matches(selected), parsed.matches(not_selected)) == (True, False)
    assert str(parsed) == format_selector(selector) == text
    assert not is_empty(selector)
    assert validate_label_selector(selector, "s") == []


def test_an_empty_selector_selects_everything_and_none_nothing():
    assert as_selector({}).matches(None)
    assert is_empty({})
    assert not NOTHING.matches({"a": "b"})
    assert as_selector(None) is NOTHING
    # Other than an empty one, it asks something of labels: that there be none of them.
    assert NOTHING
    assert format_selector({}) == format_selector(None) == "<none>"


def test_an_operator_that_there_is_not():
    with pytest.raises(ValueError, match='"Is" is not a valid label selector operator'):
        as_selector(expression("Is"))
    assert format_selector(expression("Is")) == "<error>"


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (expression("In"), "s.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or"
         " 'NotIn'"),
        (expression("Exists", "x"), "s.matchExpressions[0].values: Forbidden: may not be specified when `operator` is"
         " 'Exists' or 'DoesNotExist'"),
        (expression("Gt", "1"), 's.matchExpressions[0].operator: Invalid value: "Gt": not a valid selector operator'),
    ],
)  # fmt: skip
def test_what_is_refused(selector, expected):
    assert [str(cause) for cause in validate_label_selector(selector, "s")] == [expected]


def test_keys_and_values_are_those_of_labels():
    faulty = {"matchLabels": {"a": "?"}, "matchExpressions": [{"key": "/", "operator": "In", "values": ["!"]}]}
    fields = [cause.field for cause in validate_label_selector(faulty, "s")]
    assert fields[0] == "s.matchLabels"
    assert set(fields[1:]) == {"s.matchExpressions[0].key", "s.matchExpressions[0].values[0]"}


def test_labels_as_text():
    assert format_labels({"b": "2", "a": "1"}) == "a=1,b=2"
    assert format_labels(None) == "<none>"
