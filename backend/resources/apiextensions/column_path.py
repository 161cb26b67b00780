"""The JSONPath of additional printer columns.

Source: k8s.io/client-go/util/jsonpath, of which a column uses one expression without its braces: fields, indexes,
slices, wildcards, recursive descent and filters.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

Step = Callable[[Any], Iterator[Any]]

_FIELD = re.compile(r"(?:[^.\[\]\\?@'\"(){}|]|\\.)+")
_INDEX = re.compile(r"-?\d+")
_SLICE = re.compile(r"(-?\d*):(-?\d*)(?::(-?\d*))?")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_FILTER = re.compile(r"\?\((.*)\)$", re.DOTALL)
_COMPARISON = re.compile(r"(.+?)\s*(==|!=|<=|>=|<|>)\s*(.+)", re.DOTALL)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip


class PathError(ValueError):
    """What is wrong with a path."""


def parse(path: str) -> list[Step]:
    """The steps from an object to what the path names. Raises PathError."""
    steps: list[Step] = []
    rest = path.strip().removeprefix("$")
    while rest:
        step, rest = _next(rest, path)
        steps.append(step)
    return steps


def find(steps: list[Step], obj: Any) -> list[Any]:
    """All that the steps lead to; nothing where a step leads nowhere."""
    found = [obj]
    for step in steps:
        found = [result for value in found for result in step(value)]
    return found


def _next(rest: str, path: str) -> tuple[Step, str]:
    if rest.startswith(".."):
        return _descend, rest[1:] if len(rest) > 2 and rest[2] != "[" else rest[2:]
    if rest.startswith("["):
        end = _closing(rest, path)
        return _bracket(rest[1:end].strip(), path), rest[end + 1 :]
    rest = rest.removeprefix(".")
    if rest.startswith("["):
        return _next(rest, path)
    if rest.startswith("*"):
        return _all, rest[1:]
    match = _FIELD.match(rest)
    if match is None:
        raise PathError(
            f"unrecognized character in action: {_character(rest)}" if rest else f"unexpected path string: {path}"
        )
    return _field(re.sub(r"\\(.)", r"\1", match.group())), rest[match.end() :]


def _character(rest: str) -> str:
    return f"U+{ord(rest[0]):04X} '{rest[0]}'"


def _closing(rest: str, path: str) -> int:
    """Where the bracket at the start closes; brackets and quotes inside are skipped."""
    depth, quote = 0, ""
    for index, char in enumerate(rest):
        if quote:
            quote = "" if char == quote and rest[index - 1] != "\\" else quote
        elif char in "'\"":
            quote = char
        elif char == "[":
            depth += 1
        elif char == "]":
            depth -= 1
            if depth == 0:
                return index
    raise PathError("unterminated array" if not quote else f"unterminated quoted string in {path}")


def _bracket(text: str, path: str) -> Step:
    if text == "*":
        return _all
    if _INDEX.fullmatch(text):
        return _index(int(text))
    sliced = _SLICE.fullmatch(text)
    if sliced:
        start, end, stride = (int(part) if part else None for part in (sliced[1], sliced[2], sliced[3] or ""))
        return lambda value: iter(value[start:end:stride] if isinstance(value, list) else ())
    quoted = [match[1] if match[1] is not None else match[2] for match in _QUOTED.finditer(text)]
    if quoted and _QUOTED.match(text):
        return _fields([re.sub(r"\\(.)", r"\1", name) for name in quoted])
    filtered = _FILTER.fullmatch(text)
    if filtered:
        return _filter(filtered[1].strip(), path)
    raise PathError(f"invalid array index {text}")


def _field(name: str) -> Step:
    return _fields([name])


def _fields(names: list[str]) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict):
            yield from (value[name] for name in names if name in value)

    return step


def _index(position: int) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= position < len(value):
            yield value[position]

    return step


def _all(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()


def _descend(value: Any) -> Iterator[Any]:
    yield value
    for item in _all(value):
        yield from _descend(item)


def _filter(text: str, path: str) -> Step:
    compared = _COMPARISON.fullmatch(text)
    if compared is None:
        exists = _operand(text, path)
        return lambda value: (item for item in _items(value) if exists(item))
    left, right = _operand(compared[1], path), _operand(compared[3], path)
    test = _OPERATORS[compared[2]]

    def step(value: Any) -> Iterator[Any]:
        for item in _items(value):
            one, other = left(item), right(item)
            try:
                if one and other and test(one[0], other[0]):
                    yield item
            except TypeError:
                continue

    return step


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _operand(text: str, path: str) -> Callable[[Any], list[Any]]:
    """A path from the item at hand (`@`), or a literal."""
    text = text.strip()
    if text.startswith("@"):
        steps = parse(text[1:])
        return lambda item: find(steps, item)
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        literal: Any = quoted[1] if quoted[1] is not None else quoted[2]
    elif text in ("true", "false"):
        literal = text == "true"
    else:
        try:
            literal = float(text) if "." in text else int(text)
        except ValueError:
            raise PathError(f"unrecognized character in action: {_character(text or path)}") from None
    return lambda _item: [literal]
