"""Label and field selectors.

Sources: k8s.io/apimachinery/pkg/labels (a lexer and a parser with one token of lookahead; the error texts depend
on its steps) and pkg/fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn

from backend.meta import names

_EXISTS = "exists"
_ABSENT = "!"
_SYMBOLS = frozenset("=!(),><")
_OPERATORS = frozenset({"=", "==", "!=", ">", "<", "in", "notin"})
_TOKENS = frozenset({")", ",", "!", "==", "=", ">", "<", "!=", "("})
_WORD = re.compile(r"[^ \t\r\n=!(),><\0]+").match
_INTEGER = re.compile(r"[+-]?[0-9]+").fullmatch
_IDENTIFIER = "identifier"
_END = "end"


def _bad(message: str) -> NoReturn:
    from backend.meta.errors import bad_request

    raise bad_request(message)


class Requirement:
    """One term of a label selector. `operator` is =, ==, !=, in, notin, >, <, exists or ! (does not exist)."""

    __slots__ = ("key", "operator", "values")

    def __init__(self, key: str, operator: str, values: tuple[str, ...] = ()) -> None:
        self.key = key
        self.operator = operator
        self.values = values

    def matches(self, labels: Mapping[str, str]) -> bool:
        operator = self.operator
        value = labels.get(self.key)
        if operator in ("=", "==", "in"):
            return value is not None and value in self.values
        if operator in ("!=", "notin"):
            return value is None or value not in self.values
        if operator == _EXISTS:
            return value is not None
        if operator == _ABSENT:
            return value is None
        number = _int64(value) if value is not None else None
        if number is None:
            return False
        bound = int(self.values[0])
        return number > bound if operator == ">" else number < bound

    def __str__(self) -> str:
        if self.operator == _EXISTS:
            return self.key
        if self.operator == _ABSENT:
            return f"!{self.key}"
        if self.operator in ("in", "notin"):
            return f"{self.key} {self.operator} ({','.join(self.values)})"
        return f"{self.key}{self.operator}{self.values[0]}"


class Selector:
    """A label selector: all requirements must hold. The empty one matches everything."""

    __slots__ = ("requirements",)

    def __init__(self, requirements: tuple[Requirement, ...] = ()) -> None:
        self.requirements = requirements

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        present = labels or {}
        return all(requirement.matches(present) for requirement in self.requirements)

    def __bool__(self) -> bool:
        return bool(self.requirements)

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


def parse_label_selector(text: str) -> Selector:
    """Raises ApiError 400 with the text of labels.Parse."""
    return Selector(tuple(sorted(_Parser(text).parse(), key=lambda requirement: requirement.key)))


def _int64(text: str) -> int | None:
    """strconv.ParseInt(text, 10, 64)."""
    if not _INTEGER(text) or len(text) > 4000:
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def _scan(text: str) -> list[tuple[str, str]]:
    """(token, literal) pairs; the token of a word is itself when it is an operator, else `identifier`."""
    items: list[tuple[str, str]] = []
    position, end = 0, len(text)
    while position < end:
        char = text[position]
        if char in " \t\r\n":
            position += 1
        elif char in _SYMBOLS:
            two = text[position : position + 2]
            symbol = two if two in _TOKENS else char
            items.append((symbol, symbol))
            position += len(symbol)
        else:
            match = _WORD(text, position)
            if match is None:
                break
            word = match.group()
            items.append((word if word in _OPERATORS else _IDENTIFIER, word))
            position = match.end()
    items.append((_END, ""))
    return items


class _Parser:
    def __init__(self, text: str) -> None:
        self._items = _scan(text)
        self._position = 0

    def _peek(self, *, operator: bool = False) -> tuple[str, str]:
        """The next token; `in` and `notin` are operators only where one is expected."""
        token, literal = self._items[self._position]
        if not operator and token in ("in", "notin"):
            token = _IDENTIFIER
        return token, literal

    def _next(self, *, operator: bool = False) -> tuple[str, str]:
        item = self._peek(operator=operator)
        self._position += 1
        return item

    def parse(self) -> list[Requirement]:
        requirements: list[Requirement] = []
        while True:
            token, literal = self._peek()
            if token == _END:
                return requirements
            if token not in (_IDENTIFIER, _ABSENT):
                _bad(f"found '{literal}', expected: !, identifier, or 'end of string'")
            requirements.append(self._requirement())
            token, literal = self._next()
            if token == _END:
                return requirements
            if token != ",":
                _bad(f"found '{literal}', expected: ',' or 'end of string'")
            token, literal = self._peek()
            if token not in (_IDENTIFIER, _ABSENT):
                _bad(f"found '{literal}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        token, key = self._next()
        absent = token == _ABSENT
        if absent:
            token, key = self._next()
        if token != _IDENTIFIER:
            _fail(f"found '{key}', expected: identifier")
        _check_key(key)
        if absent or self._peek()[0] in (_END, ","):
            return Requirement(key, _ABSENT if absent else _EXISTS)
        operator, literal = self._next(operator=True)
        if operator not in _OPERATORS:
            _fail(f"found '{literal}', expected: in, notin, =, ==, !=, gt, lt")
        values = self._values() if operator in ("in", "notin") else {self._value()}
        ordered = tuple(sorted(values))
        _check_values(key, operator, ordered)
        return Requirement(key, operator, ordered)

    def _value(self) -> str:
        if self._peek()[0] in (_END, ","):
            return ""
        token, literal = self._next()
        if token != _IDENTIFIER:
            _fail(f"found '{literal}', expected: identifier")
        return literal

    def _values(self) -> set[str]:
        """`(a,b)`; nothing between two commas or parentheses is the empty value."""
        token, literal = self._next()
        if token != "(":
            _fail(f"found '{literal}' expected: '('")
        token, literal = self._peek()
        if token not in (_IDENTIFIER, ",", ")"):
            _fail(f"found '{literal}', expected: ',', ')' or identifier")
        values: set[str] = set()
        while True:
            token, literal = self._next()
            if token == ")":
                return values or {""}
            if token == _IDENTIFIER:
                values.add(literal)
                token, literal = self._peek()
                if token not in (",", ")"):
                    _fail(f"found '{literal}', expected: ',' or ')'")
            elif token == ",":
                self._comma(values)
            else:
                _fail(f"found '{literal}', expected: ',', or identifier")

    def _comma(self, values: set[str]) -> None:
        if not values:
            values.add("")
        token = self._peek()[0]
        if token == ")":
            values.add("")
        elif token == ",":
            self._next()
            values.add("")


def _fail(message: str) -> NoReturn:
    _bad(f"unable to parse requirement: {message}")


def _check_key(key: str) -> None:
    errors = names.qualified_name(key)
    if errors:
        from backend.meta.causes import go_quote

        _fail(f"<nil>: Invalid value: {go_quote(key)}: {'; '.join(errors)}")


def _check_values(key: str, operator: str, values: tuple[str, ...]) -> None:
    faults: list[tuple[str, str, str]] = []
    if operator in ("<", ">") and _int64(values[0]) is None:
        faults.append(("values[0]", values[0], "for 'Gt', 'Lt' operators, the value must be an integer"))
    for index, value in enumerate(values):
        errors = names.label_value(value)
        if errors:
            faults.append((f"values[{index}][{key}]", value, "; ".join(errors)))
    if faults:
        from backend.meta.causes import go_quote

        texts = [f"{path}: Invalid value: {go_quote(value)}: {detail}" for path, value, detail in faults]
        _fail(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")


class FieldSelector:
    """A field selector: `requirements` are (field, "=" or "!=", value), all of which must hold."""

    __slots__ = ("requirements",)

    def __init__(self, requirements: list[tuple[str, str, str]] | None = None) -> None:
        self.requirements = requirements or []

    def matches(self, fields: Mapping[str, str]) -> bool:
        """A field that is absent has the empty value."""
        for field, operator, value in self.requirements:
            if (fields.get(field, "") == value) != (operator == "="):
                return False
        return True

    def __bool__(self) -> bool:
        return bool(self.requirements)

    def __str__(self) -> str:
        return ",".join(f"{field}{operator}{_escape(value)}" for field, operator, value in self.requirements)


_TERM = re.compile(r"(?:[^\\,]|\\.)*\\?", re.DOTALL)
_OPERATOR = re.compile("!=|==|=")


def parse_field_selector(text: str) -> FieldSelector:
    """Raises ApiError 400 with the text of fields.ParseSelector. Which fields exist is for the caller to say."""
    requirements: list[tuple[str, str, str]] = []
    for term in sorted(_split_terms(text)):
        if not term:
            continue
        match = _OPERATOR.search(term)
        if match is None:
            _bad(f"invalid selector: '{text}'; can't understand '{term}'")
        operator = "!=" if match.group() == "!=" else "="
        requirements.append((term[: match.start()], operator, _unescape(term[match.end() :])))
    return FieldSelector(requirements)


def _split_terms(text: str) -> list[str]:
    """Split at the commas that no backslash precedes."""
    terms: list[str] = []
    position = 0
    while True:
        match = _TERM.match(text, position)
        assert match is not None  # the pattern matches the empty string
        terms.append(match.group())
        if match.end() >= len(text):
            return terms
        position = match.end() + 1


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")


def _unescape(value: str) -> str:
    plain: list[str] = []
    chars = iter(value)
    for char in chars:
        if char == "\\":
            escaped = next(chars, "")
            if not escaped or escaped not in "\\,=":
                _bad(f"invalid field selector: invalid escape sequence: \\{escaped}")
            plain.append(escaped)
        elif char in ",=":
            # The rune is printed with %v, as its number.
            _bad(f"invalid field selector: unescaped character in value: {ord(char)}")
        else:
            plain.append(char)
    return "".join(plain)
