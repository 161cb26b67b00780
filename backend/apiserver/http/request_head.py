"""What a request's head must be before anything is made of it, with the answers of Go's net/http.

Bytes are searched with `find`: for `in`, Python makes and drops an exception each time.

Source: net/http server.go (conn.readRequest, conn.serve) and httpguts.ValidHostHeader.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus

HEAD_LIMIT = 1024 * 1024
"""Bytes of a request's line and headers. Source: http.DefaultMaxHeaderBytes."""
URL_LIMIT = 65535
"""Bytes of a request's path and query, which is as far as the parser counts."""

_VERSIONS = ("1.1", "1.0")
_HOST = re.compile(rb"[A-Za-z0-9!$%&()*+,\-.:;=\[\]'_~]*").fullmatch
_BAD_ESCAPE = re.compile(rb"%(?![0-9a-fA-F]{2})").search


class Refused(Exception):
    """The head is no request's. `body` is the answer's, which is plain text."""

    def __init__(self, code: HTTPStatus, detail: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.body = f"{code.value} {code.phrase}" + (f": {detail}" if detail else "")


def too_large() -> Refused:
    return Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


def check(version: str, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Raises Refused. Names of headers are in lower case."""
    if version not in _VERSIONS:
        if version < "1":
            raise Refused(HTTPStatus.BAD_REQUEST)
        raise Refused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "unsupported protocol version")
    if len(url) > URL_LIMIT:
        raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG)
    if url.find(b"%") >= 0 and _BAD_ESCAPE(url.partition(b"?")[0]):
        raise Refused(HTTPStatus.BAD_REQUEST)
    host = None
    for name, value in headers:
        if name == b"host":
            if host is not None:
                raise Refused(HTTPStatus.BAD_REQUEST, "too many Host headers")
            host = value
    if host is None:
        if version == "1.1":
            raise Refused(HTTPStatus.BAD_REQUEST, "missing required Host header")
    elif not _HOST(host):
        raise Refused(HTTPStatus.BAD_REQUEST, "malformed Host header")


def check_coding(headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Raises Refused for a body that is sent in any coding but chunked, which would be taken for the object itself."""
    for name, value in headers:
        if name == b"transfer-encoding" and value.strip().lower() != b"chunked":
            raise Refused(HTTPStatus.NOT_IMPLEMENTED, "Unsupported transfer encoding")
