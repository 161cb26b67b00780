"""`-o kyaml`: YAML in flow style, safe from YAML's guesses. Source: KEP-5295 and sigs.k8s.io/yaml/kyaml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

from minikctl.client.yaml_scalars import plain
from minikctl.output.json_out import go_number
from minikctl.output.printers import without_managed_fields

_PLAIN_KEY = re.compile(r"[^\W]([\w./-]*\w)?\Z")
_AMBIGUOUS = frozenset({"t", "f", "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "~"})


class KyamlPrinter:
    """Prints each object as a document that begins with `---`."""

    def __init__(self, show_managed_fields: bool = False, *, sort_keys: bool = True) -> None:
        self._show_managed_fields = show_managed_fields
        self._sort_keys = sort_keys

    def print(self, obj: Mapping[str, Any], out: IO[str]) -> None:
        shown = obj if self._show_managed_fields else without_managed_fields(obj)
        out.write("---\n" + "".join(_value(shown, "", self._sort_keys)) + "\n")


def _value(value: Any, pad: str, sort_keys: bool) -> Iterator[str]:
    """`value`, whose following lines are indented by `pad` at least."""
    if isinstance(value, Mapping) and value:
        yield from _map(value, pad, sort_keys)
    elif isinstance(value, list) and value:
        yield from _list(value, pad, sort_keys)
    elif isinstance(value, str):
        yield _string(value, pad + "  ")
    elif isinstance(value, Mapping):
        yield "{}"
    elif isinstance(value, list):
        yield "[]"
    elif value is None:
        yield "null"
    elif isinstance(value, bool):
        yield "true" if value else "false"
    else:
        yield go_number(value) if isinstance(value, float) else str(value)


def _map(value: Mapping[str, Any], pad: str, sort_keys: bool) -> Iterator[str]:
    yield "{\n"
    for key in sorted(value) if sort_keys else value:
        yield f"{pad}  {_key(key)}: "
        yield from _value(value[key], pad + "  ", sort_keys)
        yield ",\n"
    yield pad + "}"


def _list(value: list[Any], pad: str, sort_keys: bool) -> Iterator[str]:
    if all(isinstance(item, Mapping) and item for item in value) or all(
        isinstance(item, list) and item for item in value
    ):
        yield "["
        for at, item in enumerate(value):
            yield ", " if at else ""
            yield from _value(item, pad, sort_keys)
        yield "]"
        return
    yield "[\n"
    for item in value:
        yield f"{pad}  "
        yield from _value(item, pad + "  ", sort_keys)
        yield ",\n"
    yield pad + "]"


def _key(key: str) -> str:
    if _PLAIN_KEY.match(key) and key.lower() not in _AMBIGUOUS and isinstance(plain(key), str):
        return key
    return _quoted(key)


def _string(text: str, pad: str) -> str:
    """A text of several lines is folded by escaped line breaks, so that it stays readable."""
    if "\n" not in text:
        return _quoted(text)
    lines = text.split("\n")
    last = lines.pop()
    folded = [_line(line, pad) + "\\n\\\n" for line in lines]
    if last:
        folded.append(_line(last, pad) + "\\\n")
    return '"\\\n' + "".join(folded) + pad + '"'


def _line(line: str, pad: str) -> str:
    return f"{pad}{chr(92) if line[:1] in (' ', chr(9)) else ' '}{_quoted(line)[1:-1]}"


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r"}


def _quoted(text: str) -> str:
    return '"' + "".join([_ESCAPES.get(char) or _escaped(char) for char in text]) + '"'


def _escaped(char: str) -> str:
    if (char >= " " and char != "\x7f") or char == "\t":
        return char
    return f"\\x{ord(char):02x}"
