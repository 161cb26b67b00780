"""Manifests by URL, as kubectl fetches them: three tries, with words for what the server said."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from minikctl.client import tls
from minikctl.client.errors import Failure
from minikctl.client.transport import TcpDialer, Transport

_ATTEMPTS = 3
_REDIRECTS = 10


def fetch(url: str) -> bytes:
    """The body; Failure for an answer other than 200. Server errors are tried again, a second apart."""
    where = url
    for _ in range(_REDIRECTS):
        status, reason_code, body, location = _get_with_retries(where)
        if status not in (301, 302, 303, 307, 308):
            break
        where = _join(where, location)
    if status != 200:
        raise Failure(f"unable to read URL {_quoted(url)}, server reported {reason_code}, status code={status}")
    return body


def _get_with_retries(url: str) -> tuple[int, str, bytes, str]:
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(1)
        answer = _get(url)
        if not 500 <= answer[0] < 600:
            break
    return answer


def _get(url: str) -> tuple[int, str, bytes, str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    transport = Transport(TcpDialer(host, port, tls.context() if secure else None, host))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        response = transport.request("GET", target, {"User-Agent": "minikctl", "Accept-Encoding": "gzip"})
        body = response.read()
    finally:
        transport.close()
    reason = _REASONS.get(response.status, "")
    return response.status, f"{response.status} {reason}".rstrip(), body, response.headers.get("location", "")


def _join(base: str, location: str) -> str:
    from urllib.parse import urljoin

    return urljoin(base, location)


def _quoted(url: str) -> str:
    return f'"{url}"'


_REASONS = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    410: "Gone", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip
