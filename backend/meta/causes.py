"""The causes of a 422, worded as k8s.io/apimachinery/pkg/util/validation/field words them.

A value is shown as Go shows it: a string with %q, anything composed as JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.meta.errors import Cause

_ESCAPES = {
    '"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
    "\v": "\\v",
}  # fmt: skip


def go_quote(text: str) -> str:
    """`text` as Go's %q (strconv.Quote) prints it."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_quote_char(char) for char in text) + '"'


def _quote_char(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class GoStruct(dict[str, Any]):
    """A value of a Go type without JSON names: its fields are shown as Go orders them, not sorted as a map's keys."""


def show(value: Any) -> str:
    """A field's value as an error text shows it."""
    if isinstance(value, str):
        return go_quote(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        import orjson

        option = orjson.OPT_PASSTHROUGH_SUBCLASS if isinstance(value, GoStruct) else orjson.OPT_SORT_KEYS
        return orjson.dumps(value, default=dict, option=option).decode()
    return str(value)


def required(field: str, detail: str = "") -> Cause:
    return Cause("FieldValueRequired", field, f"Required value: {detail}" if detail else "Required value")


def invalid_value(field: str, value: Any, detail: str) -> Cause:
    return Cause("FieldValueInvalid", field, f"Invalid value: {show(value)}: {detail}")


def invalid_as_whole(field: str, detail: str) -> Cause:
    """Without the value, where it is too large to be shown."""
    return Cause("FieldValueInvalid", field, f"Invalid value: {detail}")


def each_invalid(field: str, value: Any, details: Sequence[str]) -> list[Cause]:
    """One cause for each text that a check of backend.meta.names gave."""
    return [invalid_value(field, value, detail) for detail in details] if details else []


def nonnegative(field: str, value: int | None) -> list[Cause]:
    """A cause if the number is below 0; an absent one is not."""
    if value is None or value >= 0:
        return []
    return [invalid_value(field, value, "must be greater than or equal to 0")]


def immutable(field: str, value: Any) -> Cause:
    return invalid_value(field, value, "field is immutable")


def duplicate(field: str, value: Any, detail: str = "") -> Cause:
    text = f"Duplicate value: {show(value)}"
    return Cause("FieldValueDuplicate", field, f"{text}: {detail}" if detail else text)


def forbidden(field: str, detail: str) -> Cause:
    return Cause("FieldValueForbidden", field, f"Forbidden: {detail}")


def not_found(field: str, value: Any) -> Cause:
    return Cause("FieldValueNotFound", field, f"Not found: {show(value)}")


def not_supported(field: str, value: Any, supported: Sequence[str]) -> Cause:
    """`supported` is shown in the order given; Kubernetes sorts where it has a set."""
    names = ", ".join(go_quote(name) for name in supported)
    text = f"Unsupported value: {show(value)}"
    return Cause("FieldValueNotSupported", field, f"{text}: supported values: {names}" if names else text)


def too_long(field: str, limit: int) -> Cause:
    return Cause("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")


def too_many(field: str, actual: int, limit: int) -> Cause:
    unit = "item" if limit == 1 else "items"
    return Cause("FieldValueTooMany", field, f"Too many: {actual}: must have at most {limit} {unit}")
