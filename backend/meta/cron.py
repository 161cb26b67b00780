"""Schedules of five fields, as CronJobs have them.

Source: ParseStandard of github.com/robfig/cron/v3, whose dialect and error texts are Kubernetes'.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from backend.meta.causes import go_quote

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}").fullmatch
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DURATION = re.compile(
    r"[-+]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*|[-+]?0"
)
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "


class _Bounds(NamedTuple):
    low: int
    high: int
    names: dict[str, int]


_BOUNDS = (
    _Bounds(0, 59, {}),
    _Bounds(0, 23, {}),
    _Bounds(1, 31, {}),
    _Bounds(1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    _Bounds(0, 6, {name: number for number, name in enumerate(_WEEKDAYS)}),
)
"""Of minute, hour, day of month, month and day of week."""


class Field(NamedTuple):
    values: frozenset[int]
    any: bool
    """Whether it was given as `*` or `?`. Where both fields of days are given otherwise, one of them is enough."""


class Schedule(NamedTuple):
    zone: str = ""
    """That the text itself names."""
    every: float = 0.0
    """Seconds between two times; 0 for a schedule of fields."""
    fields: tuple[Field, ...] = ()
    """Minute, hour, day of month, month and day of week, with Sunday as 0."""


def parse_schedule(text: str) -> Schedule:
    """Raises ValueError, with Kubernetes' text, for what is no schedule."""
    if not text:
        raise ValueError("empty spec string")
    zone = ""
    if text.startswith(("TZ=", "CRON_TZ=")):
        zone, text = _split_zone(text)
    if text.startswith("@"):
        return _descriptor(text)._replace(zone=zone)
    fields = text.split()
    if len(fields) != len(_BOUNDS):
        raise ValueError(f"expected exactly {len(_BOUNDS)} fields, found {len(fields)}: [{' '.join(fields)}]")
    return Schedule(zone, 0.0, tuple(_field(field, bounds) for field, bounds in zip(fields, _BOUNDS, strict=True)))


def _field(text: str, bounds: _Bounds) -> Field:
    ranges = [_range(expression, bounds) for expression in text.split(",") if expression]
    values = frozenset(value for field in ranges for value in field.values)
    return Field(values, any(field.any for field in ranges))


def _split_zone(text: str) -> tuple[str, str]:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    zone, _, rest = text.partition("=")[2].partition(" ")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"provided bad location {zone}: unknown time zone {zone}") from None
    return zone, rest.strip()


def _descriptor(text: str) -> Schedule:
    if text in _DESCRIPTORS:
        return parse_schedule(_DESCRIPTORS[text])
    if not text.startswith(_EVERY):
        raise ValueError(f"unrecognized descriptor: {text}")
    duration = text.removeprefix(_EVERY)
    if not _DURATION.fullmatch(duration):
        raise ValueError(f"failed to parse duration {text}: time: invalid duration {go_quote(duration)}")
    seconds = round(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(duration)), 6)
    return Schedule(every=max(1.0, float(int(-seconds if duration.startswith("-") else seconds))))


def _range(expression: str, bounds: _Bounds) -> Field:
    ends, *steps = expression.split("/")
    low, *more = ends.split("-")
    if low in ("*", "?"):
        start, end = bounds.low, bounds.high
    else:
        start = _number(low, bounds)
        if len(more) > 1:
            raise ValueError(f"too many hyphens: {expression}")
        end = _number(more[0], bounds) if more else start
    if len(steps) > 1:
        raise ValueError(f"too many slashes: {expression}")
    step = _integer(steps[0]) if steps else 1
    if steps and not more:
        end = bounds.high
    if start < bounds.low:
        raise ValueError(f"beginning of range ({start}) below minimum ({bounds.low}): {expression}")
    if end > bounds.high:
        raise ValueError(f"end of range ({end}) above maximum ({bounds.high}): {expression}")
    if start > end:
        raise ValueError(f"beginning of range ({start}) beyond end of range ({end}): {expression}")
    if step == 0:
        raise ValueError(f"step of range should be a positive number: {expression}")
    return Field(frozenset(range(start, end + 1, step)), low in ("*", "?") and step == 1)


def _number(text: str, bounds: _Bounds) -> int:
    named = bounds.names.get(text.lower())
    return _integer(text) if named is None else named


def _integer(text: str) -> int:
    if not _INTEGER(text):
        raise ValueError(
            f"failed to parse int from {text}: strconv.Atoi: parsing {go_quote(text)}: invalid syntax"
        )
    if int(text) < 0:
        raise ValueError(f"negative number ({int(text)}) not allowed: {text}")
    return int(text)
