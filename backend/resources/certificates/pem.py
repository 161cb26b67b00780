"""PEM as Go's encoding/pem reads it: blocks one after another, whatever stands between them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import NamedTuple

_BLOCK = re.compile(
    r"^-----BEGIN (?P<type>[^\n]*?)-----[ \t]*\r?\n(?P<body>.*?)^-----END (?P=type)-----[ \t]*\r?$",
    re.DOTALL | re.MULTILINE,
)


class Block(NamedTuple):
    type: str
    has_headers: bool
    data: bytes


def blocks(text: str) -> Iterator[Block]:
    """The blocks that decode; what does not is skipped."""
    for match in _BLOCK.finditer(text):
        headers, blank, body = match["body"].replace("\r", "").partition("\n\n")
        if not blank or ":" not in headers:
            headers, body = "", match["body"]
        try:
            data = base64.b64decode("".join(body.split()), validate=True)
        except ValueError:
            continue
        yield Block(match["type"], bool(headers), data)
