"""The operators and functions of every CEL. Source: cel-go's common/stdlib, and its optional values."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backend.meta.cel.errors import EvaluationError
from backend.meta.cel.functions import Library
from backend.meta.cel.values import (
    INT_MAX,
    INT_MIN,
    NONE,
    SECOND,
    Duration,
    Optional,
    Timestamp,
    TypeValue,
    UInt,
    as_duration,
    as_int,
    as_uint,
    contains,
    equal,
    type_name,
)
from backend.meta.regex import RegexError, matches

LIBRARY = Library()
declare = LIBRARY.declare
add = LIBRARY.add

_ORDERED = ("bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration")
_NUMBERS = ("int", "uint", "double")
_UNITS = {"h": 3600 * SECOND, "m": 60 * SECOND, "s": SECOND, "ms": 10**6, "us": 10**3, "µs": 10**3, "ns": 1}
_DURATION = re.compile(r"[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+|[+-]?0")
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))"
)
_OFFSET = re.compile(r"([+-]?)(\d\d):(\d\d)")

for _name in ("_&&_", "_||_"):
    add(f"{_name}(bool, bool) -> bool", lambda one, other: one)
add("!_(bool) -> bool", lambda value: not value)
add("_==_(A, A) -> bool", equal)
add("_!=_(A, A) -> bool", lambda one, other: not equal(one, other))
add("dyn(A) -> dyn", lambda value: value)
add("type(A) -> type", lambda value: TypeValue(type_name(value)))

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "_<_": lambda one, other: one < other,
    "_<=_": lambda one, other: one <= other,
    "_>_": lambda one, other: one > other,
    "_>=_": lambda one, other: one >= other,
}
for _name, _compare in _COMPARISONS.items():
    for _type in _ORDERED:
        add(f"{_name}({_type}, {_type}) -> bool", _compare)
    for _one in _NUMBERS:
        for _other in _NUMBERS:
            if _one != _other:
                add(f"{_name}({_one}, {_other}) -> bool", _compare)

add("_+_(int, int) -> int", lambda one, other: as_int(one + other))
add("_+_(uint, uint) -> uint", lambda one, other: as_uint(int(one) + int(other)))
add("_+_(double, double) -> double", lambda one, other: one + other)
add("_+_(string, string) -> string", lambda one, other: one + other)
add("_+_(bytes, bytes) -> bytes", lambda one, other: one + other)
add("_+_(list(A), list(A)) -> list(A)", lambda one, other: [*one, *other])
add("_+_(timestamp, duration) -> timestamp", lambda one, other: Timestamp(one.nanos + other.nanos))
add("_+_(duration, timestamp) -> timestamp", lambda one, other: Timestamp(one.nanos + other.nanos))
add("_+_(duration, duration) -> duration", lambda one, other: as_duration(one.nanos + other.nanos))
add("_-_(int, int) -> int", lambda one, other: as_int(one - other))
add("_-_(uint, uint) -> uint", lambda one, other: as_uint(int(one) - int(other)))
add("_-_(double, double) -> double", lambda one, other: one - other)
add("_-_(timestamp, timestamp) -> duration", lambda one, other: as_duration(one.nanos - other.nanos))
add("_-_(timestamp, duration) -> timestamp", lambda one, other: Timestamp(one.nanos - other.nanos))
add("_-_(duration, duration) -> duration", lambda one, other: as_duration(one.nanos - other.nanos))
add("_*_(int, int) -> int", lambda one, other: as_int(one * other))
add("_*_(uint, uint) -> uint", lambda one, other: as_uint(int(one) * int(other)))
add("_*_(double, double) -> double", lambda one, other: one * other)
add("-_(int) -> int", lambda value: as_int(-value))
add("-_(double) -> double", lambda value: -value)
add("-_(duration) -> duration", lambda value: as_duration(-value.nanos))


@declare("_/_(int, int) -> int")
def _divide(one: int, other: int) -> int:
    if other == 0:
        raise EvaluationError("division by zero")
    quotient = abs(one) // abs(other)
    return as_int(quotient if (one < 0) == (other < 0) else -quotient)


@declare("_/_(uint, uint) -> uint")
def _divide_unsigned(one: int, other: int) -> UInt:
    if other == 0:
        raise EvaluationError("division by zero")
    return UInt(int(one) // int(other))


@declare("_/_(double, double) -> double")
def _divide_doubles(one: float, other: float) -> float:
    if other == 0:
        return math.nan if one == 0 or math.isnan(one) else math.copysign(math.inf, one) * math.copysign(1, other)
    return one / other


@declare("_%_(int, int) -> int")
def _remainder(one: int, other: int) -> int:
    if other == 0:
        raise EvaluationError("modulus by zero")
    return int(math.copysign(1, one)) * (abs(one) % abs(other))


@declare("_%_(uint, uint) -> uint")
def _remainder_unsigned(one: int, other: int) -> UInt:
    if other == 0:
        raise EvaluationError("modulus by zero")
    return UInt(int(one) % int(other))


add("@in(A, list(A)) -> bool", lambda value, items: contains(items, value))
add("@in(A, map(A, B)) -> bool", lambda key, items: _hashable(key) and key in items)


def _hashable(key: Any) -> bool:
    return not isinstance(key, (list, dict))


@declare("_[_](list(A), int) -> A", "_[_](list(A), uint) -> A", "_[_](list(A), double) -> A")
def _item(items: list[Any], index: float) -> Any:
    if index != int(index):
        raise EvaluationError("unsupported index value")
    if not 0 <= index < len(items):
        raise EvaluationError(f"index out of bounds: {int(index)}")
    return items[int(index)]


@declare("_[_](map(A, B), A) -> B")
def _value(items: dict[Any, Any], key: Any) -> Any:
    if not _hashable(key) or key not in items:
        raise EvaluationError(f"no such key: {key}")
    return items[key]


@declare("_[?_](list(A), int) -> optional_type(A)")
def _optional_item(items: list[Any], index: int) -> Optional:
    return Optional(True, items[index]) if 0 <= index < len(items) else NONE


@declare("_[?_](map(A, B), A) -> optional_type(B)")
def _optional_value(items: dict[Any, Any], key: Any) -> Optional:
    return Optional(True, items[key]) if _hashable(key) and key in items else NONE


@declare(
    "_[?_](optional_type(dyn), dyn) -> optional_type(dyn)", "_[_](optional_type(dyn), dyn) -> optional_type(dyn)"
)
def _through_optional(target: Optional, key: Any) -> Optional:
    if not target.present:
        return NONE
    inside = target.value
    found: Optional = (_optional_item if isinstance(inside, list) else _optional_value)(inside, key)
    return found


for _type in ("string", "bytes", "list(A)", "map(A, B)"):
    add(f"size({_type}) -> int", len)
    add(f"{_type} size() -> int", len)
add("string contains(string) -> bool", lambda text, part: part in text)
add("string startsWith(string) -> bool", lambda text, part: text.startswith(part))
add("string endsWith(string) -> bool", lambda text, part: text.endswith(part))


@declare("matches(string, string) -> bool", "string matches(string) -> bool")
def _matches(text: str, pattern: str) -> bool:
    try:
        return matches(pattern, text)
    except RegexError as error:
        raise EvaluationError(str(error)) from None


add("optional.of(A) -> optional_type(A)", lambda value: Optional(True, value))
add("optional.none() -> optional_type(dyn)", lambda: NONE)
add(
    "optional.ofNonZeroValue(A) -> optional_type(A)",
    lambda value: Optional(True, value) if value or value is True else NONE,
)
add("optional_type(A) hasValue() -> bool", lambda optional: optional.present)
add("optional_type(A) orValue(A) -> A", lambda optional, other: optional.value if optional.present else other)
add("optional_type(A) or(optional_type(A)) -> optional_type(A)", lambda one, other: one if one.present else other)


@declare("optional_type(A) value() -> A")
def _optional_content(optional: Optional) -> Any:
    if not optional.present:
        raise EvaluationError("optional.none() dereference")
    return optional.value


for _type in ("int", "uint", "double", "string", "bytes", "bool", "timestamp", "duration"):
    add(f"{_type}({_type}) -> {_type}", lambda value: value)


@declare("int(double) -> int")
def _int_of_double(value: float) -> int:
    if not (INT_MIN < value < INT_MAX):
        raise EvaluationError("integer overflow")
    return int(value)


add("int(uint) -> int", lambda value: as_int(int(value)))
add("int(timestamp) -> int", lambda value: value.nanos // SECOND)
add("int(duration) -> int", lambda value: value.nanos)
add("uint(int) -> uint", as_uint)
add("uint(double) -> uint", lambda value: as_uint(_int_of_double(value)))
add("double(int) -> double", float)
add("double(uint) -> double", lambda value: float(int(value)))


@declare("int(string) -> int")
def _int_of_text(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text) or not INT_MIN <= int(text) <= INT_MAX:
        raise EvaluationError(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


@declare("uint(string) -> uint")
def _uint_of_text(text: str) -> UInt:
    if not re.fullmatch(r"\d+", text):
        raise EvaluationError(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    return as_uint(int(text))


@declare("double(string) -> double")
def _double_of_text(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise EvaluationError(f'strconv.ParseFloat: parsing "{text}": invalid syntax') from None


@declare("bool(string) -> bool")
def _bool_of_text(text: str) -> bool:
    if text in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if text in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise EvaluationError(f'strconv.ParseBool: parsing "{text}": invalid syntax')


add("bytes(string) -> bytes", lambda text: text.encode())
add("string(bool) -> string", lambda value: "true" if value else "false")
add("string(int) -> string", str)
add("string(uint) -> string", lambda value: str(int(value)))


@declare("string(bytes) -> string")
def _text_of_bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise EvaluationError("invalid UTF-8 in bytes, cannot convert to string") from None


@declare("string(double) -> string")
def text_of_double(value: float) -> str:
    """As Go's strconv.FormatFloat(value, 'g', -1, 64)."""
    if math.isinf(value) or math.isnan(value):
        return "NaN" if math.isnan(value) else f"{'+' if value > 0 else '-'}Inf"
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return re.sub(r"e([+-])(\d)$", r"e\g<1>0\2", repr(value))


