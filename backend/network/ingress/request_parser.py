"""httptools' parser of requests, with the bodies of requests that also ask for an upgrade.

httptools ends the message after the head of such a request: the body would be read as the next request. Clients do send
it: Java's asks for HTTP/2 with its first request, whatever that is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import httptools

Header = tuple[bytes, bytes]


def body_framing(headers: Sequence[Header]) -> bytes:
    """The header that says how the body is sent, as a line; b"" if there is none. Names are in lower case."""
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b" 0")):
            return b"%b: %b\r\n" % (name, value)
    return b""


class RequestParser:
    """As httptools.HttpRequestParser, of `protocol`, which tells by its attribute `body_to_come` (the line of
    `body_framing`) that the body of a request follows which the parser takes for complete."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._parser = _lenient(protocol)
        self.should_upgrade: Callable[[], bool] = self._parser.should_upgrade
        self.should_keep_alive: Callable[[], bool] = self._parser.should_keep_alive
        self.get_method: Callable[[], bytes] = self._parser.get_method
        self.get_http_version: Callable[[], str] = self._parser.get_http_version

    def feed_data(self, data: bytes) -> None:
        """Raises what httptools raises."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            framing = self._protocol.body_to_come
            if not framing:
                raise
            self._protocol.body_to_come = b""
            self._go_on(framing)
            self.feed_data(data[upgrade.args[0] :])

    def _go_on(self, framing: bytes) -> None:
        """Let a new parser read the body, by a head that nobody hears of, and what comes after it."""
        listener = _Listener(self._protocol)
        self._parser = parser = _lenient(listener)
        parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n")
        listener.hears = True
        self.should_upgrade, self.should_keep_alive = parser.should_upgrade, parser.should_keep_alive
        self.get_method, self.get_http_version = parser.get_method, parser.get_http_version


class _Listener:
    """Passes a parser's calls on, once it hears."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self.hears = False

    def __getattr__(self, name: str) -> Callable[..., None]:
        callback = getattr(self._protocol, name)

        def call(*args: bytes) -> None:
            if self.hears:
                callback(*args)

        return call


def _lenient(protocol: Any) -> Any:
    """As uvicorn makes it: a client may send more after it asked for the connection's end."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
