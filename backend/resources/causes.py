"""Constructors of validation causes, with the texts of k8s.io/apimachinery/pkg/util/validation/field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from backend.meta.errors import Cause

_ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


def quote(text: str) -> str:
    """A Go string literal, as fmt's %q prints it."""
    return '"' + "".join(map(_quoted_char, text)) + '"'


def _quoted_char(char: str) -> str:
    code = ord(char)
    if code in _ESCAPES:
        return _ESCAPES[code]
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    if char == " " or char.isprintable():
        return char
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return quote(value)
    return orjson.dumps(value).decode()


def _detailed(text: str, detail: str) -> str:
    return f"{text}: {detail}" if detail else text


def required(path: str, detail: str = "") -> Cause:
    return Cause("FieldValueRequired", path, _detailed("Required value", detail))


def invalid(path: str, value: Any, detail: str) -> Cause:
    return Cause("FieldValueInvalid", path, _detailed(f"Invalid value: {_shown(value)}", detail))


def each_invalid(path: str, value: Any, details: Iterable[str]) -> list[Cause]:
    """One cause for each text that a name check of backend.meta.names gave."""
    return [invalid(path, value, detail) for detail in details]


def duplicate(path: str, value: Any, detail: str = "") -> Cause:
    return Cause("FieldValueDuplicate", path, _detailed(f"Duplicate value: {_shown(value)}", detail))


def not_found(path: str, value: Any) -> Cause:
    return Cause("FieldValueNotFound", path, f"Not found: {_shown(value)}")


def not_supported(path: str, value: Any, supported: Sequence[str]) -> Cause:
    """`supported` in the order to print; kube-apiserver sorts most of its lists."""
    values = ", ".join(map(quote, supported))
    return Cause(
        "FieldValueNotSupported",
        path,
        _detailed(f"Unsupported value: {_shown(value)}", f"supported values: {values}"),
    )


def forbidden(path: str, detail: str) -> Cause:
    return Cause("FieldValueForbidden", path, _detailed("Forbidden", detail))


def too_long(path: str, limit: int) -> Cause:
    return Cause("FieldValueTooLong", path, f"Too long: may not be more than {limit} bytes")


def too_many(path: str, count: int, limit: int) -> Cause:
    items = "item" if limit == 1 else "items"
    return Cause("FieldValueTooMany", path, f"Too many: {count}: must have at most {limit} {items}")
