"""Times on the wire, and ages as kubectl prints them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.meta import gotime, timefmt

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 31536000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "<invalid>"), (-1, "0s"), (0, "0s"), (119.9, "119s"), (120, "2m"), (190, "3m10s"),
        (10 * MINUTE, "10m"), (179 * MINUTE, "179m"), (3 * HOUR, "3h"), (3 * HOUR + MINUTE, "3h1m"),
        (8 * HOUR, "8h"), (47 * HOUR, "47h"), (48 * HOUR, "2d"), (51 * HOUR, "2d3h"), (8 * DAY, "8d"),
        (2 * YEAR - 1, "729d"), (2 * YEAR, "2y"), (2 * YEAR + DAY, "2y1d"), (8 * YEAR, "8y"), (9 * YEAR, "9y"),
    ],
)  # fmt: skip
def test_human_duration(seconds: float, text: str) -> None:
    assert timefmt.human_duration(seconds) == text


@given(st.integers(min_value=-62135596800, max_value=253402300799))
def test_format_and_parse_are_inverse(seconds: int) -> None:
    assert timefmt.parse(timefmt.format_time(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1970-01-01T00:00:00.5Z", 0.5), ("1970-01-01T02:00:00+02:00", 0.0), ("1969-12-31T23:30:00-00:30", 0.0)],
)
def test_parse_fractions_and_zones(text: str, seconds: float) -> None:
    assert timefmt.parse(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "x", "2024-02-30T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00", "2024-01-01 00:00:00Z"],
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        timefmt.parse(text)


def test_now_is_canonical() -> None:
    assert gotime.canonical(timefmt.now()) == timefmt.now()[:19] + "Z"
    micro = timefmt.now_micro()
    assert gotime.canonical_micro(micro) == micro


def test_micro_rounding_carries_over() -> None:
    assert timefmt.format_micro(1.9999999) == "1970-01-01T00:00:02.000000Z"


LAYOUT = '"2006-01-02T15:04:05Z07:00"'


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x", f'parsing time "x" as {LAYOUT}: cannot parse "x" as "2006"'),
        ("", f'parsing time "" as {LAYOUT}: cannot parse "" as "2006"'),
        ("2024-01-01", f'parsing time "2024-01-01" as {LAYOUT}: cannot parse "" as "T"'),
        ("2024-13-01T00:00:00Z", 'parsing time "2024-13-01T00:00:00Z": month out of range'),
        ("2024-02-30T00:00:00Z", 'parsing time "2024-02-30T00:00:00Z": day out of range'),
        ("2024-01-01T00:00:00Zx", 'parsing time "2024-01-01T00:00:00Zx": extra text: "x"'),
    ],
)
def test_times_in_objects_fail_as_in_go(text: str, error: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        gotime.canonical(text)
    assert str(caught.value) == error


def test_micro_time_wants_six_digits() -> None:
    with pytest.raises(ValueError, match=r'cannot parse "Z" as "\.000000"'):
        gotime.canonical_micro("2024-01-01T00:00:00Z")
