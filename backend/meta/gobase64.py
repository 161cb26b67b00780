"""Binary values in objects: base64 as Go's StdEncoding reads it, with its error texts.

Go skips line ends, and takes a last digit whose unused bits are set; what is stored is always the plain form.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DIGITS = frozenset(_ALPHABET)
_PADDINGS = ("=", "==")
_NEWLINES = b"\r\n"


def canonical(text: str) -> str:
    """Raises ValueError: `illegal base64 data at input byte N`."""
    if len(text) % 4 or not text.isascii():
        return _read(text)
    # Nothing is decoded to see that nothing has to be changed: this takes a quarter of the time.
    others = text.encode().translate(None, _ALPHABET).decode()
    if not others:
        return text
    if others not in _PADDINGS or not text.endswith(others):
        return _read(text)
    # Only the last digit before the padding can have bits that mean nothing.
    digit = text[-len(others) - 1]
    if digit in ("AQgw" if len(others) == 2 else "AEIMQUYcgkosw048"):
        return text
    return b2a_base64(a2b_base64(text), newline=False).decode()


def _read(text: str) -> str:
    data = text.encode("utf-8", "surrogatepass")
    position, end = 0, len(data)
    while position < end:
        position = _skip_group(data, position)
    return b2a_base64(a2b_base64(data.translate(None, _NEWLINES)), newline=False).decode()


def _skip_group(data: bytes, position: int) -> int:
    """The position after four digits or the padded last group."""
    count = 0
    while count < 4:
        if position == len(data):
            if count == 0:
                return position
            raise _corrupt(position - count)
        char = data[position]
        if char in _DIGITS:
            count += 1
        elif char not in _NEWLINES:
            break
        position += 1
    if count == 4:
        return position
    if data[position] != ord("=") or count < 2:
        raise _corrupt(position)
    position += 1
    if count == 2:
        position = _skip_newlines(data, position)
        if position == len(data):
            raise _corrupt(position)
        if data[position] != ord("="):
            raise _corrupt(position - 1)
        position += 1
    position = _skip_newlines(data, position)
    if position < len(data):
        raise _corrupt(position)
    return position


def _skip_newlines(data: bytes, position: int) -> int:
    while position < len(data) and data[position] in _NEWLINES:
        position += 1
    return position


def _corrupt(position: int) -> ValueError:
    return ValueError(f"illegal base64 data at input byte {position}")
