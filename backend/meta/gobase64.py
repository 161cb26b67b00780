"""Binary values in objects: base64 as Go's StdEncoding reads it, with its error texts.

Go skips line ends, and takes a last digit whose unused bits are set; what is stored is always the plain form.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64

_DIGITS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_NEWLINES = b"\r\n"


def canonical(text: str) -> str:
    """Raises ValueError: `illegal base64 data at input byte N`."""
    # Python's strict mode lets padding pass after a whole group.
    if len(text) % 4 or "=" in text[:-2]:
        return _read(text)
    try:
        decoded = a2b_base64(text, strict_mode=True)
    except (Error, ValueError):
        return _read(text)
    # Only the last digit before the padding can have bits that mean nothing.
    if text.endswith("="):
        plain = text[-3] in "AQgw" if text[-2] == "=" else text[-2] in "AEIMQUYcgkosw048"
        if not plain:
            return b2a_base64(decoded, newline=False).decode()
    return text


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
