"""Times in objects: read as strictly as Go reads them, with its error texts, and written back in canonical form.

Source: Go's time.Parse with the layouts of metav1.Time and metav1.MicroTime.
"""

from __future__ import annotations

import re

from backend.meta import timefmt

_LAYOUT = "2006-01-02T15:04:05Z07:00"
_MICRO_LAYOUT = "2006-01-02T15:04:05.000000Z07:00"
_CANONICAL = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{6})?Z", re.ASCII
).fullmatch
"""Canonical forms of either layout; group 1 tells them apart. Days that some months lack are not among them."""

_STEPS = (
    ("2006", r"\d{4}", ""),
    ("-", "-", ""),
    ("01", r"\d{2}", "month"),
    ("-", "-", ""),
    ("02", r"\d{2}", ""),
    ("T", "T", ""),
    ("15", r"\d{2}", "hour"),
    (":", ":", ""),
    ("04", r"\d{2}", "minute"),
    (":", ":", ""),
    ("05", r"\d{2}", "second"),
)
_RANGES = {"month": (1, 12), "hour": (0, 23), "minute": (0, 59), "second": (0, 59)}


def canonical(text: str) -> str:
    """metav1.Time: seconds, UTC. Raises ValueError with Go's text."""
    match = _CANONICAL(text)
    if match is not None and match[1] is None:
        return text
    return timefmt.format_time(_parse(text, _LAYOUT, ""))


def canonical_micro(text: str) -> str:
    """metav1.MicroTime: microseconds, UTC. Raises ValueError with Go's text."""
    match = _CANONICAL(text)
    if match is not None and match[1] is not None:
        return text
    return timefmt.format_micro(_parse(text, _MICRO_LAYOUT, r"\.\d{6}"))


def _parse(text: str, layout: str, fraction: str) -> float:
    from backend.meta.causes import go_quote

    def cannot(rest: str, element: str) -> ValueError:
        return ValueError(
            f"parsing time {go_quote(text)} as {go_quote(layout)}:"
            f" cannot parse {go_quote(rest)} as {go_quote(element)}"
        )

    position = 0
    for element, pattern, part in _STEPS:
        match = re.compile(pattern, re.ASCII).match(text, position)
        if match is None:
            raise cannot(text[position:], element)
        if part and not _RANGES[part][0] <= int(match.group()) <= _RANGES[part][1]:
            raise ValueError(f"parsing time {go_quote(text)}: {part} out of range")
        position = match.end()
    match = re.compile(fraction or r"(?:[.,]\d+)?", re.ASCII).match(text, position)
    if match is None:
        raise cannot(text[position:], ".000000")
    position = match.end()
    zone = re.compile(r"Z|[+-]\d{2}:\d{2}", re.ASCII).match(text, position)
    if zone is None:
        raise cannot(text[position:], "Z07:00")
    if zone.end() < len(text):
        raise ValueError(f"parsing time {go_quote(text)}: extra text: {go_quote(text[zone.end() :])}")
    try:
        seconds = timefmt.parse(text)
    except ValueError:
        raise ValueError(f"parsing time {go_quote(text)}: day out of range") from None
    # A zone can carry a time out of the years that the format can show.
    if not _FIRST <= seconds <= _LAST:
        raise ValueError(f"parsing time {go_quote(text)}: year is not in the range [0,9999]")
    return seconds


_FIRST = timefmt.parse("0001-01-01T00:00:00Z")
_LAST = timefmt.parse("9999-12-31T23:59:59Z")
