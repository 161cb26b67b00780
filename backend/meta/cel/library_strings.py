"""Strings and regular expressions. Sources: cel-go's ext/strings.go, and k8s.io/apiserver/pkg/cel/library/regex.go."""

from __future__ import annotations

from typing import Any

from backend.meta.causes import go_quote
from backend.meta.cel.errors import EvaluationError
from backend.meta.cel.functions import Library
from backend.meta.cel.library_standard import text_of_double, text_of_duration, text_of_timestamp
from backend.meta.cel.values import Duration, Timestamp, TypeValue
from backend.meta.regex import RegexError, compile_regex

LIBRARY = Library()
declare = LIBRARY.declare
add = LIBRARY.add

_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}

add("string lowerAscii() -> string", lambda text: text.translate(_LOWER))
add("string upperAscii() -> string", lambda text: text.translate(_UPPER))
add("string trim() -> string", lambda text: text.strip())
add("string reverse() -> string", lambda text: text[::-1])
add("strings.quote(string) -> string", go_quote)
add("string replace(string, string) -> string", lambda text, old, new: text.replace(old, new))
add("string replace(string, string, int) -> string", lambda text, old, new, times: text.replace(old, new, times))


def _within(index: int, text: str) -> None:
    if not 0 <= index <= len(text):
        raise EvaluationError(f"index out of range: {index}")


@declare("string charAt(int) -> string")
def _char_at(text: str, index: int) -> str:
    _within(index, text)
    return text[index : index + 1]


@declare("string indexOf(string) -> int", "string indexOf(string, int) -> int")
def _index_of(text: str, part: str, start: int = 0) -> int:
    _within(start, text)
    return text.find(part, start)


@declare("string lastIndexOf(string) -> int", "string lastIndexOf(string, int) -> int")
def _last_index_of(text: str, part: str, last: int | None = None) -> int:
    if last is None:
        return text.rfind(part)
    _within(last, text)
    return text.rfind(part, 0, last + len(part))


@declare("string substring(int) -> string", "string substring(int, int) -> string")
def _substring(text: str, start: int, end: int | None = None) -> str:
    end = len(text) if end is None else end
    _within(start, text)
    _within(end, text)
    if start > end:
        raise EvaluationError(f"invalid substring range. start: {start}, end: {end}")
    return text[start:end]


@declare("string split(string) -> list(string)", "string split(string, int) -> list(string)")
def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if not separator:
        parts = list(text)
        return parts if limit < 0 or len(parts) <= limit else [*parts[: limit - 1], "".join(parts[limit - 1 :])]
    return text.split(separator, limit - 1 if limit > 0 else -1)


@declare("list(string) join() -> string", "list(string) join(string) -> string")
def _join(items: list[Any], separator: str = "") -> str:
    if not all(isinstance(item, str) for item in items):
        raise EvaluationError("no such overload")
    return separator.join(items)


def _regex(pattern: str) -> Any:
    try:
        return compile_regex(pattern)
    except RegexError as error:
        raise EvaluationError(f"Illegal regex: {error}") from None


@declare("string find(string) -> string")
def _find(text: str, pattern: str) -> str:
    match = _regex(pattern).search(text)
    return match.group() if match else ""


@declare("string findAll(string) -> list(string)", "string findAll(string, int) -> list(string)")
def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [match.group() for match in _regex(pattern).finditer(text)]
    return found if limit < 0 else found[:limit]


@declare("string format(list(dyn)) -> string")
def _format(form: str, values: list[Any]) -> str:
    """Source: stringFormat of ext/formatting.go."""
    parts: list[str] = []
    position = used = 0
    while (start := form.find("%", position)) >= 0:
        parts.append(form[position:start])
        clause, position = _clause(form, start + 1)
        if clause == "%":
            parts.append("%")
            continue
        if used >= len(values):
            raise EvaluationError(f"index {used} out of range")
        parts.append(_formatted(clause, values[used]))
        used += 1
    return "".join([*parts, form[position:]])


def _clause(form: str, start: int) -> tuple[str, int]:
    """(what stands after a percent sign, where it ends)"""
    end = start
    if form[end : end + 1] == ".":
        end += 1
        while form[end : end + 1].isdigit():
            end += 1
    if end >= len(form):
        raise EvaluationError("unexpected end of string")
    return form[start : end + 1], end + 1


def _formatted(clause: str, value: Any) -> str:
    precision = int(clause[1:-1]) if clause.startswith(".") and len(clause) > 2 else 6
    kind = clause[-1]
    if kind == "s":
        return _text(value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "d" and isinstance(value, int) and number:
        return str(int(value))
    if kind in "fe" and number:
        return format(float(value), f".{precision}{kind}")
    if kind == "b" and isinstance(value, int):
        return format(int(value), "b")
    if kind == "o" and isinstance(value, int) and number:
        return format(int(value), "o")
    if kind in "xX":
        if isinstance(value, (str, bytes)):
            digits = (value.encode() if isinstance(value, str) else value).hex()
            return digits.upper() if kind == "X" else digits
        if isinstance(value, int) and number:
            return format(int(value), kind)
    raise EvaluationError(
        f'unrecognized formatting clause "{kind}"' if kind not in "dfbeoxX" else "no such overload"
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return text_of_double(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(key)}: {_text(value[key])}' for key in sorted(value, key=str))}}}"
    if isinstance(value, Duration):
        return text_of_duration(value)
    if isinstance(value, Timestamp):
        return text_of_timestamp(value)
    if isinstance(value, TypeValue):
        return value.name
    raise EvaluationError("no such overload")
