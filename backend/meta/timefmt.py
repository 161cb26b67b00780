"""Times as Kubernetes writes them (RFC 3339, UTC) and ages as kubectl prints them. Seconds are since the epoch."""

from __future__ import annotations

import re
import time

_DAYS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_RFC3339 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})([.,]\d+)?(?:Z|([+-])(\d{2}):(\d{2}))", re.ASCII
).fullmatch


def format_time(seconds: float) -> str:
    """metav1.Time: `2024-05-01T10:20:30Z`; fractions are cut off."""
    # The fields are put together by hand since strftime does not pad years below 1000.
    year, month, day, hour, minute, second = time.gmtime(seconds // 1)[:6]
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}Z"


def format_micro(seconds: float) -> str:
    """metav1.MicroTime: `2024-05-01T10:20:30.000000Z`."""
    micros = round(seconds * 1_000_000)
    return f"{format_time(micros // 1_000_000)[:-1]}.{micros % 1_000_000:06d}Z"


def now() -> str:
    """The present as metav1.Time."""
    return format_time(time.time())


def now_micro() -> str:
    """The present as metav1.MicroTime."""
    return format_micro(time.time())


def parse(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time, with or without a fraction. Raises ValueError."""
    match = _RFC3339(text)
    if match is None:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= month <= 12 or not 1 <= day <= (28 if month == 2 and not leap else _DAYS[month]):
        raise ValueError(f"day out of range: {text!r}")
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"time of day out of range: {text!r}")
    fraction, sign, zone_hour, zone_minute = match.group(7, 8, 9, 10)
    offset = 0
    if sign:
        if int(zone_hour) > 24 or int(zone_minute) > 60:
            raise ValueError(f"zone out of range: {text!r}")
        offset = (int(zone_hour) * 3600 + int(zone_minute) * 60) * (1 if sign == "+" else -1)
    whole = ((_days_since_epoch(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - offset
    return whole + float("0." + fraction[1:]) if fraction else float(whole)


def _days_since_epoch(year: int, month: int, day: int) -> int:
    """In the Gregorian calendar; years start in March here, so that a leap day is the last of its year."""
    # `calendar` and `datetime` are not imported for this: the command line pays for every import.
    if month <= 2:
        year -= 1
        month += 12
    return year * 365 + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469


def human_duration(seconds: float) -> str:
    """An age as kubectl prints it: at most three figures, e.g. `42s`, `3m10s`, `27h`, `2d3h`, `2y45d`.

    Source: k8s.io/apimachinery/pkg/util/duration, HumanDuration.
    """
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    if whole < 120:
        return f"{whole}s"
    minutes = whole // 60
    if minutes < 10:
        return _two(minutes, "m", whole % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    hours = whole // 3600
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(hours // 24, "d", hours % 24, "h")
    days = hours // 24
    if days < 365 * 2:
        return f"{days}d"
    if days < 365 * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
