"""What Go says of a text that is no RFC 3339 time. Source: Go's time.Parse."""

from __future__ import annotations

import re

LAYOUT = "2006-01-02T15:04:05Z07:00"
_PARTS = (
    (r"\d{4}", "2006"), ("-", "-"), (r"\d\d", "01"), ("-", "-"), (r"\d\d", "02"), ("T", "T"), (r"\d{1,2}", "15"),
    (":", ":"), (r"\d\d", "04"), (":", ":"), (r"\d\d([.,]\d+)?", "05"), (r"Z|[+-]\d\d:\d\d", "Z07:00"),
)  # fmt: skip
_RANGES = {"01": ("month", 1, 12), "15": ("hour", 0, 23), "04": ("minute", 0, 59), "05": ("second", 0, 59)}


def rfc3339_fault(text: str) -> str:
    """Go's error, or "" for a time."""
    rest, found = text, {}
    for pattern, layout in _PARTS:
        match = re.match(pattern, rest, re.ASCII)
        if match is None:
            return f'parsing time "{text}" as "{LAYOUT}": cannot parse "{rest}" as "{layout}"'
        found[layout] = match.group()
        rest = rest[match.end() :]
        if layout in _RANGES:
            name, least, most = _RANGES[layout]
            if not least <= int(match.group()[:2]) <= most:
                return f'parsing time "{text}": {name} out of range'
    if rest:
        return f'parsing time "{text}": extra text: "{rest}"'
    year, month, day = (int(found[layout]) for layout in ("2006", "01", "02"))
    return "" if 1 <= day <= _days(year, month) else f'parsing time "{text}": day out of range'


def _days(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31
