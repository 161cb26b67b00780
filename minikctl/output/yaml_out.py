"""`-o yaml`: byte for byte what sigs.k8s.io/yaml (go-yaml v2) writes.

Source of the rules: go-yaml v2 encode.go (stringv, keyList) and emitterc.go (analyze_scalar, select_scalar_style).
Block style only, keys sorted, lists not indented below their key, long lines folded at spaces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cmp_to_key, lru_cache
from typing import IO, Any

from minikctl.client.yaml_scalars import plain
from minikctl.output.numbers import go_float
from minikctl.output.printers import without_managed_fields

_MAX_SIMPLE_KEY = 128
"""A longer key (in bytes) is written with `? `."""

_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?\Z")
_TIME = r"\d\d?:\d\d?:\d\d?([.,]\d+)?"
_TIMESTAMP = re.compile(rf"\d{{4}}-\d\d?-\d\d?([Tt]{_TIME}(Z|[-+]\d\d:\d\d)| {_TIME})?\Z")
_BEST_WIDTH = 80
"""Beyond this column a space becomes a line break."""


class YamlPrinter:
    """Prints each object as a document; `---` between documents."""

    def __init__(self, show_managed_fields: bool = False) -> None:
        self._show_managed_fields = show_managed_fields
        self._printed = 0

    def print(self, obj: Mapping[str, Any], out: IO[str]) -> None:
        shown = obj if self._show_managed_fields else without_managed_fields(obj)
        self._printed += 1
        if self._printed > 1:
            out.write("---\n")
        out.write(dumps(shown))


def dumps(value: Any) -> str:
    """A JSON value as one YAML document, ending in a newline."""
    return "".join(_block(value, 0))


def _block(value: Any, indent: int) -> Iterator[str]:
    """`value` from the start of a line that is already indented."""
    if isinstance(value, Mapping) and value:
        pad = " " * indent
        for at, key in enumerate(sorted(value, key=_key_order)):
            if at:
                yield pad
            yield from _pair(key, value[key], indent)
    elif isinstance(value, list) and value:
        pad = " " * indent
        for at, item in enumerate(value):
            yield f"{pad}- " if at else "- "
            yield from _block(item, indent + 2)
    else:
        yield _scalar(value, indent - 2, indent) + "\n"


def _pair(key: str, value: Any, indent: int) -> Iterator[str]:
    text = _key(key)
    simple = len(text.encode()) <= _MAX_SIMPLE_KEY and "\n" not in text
    yield f"{text}:" if simple else f"? {text}\n{' ' * indent}:"
    if isinstance(value, Mapping) and value:
        yield "\n" + " " * (indent + 2)
        yield from _block(value, indent + 2)
    elif isinstance(value, list) and value:
        yield "\n" + " " * indent
        yield from _block(value, indent)
    else:
        yield f" {_scalar(value, indent, indent + len(text) + 2 if simple else indent + 2)}\n"


@lru_cache(maxsize=1024)
def _key(key: str) -> str:
    if "\n" in key or resolves(key):
        return _double_quoted(key)
    form = _analyze(key)
    if form.plain and key:
        return key
    return _single_quoted(key) if form.single else _double_quoted(key)


def _scalar(value: Any, indent: int, column: int) -> str:
    """`value` where a line has already `column` characters; continuation lines stand two right of `indent`."""
    if isinstance(value, str):
        return _string(value, " " * (indent + 2), column)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else go_float(value, limit=6)
    if isinstance(value, Mapping):
        return "{}"
    return "[]" if isinstance(value, list) else str(value)


def _string(text: str, pad: str, column: int) -> str:
    """A string in the style that go-yaml chooses for it."""
    form = _analyze(text)
    if "\n" in text:
        return _literal(text, pad) if form.block else _fold(text, _double_quoted, pad, column)
    if resolves(text):
        return _fold(text, _double_quoted, pad, column)
    if form.plain:
        return _fold(text, str, pad, column)
    return _fold(text, _single_quoted if form.single else _double_quoted, pad, column)


def _single_quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _fold(text: str, quote: Callable[[str], str], pad: str, column: int) -> str:
    """`text` in a flow style, with a line break for a lone space that stands beyond the best width."""
    if " " not in text or column + len(text) <= _BEST_WIDTH:
        return _indent_breaks(quote(text), pad)
    quoted = quote is not str
    lone, double = not quoted or quote is _single_quoted, quote is _double_quoted
    words, line, width = text.split(" "), "", column + quoted
    folded: list[str] = []
    previous_space = False
    for at, word in enumerate(words):
        shown = quote(word)[1:-1] if quoted else word
        if at:
            beyond = width > _BEST_WIDTH and not previous_space
            inside = not quoted or 0 < sum(len(w) + 1 for w in words[:at]) - 1 < len(text) - 1
            next_space = not word and at < len(words) - 1
            if beyond and inside and not (lone and next_space):
                folded.append(line)
                line = "\\" if double and next_space else ""
                width = len(pad) + len(line)
            else:
                line, width = line + " ", width + 1
            previous_space = True
        if word:
            line, width, previous_space = line + shown, width + len(shown), False
    folded.append(line)
    joined = ("\n" + pad).join(folded)
    mark = quote("")[:1]
    return _indent_breaks(f"{mark}{joined}{mark}", pad)


def resolves(text: str) -> bool:
    """Whether `text`, unquoted, would be read as something other than this string."""
    if not isinstance(plain(text), str):
        return True
    return text[0] in "+-0123456789" and bool(_BASE_60.match(text) or _is_timestamp(text))


def _is_timestamp(text: str) -> bool:
    """A date, or a time in one of the forms that go-yaml v2 tries, of a day and an hour that exist."""
    if not _TIMESTAMP.match(text):
        return False
    from datetime import datetime

    numbers = [int(part) for part in re.findall(r"\d+", text)[:6]]
    try:
        datetime(*numbers)  # type: ignore[arg-type]
    except ValueError:
        return False
    return True


class _Form:
    """Which styles can hold a text."""

    __slots__ = ("block", "plain", "single")

    def __init__(self, plain: bool, single: bool, block: bool) -> None:
        self.plain, self.single, self.block = plain, single, block


_SPECIAL = re.compile("[^\n -~\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd\x85\u2028\u2029]")
_BREAK = "\n\r\x85\u2028\u2029"
_SAFE = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./-]*\Z")


def _analyze(text: str) -> _Form:
    if _SAFE.match(text):
        return _Form(True, True, True)
    if not text:
        return _Form(True, True, False)
    special = bool(_SPECIAL.search(text))
    breaks = [char in _BREAK for char in text]
    has_break = any(breaks)
    leading, trailing = text[0] == " " or breaks[0], text[-1] == " " or breaks[-1]
    break_space = any(breaks[at] and text[at + 1] == " " for at in range(len(text) - 1))
    space_break = any(text[at] == " " and breaks[at + 1] for at in range(len(text) - 1))
    plain = not (leading or trailing or break_space or space_break or special or has_break or _indicators(text))
    return _Form(
        plain, not (break_space or space_break or special), not (text[-1] == " " or space_break or special)
    )


def _indicators(text: str) -> bool:
    """Characters by which a block-style plain scalar would end or be taken for something else."""
    if text.startswith(("---", "...")):
        return True
    first, second = text[0], text[1:2]
    if first in "#,[]{}&*!|>'\"%@`" or (first in "?:-" and (not second or second in " \t")):
        return True
    return ": " in text or ":\t" in text or text.endswith(":") or " #" in text or "\t#" in text


def _literal(text: str, pad: str) -> str:
    hint = "2" if text[0] in " " + _BREAK else ""
    if text[-1] not in _BREAK:
        hint += "-"
    elif len(text) == 1 or text[-2] in _BREAK:
        hint += "+"
    return (
        f"|{hint}\n" + ("" if text[0] in _BREAK else pad) + _AFTER_BREAKS.sub(rf"\1{pad}", text).removesuffix("\n")
    )


_AFTER_BREAKS = re.compile(f"([{_BREAK}]+)(?=[^{_BREAK}])")


def _indent_breaks(text: str, pad: str) -> str:
    """Unicode's own line separators stay as they are in a quoted text; what follows them is indented."""
    if "\u2028" in text or "\u2029" in text:
        return re.sub("([\u2028\u2029]+)(?=[^\u2028\u2029'])", rf"\1{pad}", text)
    return text