@declare("string(duration) -> string")
def text_of_duration(value: Duration) -> str:
    """Seconds, as the JSON form of durations has them."""
    whole, part = divmod(abs(value.nanos), SECOND)
    decimals = f".{part:09d}".rstrip("0").rstrip(".")
    return f"{'-' if value.nanos < 0 else ''}{whole}{decimals}s"


@declare("string(timestamp) -> string")
def text_of_timestamp(value: Timestamp) -> str:
    part = f".{value.nanos % SECOND:09d}".rstrip("0").rstrip(".")
    return f"{value.datetime():%Y-%m-%dT%H:%M:%S}{part}Z"


@declare("duration(string) -> duration")
def duration(text: str) -> Duration:
    if not _DURATION.fullmatch(text):
        raise EvaluationError(f'time: invalid duration "{text}"')
    nanos = sum(int(Fraction(number) * _UNITS[unit]) for number, unit in _DURATION_PART.findall(text))
    return as_duration(-nanos if text.startswith("-") else nanos)


@declare("timestamp(string) -> timestamp")
def timestamp(text: str) -> Timestamp:
    match = _TIMESTAMP.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
        moment = datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC)
    except ValueError:
        raise EvaluationError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse') from None
    nanos = int(moment.timestamp()) * SECOND + int((match[7] or "0").ljust(9, "0"))
    if match[8]:
        offset = (int(match[9]) * 60 + int(match[10])) * 60 * SECOND
        nanos -= offset if match[8] == "+" else -offset
    return Timestamp(nanos)


