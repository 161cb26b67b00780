"""The texts with which Go's encoding/json refuses malformed JSON, since kube-apiserver hands them to clients.

`error_text` walks a document that is known to be broken, in one pass and without recursion: it is never on
the path of a good request. Source of the texts: encoding/json scanner.go.
"""

from __future__ import annotations

import re

MAX_DEPTH = 10000
OUR_DEPTH = 240
END = "unexpected end of JSON input"
SPACE = b" \t\r\n"
LITERALS = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}
ESCAPES = b'bfnrt\\/"'
DIGITS = b"0123456789"
HEX = b"0123456789abcdefABCDEF"
PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
"""What a string has between its quotes, up to what has to be looked at."""
DIGIT_RUN = re.compile(rb"[0-9]*")
SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
"""Half a pair."""


class _Malformed(Exception):
    pass


def error_text(data: bytes) -> str:
    """What Go would say of `data`; for what only our parser refuses (invalid UTF-8, half a surrogate pair, fewer levels
    than Go's 10000), a text of the same shape."""
    scanner = _Scanner(data)
    try:
        scanner.document()
    except _Malformed as malformed:
        return str(malformed)
    try:
        data.decode()
    except UnicodeDecodeError:
        return "invalid UTF-8 in JSON input"
    if scanner.deepest > OUR_DEPTH:
        return "exceeded max depth"
    if SURROGATE.search(data):
        return "invalid surrogate pair in JSON input"
    return f"cannot unmarshal number {scanner.longest_number} into Go value of type float64"


def _quote(byte: int) -> str:
    if byte == ord("'"):
        return r"'\''"
    if byte == ord('"'):
        return "'\"'"
    escaped = {7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r", 92: r"\\"}.get(byte)
    if escaped is None and (32 <= byte < 127 or byte > 160):
        escaped = chr(byte)
    elif escaped is None:
        escaped = f"\\x{byte:02x}" if byte < 128 else f"\\u{byte:04x}"
    return f"'{escaped}'"


class _Scanner:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.deepest = 0
        self.longest_number = ""

    def peek(self) -> int:
        if self.at >= len(self.data):
            raise _Malformed(END)
        return self.data[self.at]

    def space(self) -> None:
        while self.at < len(self.data) and self.data[self.at] in SPACE:
            self.at += 1

    def fail(self, where: str) -> _Malformed:
        return _Malformed(f"invalid character {_quote(self.data[self.at])} {where}")

    def document(self) -> None:
        """`open_` holds the containers that are open, as their first bytes."""
        open_ = bytearray()
        self.value(open_)
        while open_:
            self.space()
            byte, inside = self.peek(), open_[-1]
            if byte == ord(","):
                self.at += 1
                if inside == ord("{"):
                    self.key("looking for beginning of object key string")
                self.value(open_)
            elif byte == (ord("}") if inside == ord("{") else ord("]")):
                self.at += 1
                open_.pop()
            else:
                raise self.fail(f"after {'object key:value pair' if inside == ord('{') else 'array element'}")
        self.space()
        if self.at < len(self.data):
            raise self.fail("after top-level value")

    def value(self, open_: bytearray) -> None:
        """One scalar, or the opening of containers up to the first scalar in them or the first that is empty."""
        while True:
            self.space()
            byte = self.peek()
            if byte not in b"{[":
                self.scalar(byte)
                return
            open_.append(byte)
            self.deepest = max(self.deepest, len(open_))
            if len(open_) > MAX_DEPTH:
                raise _Malformed("exceeded max depth")
            self.at += 1
            self.space()
            if self.peek() == (ord("}") if byte == ord("{") else ord("]")):
                self.at += 1
                open_.pop()
                return
            if byte == ord("{"):
                self.key("looking for beginning of object key string")

    def key(self, where: str) -> None:
        self.space()
        if self.peek() != ord('"'):
            raise self.fail(where)
        self.string()
        self.space()
        if self.peek() != ord(":"):
            raise self.fail("after object key")
        self.at += 1

    def scalar(self, byte: int) -> None:
        if byte == ord('"'):
            self.string()
        elif byte in LITERALS:
            self.literal(LITERALS[byte])
        elif byte == ord("-") or byte in DIGITS:
            self.number()
        else:
            raise self.fail("looking for beginning of value")

    def string(self) -> None:
        self.at += 1
        while (byte := self.peek()) != ord('"'):
            if byte < 32:
                raise self.fail("in string literal")
            if byte != ord("\\"):
                self.at = self.run(PLAIN)
                continue
            self.at += 1
            escape = self.peek()
            if escape == ord("u"):
                for _ in range(4):
                    self.at += 1
                    if self.peek() not in HEX:
                        raise self.fail(r"in \u hexadecimal character escape")
            elif escape not in ESCAPES:
                raise self.fail("in string escape code")
            self.at += 1
        self.at += 1

    def literal(self, word: bytes) -> None:
        for expected in word:
            if self.peek() != expected:
                raise self.fail(f"in literal {word.decode()} (expecting {_quote(expected)})")
            self.at += 1

    def digits(self, where: str) -> None:
        if self.peek() not in DIGITS:
            raise self.fail(where)
        self.at = self.run(DIGIT_RUN)

    def run(self, pattern: re.Pattern[bytes]) -> int:
        """Where what matches from here ends."""
        found = pattern.match(self.data, self.at)
        return self.at if found is None else found.end()

    def number(self) -> None:
        start = self.at
        if self.peek() == ord("-"):
            self.at += 1
        if self.peek() == ord("0"):
            self.at += 1
        else:
            self.digits("in numeric literal")
        if self.data[self.at : self.at + 1] == b".":
            self.at += 1
            self.digits("after decimal point in numeric literal")
        if self.data[self.at : self.at + 1] in (b"e", b"E"):
            self.at += 1
            if self.peek() in b"+-":
                self.at += 1
            self.digits("in exponent of numeric literal")
        text = self.data[start : self.at].decode()
        if _magnitude(text) > _magnitude(self.longest_number):
            self.longest_number = text


def _magnitude(number: str) -> int:
    """About how many digits a number has before its point."""
    mantissa, _, exponent = number.lower().partition("e")
    return len(mantissa.partition(".")[0]) + (int(exponent[:6]) if exponent else 0)
