"""What goes on of a message's headers, and what the proxy adds. Pure.

Sources: RFC 9110, section 7.6.1 (what is for one connection only); ingress-nginx's template for what is added. As
there, what a client says of earlier proxies is not believed, and names with `_` are dropped: many servers cannot tell
`X_Real_IP` from `X-Real-IP`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

Header = tuple[bytes, bytes]

HOP_BY_HOP = frozenset((
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
    b"trailer", b"transfer-encoding", b"upgrade",
))  # fmt: skip
_OURS = frozenset((
    b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto", b"x-forwarded-scheme",
    b"x-forwarded", b"forwarded", b"x-original-forwarded-for", b"x-real-ip", b"x-request-id", b"x-scheme",
    b"content-length", b"expect", b"http2-settings",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """How a request came."""

    client: str
    scheme: str
    port: int


def request_head(
    method: bytes, target: bytes, headers: Sequence[Header], origin: Origin, *, length: bytes | None,
    chunked: bool, upgrade: bytes | None,
) -> bytes:  # fmt: skip
    """The head for the backend. Names of `headers` are in lower case. The body has this length, or is chunked, or
    there is none; `upgrade` is the protocol that the client wants to change to."""
    dropped = HOP_BY_HOP | _OURS | _named_by_connection(headers)
    first = dict(reversed(headers))
    client, scheme = origin.client.encode(), origin.scheme.encode()
    lines = [method + b" " + target + b" HTTP/1.1"]
    lines += [b"%b: %b" % header for header in headers if header[0] not in dropped and b"_" not in header[0]]
    lines += (
        b"x-request-id: " + (first.get(b"x-request-id") or secrets.token_hex(16).encode()),
        b"x-real-ip: " + client,
        b"x-forwarded-for: " + client,
        b"x-forwarded-host: " + first.get(b"host", b""),
        b"x-forwarded-port: %d" % origin.port,
        b"x-forwarded-proto: " + scheme,
        b"x-forwarded-scheme: " + scheme,
        b"x-scheme: " + scheme,
    )
    if b"host" not in first:  # HTTP/1.0 has none.
        lines.append(b"host: ")
    if b"x-forwarded-for" in first:
        lines.append(b"x-original-forwarded-for: " + first[b"x-forwarded-for"])
    if chunked:
        lines.append(b"transfer-encoding: chunked")
    elif length is not None:
        lines.append(b"content-length: " + length)
    if upgrade is not None:
        lines += (b"connection: upgrade", b"upgrade: " + upgrade)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def response_headers(headers: Sequence[Header]) -> list[Header]:
    """What of the backend's headers goes on to the client."""
    dropped = HOP_BY_HOP | _named_by_connection(headers)
    return [header for header in headers if header[0] not in dropped]


def wanted_upgrade(headers: Sequence[Header]) -> bytes | None:
    """The protocol that a client asks for. HTTP/2 is none: behind a proxy that only copies bytes, its requests would
    get by the rules."""
    if b"upgrade" not in _named_by_connection(headers):
        return None
    for name, value in headers:
        if name == b"upgrade" and not value.strip().lower().startswith(b"h2"):
            return value
    return None


def _named_by_connection(headers: Sequence[Header]) -> frozenset[bytes]:
    """What the sender says is for this connection only. The host and the length never are."""
    named = frozenset(
        option.strip().lower() for name, value in headers if name == b"connection" for option in value.split(b",")
    )
    return named - {b"host", b"content-length"}