add("timestamp(int) -> timestamp", lambda seconds: Timestamp(seconds * SECOND))
_FIELDS: dict[str, Callable[[datetime.datetime], int]] = {
    "getFullYear": lambda moment: moment.year,
    "getMonth": lambda moment: moment.month - 1,
    "getDayOfYear": lambda moment: moment.timetuple().tm_yday - 1,
    "getDayOfMonth": lambda moment: moment.day - 1,
    "getDate": lambda moment: moment.day,
    "getDayOfWeek": lambda moment: (moment.weekday() + 1) % 7,
    "getHours": lambda moment: moment.hour,
    "getMinutes": lambda moment: moment.minute,
    "getSeconds": lambda moment: moment.second,
    "getMilliseconds": lambda moment: moment.microsecond // 1000,
}


def _zone(name: str) -> datetime.tzinfo:
    offset = _OFFSET.fullmatch(name)
    if offset:
        minutes = int(offset[2]) * 60 + int(offset[3])
        return datetime.timezone(datetime.timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise EvaluationError(f"unknown time zone {name}") from None


def _declare_fields() -> None:
    for name, field in _FIELDS.items():
        add(f"timestamp {name}() -> int", lambda moment, field=field: field(moment.datetime()))
        add(
            f"timestamp {name}(string) -> int",
            lambda moment, zone, field=field: field(moment.datetime(_zone(zone))),
        )
    for name, unit in (("getHours", "h"), ("getMinutes", "m"), ("getSeconds", "s"), ("getMilliseconds", "ms")):
        size = _UNITS[unit]
        add(f"duration {name}() -> int", lambda value, size=size: _divide(value.nanos, size))


_declare_fields()
