"""Requests of the Kubernetes API: paths, queries, answers decoded, Status errors raised, warnings shown."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from minikctl.client.connect import Connection
from minikctl.client.errors import StatusError
from minikctl.client.transport import Response, Transport
from minikctl.flags import go_quote

JSON = "application/json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"

_UNRESERVED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")

_MAX_RETRIES = 10
"""How often a request is repeated that the server answers with Retry-After. Source: client-go rest.Request."""


def escape(text: str) -> str:
    """`text` as one path segment or query value. (urllib.parse would cost a tenth of a whole `get` to import.)"""
    raw = text.encode()
    return text if _UNRESERVED.issuperset(raw) else "".join([_escaped(byte) for byte in raw])


def _escaped(byte: int) -> str:
    return chr(byte) if byte in _UNRESERVED else f"%{byte:02X}"


class ResourceMapping(NamedTuple):
    """A resource as the server declares it: where it is and what its objects are called."""

    group: str
    version: str
    resource: str
    kind: str
    namespaced: bool
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """`pods`, `deployments.apps`: as error texts name it."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def group_kind(self) -> str:
        """`pod`, `deployment.apps`: as name printers print it."""
        kind = self.kind.lower()
        return f"{kind}.{self.group}" if self.group else kind

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of one object or, without a name, of the collection. A name is escaped as one segment."""
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", escape(namespace)]
        parts.append(self.resource)
        if name:
            parts.append(escape(name))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


class Client:
    """One server under one identity. Every method raises StatusError or ConnectError.

    `on_warning` is called with the text of each Warning header, once per text.
    """

    def __init__(
        self, connection: Connection, *, timeout: float | None = None, on_warning: Callable[[str], None]
    ) -> None:
        self.server = connection.server
        self.transport = Transport(connection.dialer)
        self._headers = connection.headers
        self._prefix = connection.prefix
        self.timeout = timeout
        self._on_warning = on_warning
        self._warned: set[str] = set()

    def get(self, path: str, query: Mapping[str, str] | None = None, accept: str = JSON) -> dict[str, Any]:
        return self.request("GET", path, query=query, accept=accept)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> dict[str, Any]:
        """The answer's object. `body` is an object to encode, or bytes to send as they are."""
        text = self.stream(
            method, path, query=query, body=body, content_type=content_type, accept=accept, timeout=self.timeout
        ).read()
        try:
            answer = json.loads(text)
        except ValueError:
            raise StatusError({"message": f"couldn't decode the server's answer: {text[:200]!r}"}) from None
        return answer if isinstance(answer, dict) else {"items": answer}

    def raw(self, method: str, path: str, **options: Any) -> bytes:
        """The answer's bytes, of a path that the user gave."""
        return self.stream(method, path, timeout=self.timeout, named=False, **options).read()

    def stream(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
        timeout: float | None = None,
        named: bool = True,
    ) -> Response:
        """The answer with its head read, for those who read the body as it comes (logs, watches).

        `named`: an error without a Status says what the path names.
        """
        target = self.target(path, query)
        headers = {**self._headers, "Accept": accept, "Accept-Encoding": "gzip"}
        data = None
        if body is not None:
            headers["Content-Type"] = content_type
            data = (
                body
                if isinstance(body, bytes)
                else json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
            )
        for attempt in range(_MAX_RETRIES + 1):
            response = self.transport.request(method, target, headers, data, timeout)
            self._show_warnings(response)
            if response.status < 400:
                return response
            delay = response.headers.get("retry-after", "")
            text = response.read()
            if not (delay.isdigit() and response.status in (429, 503) and attempt < _MAX_RETRIES):
                break
            time.sleep(int(delay))
        raise StatusError(_status(response, text, method, _about(method, path) if named else ""))

    def target(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """`path` with this server's prefix and the query's non-empty values."""
        pairs = {key: value for key, value in (query or {}).items() if value != ""}
        target = self._prefix + path
        if pairs:
            encoded = "&".join([f"{escape(key)}={escape(value)}" for key, value in pairs.items()])
            target += ("&" if "?" in path else "?") + encoded
        return target

    @property
    def headers(self) -> dict[str, str]:
        """Who asks, for those who open a connection of their own (exec, attach)."""
        return self._headers

    def pages(self, path: str, query: Mapping[str, str], accept: str = JSON) -> Iterator[dict[str, Any]]:
        """Each page of a list; `query` has the limit. A continue token that expired starts no new list."""
        token = ""
        while True:
            page = self.get(path, {**query, "continue": token} if token else query, accept)
            yield page
            token = (page.get("metadata") or {}).get("continue") or ""
            if not token:
                return

    def _show_warnings(self, response: Response) -> None:
        for header in response.warnings:
            for text in _warning_texts(header):
                if text not in self._warned:
                    self._warned.add(text)
                    self._on_warning(text)


def _warning_texts(header: str) -> list[str]:
    """The quoted texts of an RFC 7234 Warning header with code 299: `299 agent "text"`."""
    texts = []
    rest = header
    while rest.startswith("299 "):
        start = rest.find('"')
        end = start + 1
        text = ""
        while 0 < end < len(rest) and rest[end] != '"':
            end += rest[end] == "\\"
            text += rest[end : end + 1]
            end += 1
        if start < 0:
            break
        texts.append(text)
        rest = rest[end + 1 :].lstrip(", ")
    return texts


_TEXTS = {
    400: ("BadRequest", "the server rejected our request for an unknown reason"),
    401: ("Unauthorized", "the server has asked for the client to provide credentials"),
    404: ("NotFound", "the server could not find the requested resource"),
    405: ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
    406: ("NotAcceptable", "the server was unable to respond with a content type that the client supports"),
    409: ("Conflict", "the server reported a conflict"),
    415: ("UnsupportedMediaType", "the server was unable to process the request body"),
    429: ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: ("Timeout", "the server was unable to return a response in the time allotted, but may still be processing the"
          " request"),
}  # fmt: skip
"""What an answer without a Status means. Source: apimachinery errors.NewGenericServerResponse."""


def _about(method: str, path: str) -> str:
    """What a path names, as errors without a Status say it: `post crontabs.example.com NAME`. "" if no resource."""
    parts = path.partition("?")[0].strip("/").split("/")
    group = parts[1] if parts[0] == "apis" and len(parts) > 3 else ""
    rest = parts[3:] if parts[0] == "apis" else parts[2:]
    if len(rest) > 2 and rest[0] == "namespaces":
        rest = rest[2:]
    if parts[0] not in ("api", "apis") or not rest:
        return ""
    return " ".join([method.lower(), f"{rest[0]}.{group}" if group else rest[0], *rest[1:2]])


def _status(response: Response, body: bytes, method: str, about: str) -> dict[str, Any]:
    try:
        status = json.loads(body)
    except ValueError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return status
    text = body.decode("utf-8", "replace").strip()
    code = response.status
    if code == 403:
        reason, message = (
            "Forbidden",
            text or f"the server does not allow access to the requested resource ({method})",
        )
    elif code in _TEXTS:
        reason, message = _TEXTS[code]
    elif code >= 500:
        shown = text or "unknown"
        reason = "InternalError"
        message = f"an error on the server ({go_quote(shown)}) has prevented the request from succeeding"
    else:
        reason, message = (
            "",
            f"the server responded with the status code {code} but did not return more information",
        )
    if about:
        message = f"{message} ({about})"
    return {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": code}
