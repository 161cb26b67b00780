"""What is wrong with a JSON text, in the words of Go's encoding/json scanner."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_HEX = "0123456789abcdefABCDEF"


class _Bad(Exception):
    """At `at`, with Go's context; `at` beyond the text means that it ends too early."""

    def __init__(self, at: int, context: str) -> None:
        super().__init__(context)
        self.at = at
        self.context = context


def go_json_fault(text: str, start: int) -> str:
    """The error for the invalid value that begins at `start`: `unexpected EOF`, or
    `json: offset N: invalid character 'x' after object key`. Offsets count bytes, from 1, after the bad one."""
    try:
        _value(text, start)
    except _Bad as bad:
        if bad.at >= len(text):
            return "unexpected EOF"
        offset = len(text[: bad.at + 1].encode())
        return f"json: offset {offset}: invalid character {_quote(text[bad.at])} {bad.context}"
    return "unexpected EOF"


def _quote(char: str) -> str:
    """Source: encoding/json quoteChar."""
    if char == "'":
        return "'\\''"
    if char == '"':
        return "'\"'"
    escapes = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
    if char in escapes:
        return f"'{escapes[char]}'"
    return f"'{char}'" if char.isprintable() else f"'\\x{ord(char):02x}'"


def _space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _value(text: str, at: int) -> int:
    at = _space(text, at)
    char = text[at : at + 1]
    if char == "{":
        return _object(text, at + 1)
    if char == "[":
        return _array(text, at + 1)
    if char == '"':
        return _string(text, at + 1)
    for word in ("true", "false", "null"):
        if char == word[0]:
            return _literal(text, at, word)
    if char and char in "-0123456789":
        return _number(text, at)
    raise _Bad(at, "looking for beginning of value")


def _object(text: str, at: int) -> int:
    at = _space(text, at)
    if text[at : at + 1] == "}":
        return at + 1
    while True:
        if text[at : at + 1] != '"':
            raise _Bad(at, "looking for beginning of object key string")
        at = _space(text, _string(text, at + 1))
        if text[at : at + 1] != ":":
            raise _Bad(at, "after object key")
        at = _space(text, _value(text, at + 1))
        if text[at : at + 1] == "}":
            return at + 1
        if text[at : at + 1] != ",":
            raise _Bad(at, "after object key:value pair")
        at = _space(text, at + 1)


def _array(text: str, at: int) -> int:
    at = _space(text, at)
    if text[at : at + 1] == "]":
        return at + 1
    while True:
        at = _space(text, _value(text, at))
        if text[at : at + 1] == "]":
            return at + 1
        if text[at : at + 1] != ",":
            raise _Bad(at, "after array element")
        at += 1


def _string(text: str, at: int) -> int:
    while True:
        char = text[at : at + 1]
        if char == '"':
            return at + 1
        if char == "\\":
            at = _escape(text, at + 1)
        elif not char or char < " ":
            raise _Bad(at, "in string literal")
        else:
            at += 1


def _escape(text: str, at: int) -> int:
    char = text[at : at + 1]
    if char == "u":
        for digit in range(at + 1, at + 5):
            if text[digit : digit + 1] not in _HEX or digit >= len(text):
                raise _Bad(digit, "in \\u hexadecimal character escape")
        return at + 5
    if not char or char not in '"\\/bfnrt':
        raise _Bad(at, "in string escape code")
    return at + 1


def _literal(text: str, at: int, word: str) -> int:
    for step, expected in enumerate(word):
        if text[at + step : at + step + 1] != expected:
            raise _Bad(at + step, f"in literal {word} (expecting {_quote(expected)})")
    return at + len(word)


def _number(text: str, at: int) -> int:
    match = _NUMBER.match(text, at)
    if match is None:
        raise _Bad(at + 1, "in numeric literal")
    end = match.end()
    following = text[end : end + 1]
    if following == "." and "." not in match.group():
        raise _Bad(end + 1, "after decimal point in numeric literal")
    if following in ("e", "E") and "e" not in match.group().lower():
        raise _Bad(end + 1 + (text[end + 1 : end + 2] in ("+", "-")), "in exponent of numeric literal")
    return end
