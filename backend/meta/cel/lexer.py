"""From the text of an expression to its tokens. Source: the lexis of github.com/google/cel-spec/doc/langdef.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from backend.meta.cel.errors import Issues
from backend.meta.cel.values import UInt

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f]+|//[^\n]*)
    |(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<uint>0x[0-9a-fA-F]+[uU]|\d+[uU])
    |(?P<int>0x[0-9a-fA-F]+|\d+)
    |(?P<string>(?:[rR]?[bB]|[bB]?[rR])?(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''))
    |(?P<raw>(?:[bB]?[rR]|[rR][bB])(?:"[^"\n]*"|'[^'\n]*'))
    |(?P<quoted>[bB]?(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
    |(?P<escaped>`[a-zA-Z0-9_.\-/ ]+`)
    |(?P<ident>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<op>==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL
)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_INT_LIMIT = 2**63


@dataclass(slots=True)
class Token:
    """`kind` is literal, ident, op or end; `value` is a literal's value, `text` what stands there."""

    kind: str
    text: str
    at: int
    value: Any = None


def tokens(source: str, issues: Issues) -> list[Token]:
    found: list[Token] = []
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            text = source[position]
            issues.add(position, f"Syntax error: token recognition error at: '{text}'")
            position += 1
            continue
        position = match.end()
        token = _token(match, issues)
        if token is not None:
            found.append(token)
    found.append(Token("end", "<EOF>", len(source)))
    return found


def _token(match: re.Match[str], issues: Issues) -> Token | None:
    kind, text, at = match.lastgroup, match.group(), match.start()
    if kind == "space":
        return None
    if kind == "ident":
        if text in ("true", "false", "null"):
            return Token("literal", text, at, {"true": True, "false": False, "null": None}[text])
        return Token("ident", text, at)
    if kind == "escaped":
        return Token("ident", text[1:-1], at)
    if kind == "op":
        return Token("op", text, at)
    if kind == "float":
        return Token("literal", text, at, float(text))
    if kind in ("int", "uint"):
        return Token("literal", text, at, _integer(text, kind == "uint", at, issues))
    return Token("literal", text, at, _string(text, at, issues))


def _integer(text: str, unsigned: bool, at: int, issues: Issues) -> int:
    value = int(text.rstrip("uU"), 16 if text.lower().startswith("0x") else 10)
    if unsigned:
        if value >= 2 * _INT_LIMIT:
            issues.add(at, "invalid uint literal")
        return UInt(value)
    if value > _INT_LIMIT:  # -9223372036854775808 is negated after this
        issues.add(at, "invalid int literal")
    return value


def _string(text: str, at: int, issues: Issues) -> str | bytes:
    start = re.match(r"[rRbB]*", text)
    assert start is not None
    prefix = start.group().lower()
    body = text[len(prefix) :]
    quotes = 3 if body[:3] in ('"""', "'''") else 1
    body = body[quotes:-quotes]
    if "b" in prefix:
        return body.encode() if "r" in prefix else _unescape_bytes(body, at, issues)
    return body if "r" in prefix else _unescape(body, at, issues)


def _unescape(body: str, at: int, issues: Issues) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code:
            return _rune(code, at, issues)
        if match[4]:
            return chr(int(match[4], 8))
        return _plain(match[5], at, issues)

    return _ESCAPE.sub(replace, body)


def _rune(digits: str, at: int, issues: Issues) -> str:
    code = int(digits, 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        issues.add(at, "invalid unicode code point")
        return ""
    return chr(code)


def _unescape_bytes(body: str, at: int, issues: Issues) -> bytes:
    parts: list[bytes] = []
    position = 0
    for match in _ESCAPE.finditer(body):
        parts.append(body[position : match.start()].encode())
        if match[1] or match[4]:
            parts.append(bytes([int(match[1], 16) if match[1] else int(match[4], 8)]))
        elif match[2] or match[3]:
            parts.append(_rune(match[2] or match[3], at, issues).encode())
        else:
            parts.append(_plain(match[5], at, issues).encode())
        position = match.end()
    return b"".join([*parts, body[position:].encode()])


def _plain(char: str, at: int, issues: Issues) -> str:
    if char in _SIMPLE:
        return _SIMPLE[char]
    if char not in "\\'\"`?":
        issues.add(at, f"Syntax error: token recognition error at: '\\{char}'")
    return char
