"""Kubernetes' JSONPath: templates such as `{range .items[*]}{.metadata.name}{"\\n"}{end}`.

Source: k8s.io/client-go/util/jsonpath (parser.go, jsonpath.go), with its error texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Values = list[Any]


class JsonPathError(ValueError):
    """The template does not parse, or does not fit the object."""


class Step(NamedTuple):
    """One step of a path: values in, values out. `lenient` says that a missing key is no error."""

    run: Callable[[Values, bool], Values]


class Text(NamedTuple):
    """What stands between actions."""

    text: str


class Action(NamedTuple):
    """`{.a.b}`."""

    steps: list[Step]


class Range(NamedTuple):
    """`{range .a[*]}...{end}`."""

    steps: list[Step]
    body: list[Any]


class JsonPath:
    """A parsed template. JsonPathError if `template` does not parse."""

    def __init__(self, template: str) -> None:
        self._nodes = _Parser(template).template()

    def results(self, data: Any, *, lenient: bool = True) -> list[Values]:
        """The values of each action (a text's is itself), ranges unrolled."""
        return list(_evaluate(self._nodes, data, lenient))


def relaxed(expression: str) -> str:
    """`name`, `.name`, `{name}` and `{.name}` as `{.name}`: what --sort-by and custom-columns accept."""
    if not expression:
        return expression
    match = re.fullmatch(r"\{\.?([^{}]+)\}|\.?([^{}]+)", expression)
    if match is None:
        raise JsonPathError(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or"
            " '{.name1.name2}'"
        )
    return "{." + (match.group(1) or match.group(2)) + "}"


def _evaluate(nodes: list[Any], data: Any, lenient: bool) -> Any:
    for node in nodes:
        if isinstance(node, Text):
            yield [node.text]
        elif isinstance(node, Action):
            yield _walk(node.steps, [data], lenient)
        else:
            for value in _walk(node.steps, [data], lenient):
                yield from _evaluate(node.body, value, lenient)


def _walk(steps: list[Step], values: Values, lenient: bool) -> Values:
    for step in steps:
        values = step.run(values, lenient)
    return values


_ENDS = frozenset(" \t\r\n.,[]$@{}")
_SLICE = re.compile(r"(-?\d*)(:-?\d*)?(:-?\d*)?\Z")
_FILTER = re.compile(r"([^!<>=]+)([!<>=]+)(.+?)\Z", re.DOTALL)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def template(self) -> list[Any]:
        """Texts, actions and ranges. A range without an end goes on to the end of the template, as in Go."""
        root: list[Any] = []
        stack: list[list[Any]] = [root]
        while self._at < len(self._text):
            start = self._text.find("{", self._at)
            if start < 0:
                start = len(self._text)
            if start > self._at:
                stack[-1].append(Text(self._text[self._at : start]))
            if start == len(self._text):
                break
            self._at = start + 1
            keyword, steps = self.action()
            if keyword == "range":
                made = Range(steps, [])
                stack[-1].append(made)
                stack.append(made.body)
            elif keyword == "end" and len(stack) > 1:
                stack.pop()
            elif keyword:
                known = keyword == "end"
                text = "not in range, nothing to end" if known else f"unrecognized identifier {keyword}"
                stack[-1].append(Action([_refusal(text)]))
            else:
                stack[-1].append(Action(steps))
        return root

    def action(self, closing: bool = True) -> tuple[str, list[Step]]:
        """(`range`, `end` or "", steps) up to `}` or, without `closing`, to the end of the text."""
        keyword = ""
        steps: list[Step] = []
        while True:
            rest = self._text[self._at :]
            if not rest or rest[0] in "\r\n":
                if closing or rest:
                    raise JsonPathError("unclosed action")
                return keyword, steps
            char = rest[0]
            if char == "}" and closing:
                self._at += 1
                return keyword, steps
            if rest.startswith("[?("):
                steps.append(self._filter())
            elif rest.startswith(".."):
                self._at += 2
                steps.append(Step(_recurse))
                if self._at < len(self._text) and _is_word(self._text[self._at]):
                    steps.append(self._field())
            elif char in " @$":
                self._at += 1
            elif char == "[":
                steps += self._array()
            elif char in "\"'":
                steps.append(self._quote())
            elif char == ".":
                self._at += 1
                steps.append(self._field())
            elif char in "+-" or char.isdigit():
                steps.append(self._number())
            elif _is_word(char):
                word = self._identifier()
                if word in ("true", "false"):
                    steps.append(_constant(word == "true"))
                else:
                    keyword = word
            else:
                raise JsonPathError(f"unrecognized character in action: U+{ord(char):04X} '{char}'")

    def _field(self) -> Step:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in _ENDS:
            self._at += 2 if self._text[self._at] == "\\" else 1
        name = self._text[start : self._at]
        return Step(_wildcard) if name == "*" else _field_step(name.replace("\\", ""))

    def _identifier(self) -> str:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in _ENDS:
            self._at += 1
        return self._text[start : self._at]

    def _number(self) -> Step:
        match = re.compile(r"[-+]?[^\s.,\[\]$@{}]*(\.\d+)?").match(self._text, self._at)
        assert match is not None
        self._at = match.end()
        text = match.group()
        try:
            return _constant(int(text))
        except ValueError:
            pass
        try:
            return _constant(float(text))
        except ValueError:
            raise JsonPathError(f"cannot parse number {text}") from None

    def _quote(self) -> Step:
        mark = self._text[self._at]
        end = self._at + 1
        while end < len(self._text) and self._text[end] != mark:
            if self._text[end] == "\n":
                break
            end += 2 if self._text[end] == "\\" else 1
        if end >= len(self._text) or self._text[end] != mark:
            raise JsonPathError("unterminated quoted string")
        text = self._text[self._at + 1 : end]
        self._at = end + 1
        return _constant(unquote(text))

    def _array(self) -> list[Step]:
        end = self._at
        while end < len(self._text) and self._text[end] not in "]\n":
            end += 1
        if end >= len(self._text) or self._text[end] == "\n":
            raise JsonPathError("unterminated array")
        text = self._text[self._at + 1 : end]
        self._at = end + 1
        if text == "*":
            text = ":"
        parts = text.split(",")
        if len(parts) > 1:
            return [_union([_Parser(f"[{part.strip(' ')}]").action(closing=False)[1] for part in parts])]
        if len(text) > 1 and text[0] == text[-1] == "'" and "'" not in text[1:-1]:
            return _Parser(f".{text[1:-1]}").action(closing=False)[1]
        match = _SLICE.match(text)
        if match is None:
            raise JsonPathError(f"invalid array index {text}")
        return [_slice_step(match)]

    def _filter(self) -> Step:
        start = self._at + len("[?(")
        at, mark, closed = start, "", True
        while True:
            char = self._text[at : at + 1]
            if not char or char == "\n":
                raise JsonPathError("unterminated filter")
            if char in "\"'":
                if not mark:
                    mark, closed = char, False
                elif char == mark and self._text[at - 1] != "\\":
                    closed = True
            elif char == ")" and closed:
                break
            at += 1
        if self._text[at + 1 : at + 2] != "]":
            raise JsonPathError("unclosed array expect ]")
        self._at = at + 2
        return _filter_step(self._text[start:at])


def _is_word(char: str) -> bool:
    return char == "_" or char.isalnum() or char == "*"


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\"}


def unquote(text: str) -> str:
    """The inside of a quoted string, Go's escapes replaced."""

    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        if code[0] in "uUx":
            return chr(int(code[1:], 16))
        return _ESCAPES.get(code, code)

    return re.sub(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|.)", replace, text, flags=re.DOTALL)


def _refusal(text: str) -> Step:
    def run(values: Values, lenient: bool) -> Values:
        raise JsonPathError(text)

    return Step(run)


def _constant(value: Any) -> Step:
    return Step(lambda values, lenient: [value] * len(values))


def _field_step(name: str) -> Step:
    def run(values: Values, lenient: bool) -> Values:
        if not name:
            return values
        found = [value[name] for value in values if isinstance(value, Mapping) and name in value]
        if not found and not lenient:
            raise JsonPathError(f"{name} is not found")
        return found

    return Step(run)


def _wildcard(values: Values, lenient: bool) -> Values:
    found: Values = []
    for value in values:
        if isinstance(value, Mapping):
            found += [value[key] for key in sorted(value)]
        elif isinstance(value, list):
            found += value
    return found


def _recurse(values: Values, lenient: bool) -> Values:
    found: Values = []
    for value in values:
        inner = _wildcard([value], lenient)
        if inner:
            found.append(value)
            found += _recurse(inner, lenient)
    return found


def _union(parts: list[list[Step]]) -> Step:
    def run(values: Values, lenient: bool) -> Values:
        return [found for steps in parts for found in _walk(steps, values, lenient)]

    return Step(run)


def _slice_step(match: re.Match[str]) -> Step:
    first, *more = (None if part is None else part.removeprefix(":") for part in match.groups())
    start = int(first) if first else 0
    derived = more[0] is None
    stop = start + 1 if derived else int(more[0]) if more[0] else None
    step = int(more[1]) if more[1] else None

    def run(values: Values, lenient: bool) -> Values:
        found: Values = []
        for value in values:
            if value is None:
                continue
            if not isinstance(value, list):
                raise JsonPathError(f"{_go_type(value)} is not array or slice")
            low, high = _bounds(start, stop, derived, len(value))
            if low != high:
                if step is not None and step <= 0:
                    raise JsonPathError("step must be > 0")
                found += value[low:high:step]
        return found

    return Step(run)


def _bounds(start: int, stop: int | None, derived: bool, length: int) -> tuple[int, int]:
    low = start + length if start < 0 else start
    high = length if stop is None else stop
    if high < 0 or (high == 0 and derived):
        high += length
    if low == high:
        return low, high
    if not 0 <= low < length:
        raise JsonPathError(f"array index out of bounds: index {low}, length {length}")
    if not 0 <= high <= length:
        raise JsonPathError(f"array index out of bounds: index {high - 1}, length {length}")
    if low > high:
        raise JsonPathError(f"starting index {low} is greater than ending index {high}")
    return low, high


def _go_type(value: Any) -> str:
    if isinstance(value, Mapping):
        return "map[string]interface {}"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64"
    return "float64" if isinstance(value, float) else "string"


def _filter_step(text: str) -> Step:
    match = _FILTER.match(text)
    if match is None:
        exists = _Parser(text).action(closing=False)[1]
        return Step(lambda values, lenient: [v for v in _elements(values) if _walk(exists, [v], True)])
    left = _Parser(match.group(1)).action(closing=False)[1]
    operator = match.group(2)
    right = _Parser(match.group(3)).action(closing=False)[1]

    def run(values: Values, lenient: bool) -> Values:
        found: Values = []
        for value in _elements(values):
            lefts = _walk(left, [value], True)
            if not lefts:
                continue
            rights = _walk(right, [value], True)
            if len(lefts) > 1 or len(rights) > 1:
                raise JsonPathError("can only compare one element at a time")
            if rights and _compare(lefts[0], operator, rights[0]):
                found.append(value)
        return found

    return Step(run)


def _elements(values: Values) -> Values:
    from minikctl.output.numbers import go_value

    found: Values = []
    for value in values:
        if not isinstance(value, list):
            raise JsonPathError(f"{go_value(value)} is not array or slice and cannot be filtered")
        found += value
    return found


def _compare(left: Any, operator: str, right: Any) -> bool:
    if operator not in ("==", "!=", "<", "<=", ">", ">="):
        raise JsonPathError(f"unrecognized filter operator {operator}")
    if _go_type(left) != _go_type(right):
        raise JsonPathError("incompatible types for comparison")
    if operator == "==":
        return bool(left == right)
    if operator == "!=":
        return bool(left != right)
    if isinstance(left, bool | Mapping | list):
        raise JsonPathError("invalid type for comparison")
    if operator[0] == "<":
        return bool(left < right or (len(operator) == 2 and left == right))
    return bool(left > right or (len(operator) == 2 and left == right))
