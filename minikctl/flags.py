"""pflag's grammar and error texts: how kubectl reads its command line.

Source: github.com/spf13/pflag (parseArgs, parseLongArg, parseSingleShortArg) and cobra's Find/stripFlags.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from minikctl.command import Flag


class FlagError(Exception):
    """The command line breaks the grammar; the text is pflag's."""


class HelpWanted(Exception):
    """`--help` or `-h` stood on the command line."""


class Parsed:
    """What a command line says: positional arguments, values by long name, the names that were given."""

    def __init__(self, flags: Iterable[Flag]) -> None:
        self.args: list[str] = []
        self.values: dict[str, Any] = {flag.name: flag.default for flag in flags}
        self.changed: set[str] = set()
        self.dashdash = -1


def parse(argv: Sequence[str], flags: Sequence[Flag]) -> Parsed:
    """Read `argv` against `flags`; flags may stand anywhere before `--`.

    Raises FlagError, or HelpWanted for --help and -h unless `flags` declares them.
    """
    return _Parser(argv, flags).run()


def positional_words(argv: Sequence[str], flags: Sequence[Flag]) -> list[tuple[int, str]]:
    """(index, word) of what is not a flag or a flag's value; an unknown flag without `=` takes the next word."""
    long = {flag.name: flag for flag in flags}
    short = {flag.short: flag for flag in flags if flag.short}
    words: list[tuple[int, str]] = []
    index = 0
    while index < len(argv):
        word = argv[index]
        if word == "--":
            break
        if word.startswith("--") and "=" not in word:
            if not _stands_alone(long.get(word[2:])):
                index += 1
        elif word.startswith("-") and "=" not in word and len(word) == 2:
            if not _stands_alone(short.get(word[1:])):
                index += 1
        elif word and not word.startswith("-"):
            words.append((index, word))
        index += 1
    return words


def _stands_alone(flag: Flag | None) -> bool:
    return flag is not None and (flag.type == "bool" or flag.no_opt is not None)


class _Parser:
    def __init__(self, argv: Sequence[str], flags: Sequence[Flag]) -> None:
        self._rest = list(reversed(argv))
        self._long = {flag.name: flag for flag in flags}
        self._short = {flag.short: flag for flag in flags if flag.short}
        self._parsed = Parsed(flags)

    def run(self) -> Parsed:
        parsed = self._parsed
        while self._rest:
            word = self._rest.pop()
            if word == "--":
                parsed.dashdash = len(parsed.args)
                parsed.args.extend(reversed(self._rest))
                break
            if word.startswith("--"):
                self._read_long(word)
            elif word.startswith("-") and len(word) > 1:
                self._read_cluster(word[1:])
            else:
                parsed.args.append(word)
        return parsed

    def _read_long(self, word: str) -> None:
        name, equals, value = word[2:].partition("=")
        if not name or name[0] == "-":
            raise FlagError(f"bad flag syntax: {word}")
        flag = self._long.get(name)
        if flag is None:
            if name == "help":
                if equals and value in ("0", "f", "F", "FALSE", "false", "False"):
                    return
                raise HelpWanted
            raise FlagError(f"unknown flag: --{name}")
        if not equals:
            value = self._lone_value(flag, f"--{name}")
        self._set(flag, value)

    def _read_cluster(self, cluster: str) -> None:
        """`-it`, `-ojson`, `-o=json`: one-letter flags, of which the first that wants a value takes the rest."""
        letters = cluster
        while letters:
            letter, rest = letters[0], letters[1:]
            flag = self._short.get(letter)
            if flag is None:
                if letter == "h":
                    raise HelpWanted
                raise FlagError(f"unknown shorthand flag: '{letter}' in -{letters}")
            if len(rest) > 1 and rest[0] == "=":
                value, letters = rest[1:], ""
            elif _stands_alone(flag):
                value, letters = flag.no_opt or "true", rest
            elif rest:
                value, letters = rest, ""
            else:
                value, letters = self._lone_value(flag, f"'{letter}' in -{letters}"), ""
            self._set(flag, value)

    def _lone_value(self, flag: Flag, shown: str) -> str:
        if _stands_alone(flag):
            return flag.no_opt or "true"
        if not self._rest:
            raise FlagError(f"flag needs an argument: {shown}")
        return self._rest.pop()

    def _set(self, flag: Flag, text: str) -> None:
        try:
            value = convert(flag.type, text)
        except ValueError as error:
            shown = f"-{flag.short}, --{flag.name}" if flag.short else f"--{flag.name}"
            raise FlagError(f"invalid argument {go_quote(text)} for {go_quote(shown)} flag: {error}") from None
        values, name = self._parsed.values, flag.name
        if isinstance(value, list):
            # The first use replaces the default, later ones add to it.
            values[name] = [*values[name], *value] if name in self._parsed.changed else value
        elif isinstance(value, dict):
            values[name] = {**values[name], **value} if name in self._parsed.changed else value
        else:
            values[name] = value
        self._parsed.changed.add(name)


