"""Fields that are a number or a share of one, such as maxUnavailable.

Source: ValidatePositiveIntOrPercent, IsNotMoreThan100Percent and getIntOrPercentValue of pkg/apis/apps/validation.
"""

from __future__ import annotations

import re

from backend.meta import causes, names
from backend.meta.errors import Cause

IntOrPercent = int | str

_INTEGER = re.compile(r"[+-]?[0-9]+").fullmatch


def validate(value: IntOrPercent, path: str) -> list[Cause]:
    if isinstance(value, str):
        return causes.each_invalid(path, value, names.percent(value))
    return causes.nonnegative(path, value)


def validate_share(value: IntOrPercent, path: str) -> list[Cause]:
    """That a share is of no more than everything."""
    if isinstance(value, str) and not names.percent(value) and int(value[:-1]) > 100:
        return [causes.invalid_value(path, value, "must not be greater than 100%")]
    return []


def number(value: IntOrPercent) -> int:
    """The number or the percentage; 0 where it is neither."""
    if isinstance(value, int):
        return value
    text = value[:-1] if not names.percent(value) else value
    return int(text) if _INTEGER(text) else 0