_ESCAPES = {
    "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r",
    "\x1b": "\\e", '"': '\\"', "\\": "\\\\", "\x85": "\\N", "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip


_BOM = "\ufeff"


def _double_quoted(text: str) -> str:
    if text[:1] == _BOM:  # go-yaml then takes every character for one
        return '"' + "".join([_ESCAPES.get(char) or _escaped(char, True) for char in text]) + '"'
    return '"' + "".join([_ESCAPES.get(char) or _escaped(char) for char in text]) + '"'


def _escaped(char: str, always: bool = False) -> str:
    if not always and not _SPECIAL.match(char):
        return char
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _compare_keys(one: str, other: str) -> int:
    """go-yaml's order (keyList.Less): letters after other characters, runs of digits by their value."""
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a == b:
            continue
        if a.isalpha() or b.isalpha():
            if a.isalpha() and b.isalpha():
                return -1 if a < b else 1
            return -1 if b.isalpha() else 1
        # A 0 inside a number must count as a digit of it.
        inside = "0" in (a, b) and one[:at].rstrip("0") != one[:at].rstrip("0123456789")
        ranks = (_digits(one, at, inside), a), (_digits(other, at, inside), b)
        return -1 if ranks[0] < ranks[1] else 1
    return len(one) - len(other)


def _digits(key: str, at: int, inside: bool) -> tuple[int, int]:
    """(the number, how many digits it has) that stands at `at`."""
    end = at
    while end < len(key) and key[end].isdigit():
        end += 1
    return int(("1" if inside else "0") + key[at:end]), end


_key_order = cmp_to_key(_compare_keys)
