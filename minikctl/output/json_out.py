"""`-o json`: as Go's encoding/json prints with four spaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from json.encoder import encode_basestring as _quote
from typing import IO, Any

from minikctl.output.numbers import positional, shortest_digits
from minikctl.output.printers import without_managed_fields

_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


class JsonPrinter:
    """Prints each object as one document; `sort_keys` as for what the server sent."""

    def __init__(self, show_managed_fields: bool = False, *, sort_keys: bool = True) -> None:
        self._show_managed_fields = show_managed_fields
        self._sort_keys = sort_keys

    def print(self, obj: Mapping[str, Any], out: IO[str]) -> None:
        shown = obj if self._show_managed_fields else without_managed_fields(obj)
        out.write(dumps(shown, sort_keys=self._sort_keys) + "\n")


def dumps(value: Any, indent: int | None = 4, *, sort_keys: bool = True) -> str:
    """Go's JSON: <, > and & escaped, floats as Go writes them; with `indent` None all on one line, without spaces."""
    parts: list[str] = []
    _write(value, "\n" if indent else "", " " * (indent or 0), sort_keys, parts.append)
    return "".join(parts)


def _write(value: Any, newline: str, step: str, sort_keys: bool, put: Callable[[str], None]) -> None:
    """`newline` is a line break and the present indentation, or nothing for the compact form."""
    if isinstance(value, str):
        put(_quote(value).translate(_HTML))
    elif value is None:
        put("null")
    elif isinstance(value, bool):
        put("true" if value else "false")
    elif isinstance(value, Mapping):
        _write_all(value, "{}", newline, step, sort_keys, put)
    elif isinstance(value, list):
        _write_all(value, "[]", newline, step, sort_keys, put)
    else:
        put(go_number(value) if isinstance(value, float) else str(value))


def _write_all(
    value: Any, brackets: str, newline: str, step: str, sort_keys: bool, put: Callable[[str], None]
) -> None:
    if not value:
        put(brackets)
        return
    inner = newline + step if newline else ""
    put(brackets[0])
    keyed = brackets == "{}"
    for at, item in enumerate(sorted(value) if keyed and sort_keys else value):
        put(("," if at else "") + inner)
        if keyed:
            put(_quote(item).translate(_HTML) + (": " if newline else ":"))
        _write(value[item] if keyed else item, inner, step, sort_keys, put)
    put(newline + brackets[1])


def go_number(value: float) -> str:
    """encoding/json's float64: positional from 1e-6 up to 1e21, else with an exponent of as few digits as it needs."""
    digits, exponent = shortest_digits(value)
    sign = "-" if str(value).startswith("-") else ""
    if value == 0 or -6 <= exponent < 21:
        return sign + positional(digits, exponent)
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{sign}{mantissa}e{exponent:+}"