def convert(type_: str, text: str) -> Any:
    """One flag's text as its type's value; ValueError has Go's text."""
    match type_:
        case "string":
            return text
        case "bool":
            return parse_bool(text)
        case "int" | "int64":
            return parse_int(text)
        case "int32":
            return parse_int(text, 32)
        case "duration":
            return parse_duration(text)
        case "stringArray":
            return [text]
        case "stringSlice":
            return split_csv(text)
        case "stringToString":
            return _pairs(text)
    raise AssertionError(type_)


def parse_bool(text: str) -> bool:
    """Go's strconv.ParseBool."""
    if text in ("1", "t", "T", "TRUE", "true", "True"):
        return True
    if text in ("0", "f", "F", "FALSE", "false", "False"):
        return False
    raise ValueError(f"strconv.ParseBool: parsing {go_quote(text)}: invalid syntax")


def parse_int(text: str, bits: int = 64) -> int:
    """Go's strconv.ParseInt(text, 0, bits)."""
    digits = text.lstrip("+-") if text[:1] in ("+", "-") and text[1:2] not in ("+", "-") else text
    try:
        if not digits or not digits.isascii() or digits != digits.strip() or digits[0] in "+-_":
            raise ValueError
        octal = len(digits) > 1 and digits[0] == "0" and digits.replace("_", "").isdigit()
        number = int(digits.replace("_", ""), 8) if octal else int(digits, 0)
    except ValueError:
        raise ValueError(f"strconv.ParseInt: parsing {go_quote(text)}: invalid syntax") from None
    number = -number if text.startswith("-") else number
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise ValueError(f"strconv.ParseInt: parsing {go_quote(text)}: value out of range")
    return number


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Go's time.ParseDuration, in seconds."""
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0.0
    if not rest:
        raise ValueError(f"time: invalid duration {go_quote(text)}")
    total = 0.0
    while rest:
        number = _leading(rest, "0123456789.")
        if not number.strip(".") or number.count(".") > 1:
            raise ValueError(f"time: invalid duration {go_quote(text)}")
        rest = rest[len(number) :]
        unit = rest[: next((i for i, char in enumerate(rest) if char in "0123456789."), len(rest))]
        if not unit:
            raise ValueError(f"time: missing unit in duration {go_quote(text)}")
        if unit not in _UNITS:
            raise ValueError(f"time: unknown unit {go_quote(unit)} in duration {go_quote(text)}")
        total += float(number) * _UNITS[unit]
        rest = rest[len(unit) :]
    return -total if text.startswith("-") else total


def go_duration(seconds: float) -> str:
    """Go's Duration.String, down to milliseconds: 1h0m0s, 1m0s, 1.5s, 20ms, 0s."""
    sign, left = ("-", -seconds) if seconds < 0 else ("", seconds)
    if 0 < left < 1:
        return f"{sign}{left * 1000:g}ms"
    hours, rest = divmod(left, 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{rest:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{sign}{hours:.0f}h{minutes:.0f}m{text}"
    return f"{sign}{minutes:.0f}m{text}" if minutes else sign + text


def _leading(text: str, allowed: str) -> str:
    end = 0
    while end < len(text) and text[end] in allowed:
        end += 1
    return text[:end]


def split_csv(text: str) -> list[str]:
    """A stringSlice's text: one CSV record, so that `"a,b",c` has two values."""
    if not text:
        return []
    if '"' not in text:
        return text.split(",")
    import csv

    rows = list(csv.reader([text], strict=True))
    return rows[0] if rows else []


def _pairs(text: str) -> dict[str, str]:
    pairs = {}
    for part in split_csv(text):
        key, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"{part} must be formatted as key=value")
        pairs[key] = value
    return pairs


def go_quote(text: str) -> str:
    """Go's %q for a string."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    quoted = []
    for char in text:
        if char in _ESCAPES:
            quoted.append(_ESCAPES[char])
        elif char.isprintable():
            quoted.append(char)
        elif ord(char) < 0x80:
            quoted.append(f"\\x{ord(char):02x}")
        elif 0xDC80 <= ord(char) <= 0xDCFF:  # a byte that was not UTF-8 (surrogateescape)
            quoted.append(f"\\x{ord(char) - 0xDC00:02x}")
        else:
            quoted.append(f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}")
    return '"' + "".join(quoted) + '"'


_ESCAPES = {
    '"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
}  # fmt: skip
