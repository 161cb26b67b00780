"""The listener, and what is done with one connection's requests."""

from __future__ import annotations

import html
import os
import posixpath
import socket
import socketserver
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler
from io import BufferedReader
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from minikctl.client.connect import Connection
from minikctl.client.errors import ConnectError
from minikctl.proxying import static_files
from minikctl.proxying.filter import Filter
from minikctl.proxying.upgraded import relay

PIECE = 64 * 1024
_HOP_BY_HOP = frozenset({
    "connection", "proxy-connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip


class Site(NamedTuple):
    """What is served where. Prefixes end with a slash; `folder` is "" for no files. `fault` is told what failed."""

    connection: Connection
    api_prefix: str
    server_path: str
    filter: Filter | None
    folder: str
    static_prefix: str
    keepalive: float
    fault: Callable[[str], None]


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, listener: socket.socket, site: Site) -> None:
        super().__init__(("", 0), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.site = site

    def run(self) -> None:
        """Until it is interrupted."""
        while True:
            self.handle_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is gone is no error of ours; anything else is a bug that ends its connection."""
        import sys

        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def listen_unix(path: str) -> socket.socket:
    """A socket for this user alone; one that an earlier process left is replaced. Raises OSError."""
    import stat

    if os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o077)
    try:
        listener.bind(path)
        listener.listen(Server.request_queue_size)
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self._upstream: HTTPConnection | None = None
        if self.server.site.keepalive > 0 and self.connection.family != socket.AF_UNIX:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def finish(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """kubectl logs no requests."""

    def version_string(self) -> str:
        return "minikctl"

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        decoded = unquote(path)
        cleaned = posixpath.normpath(decoded)
        cleaned = cleaned.replace("//", "/", 1) if cleaned.startswith("//") else cleaned
        if decoded.endswith("/") and cleaned != "/":
            cleaned += "/"
        site = self.server.site
        prefixes = {site.api_prefix, site.static_prefix} if site.folder else {site.api_prefix}
        if f"{cleaned}/" in prefixes:
            cleaned += "/"
        if cleaned != decoded:
            moved = quote(cleaned)
            self._moved(f"{moved}?{query}" if query else moved)
            return
        served = max(filter(decoded.startswith, prefixes), key=len, default="")
        if not served:
            static_files.not_found(self)
        elif served == site.api_prefix:
            self._pass_on(path, query)
        else:
            static_files.serve(self, site.folder, decoded[len(served) :], query)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def _moved(self, where: str) -> None:
        self.close_connection = True  # Its body, if there is one, is not read.
        body = f'<a href="{html.escape(where)}">Temporary Redirect</a>.\n\n'.encode()
        self.send_response(307)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Location", where)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _pass_on(self, path: str, query: str) -> None:
        site = self.server.site
        if not site.api_prefix.startswith("/api"):
            path = f"/{path[len(site.api_prefix) :]}"
        if site.filter is not None and not site.filter.accepts(
            self.command, unquote(path), self.headers.get("Host", "")
        ):
            self.close_connection = True
            static_files.respond_text(self, 403, "Forbidden")
            return
        target = site.server_path + path + (f"?{query}" if query else "")
        try:
            if "upgrade" in self.headers.get("Connection", "").lower():
                self._upgrade(target)
            else:
                self._answer(self._ask(target))
        except (HTTPException, ConnectError, OSError) as error:
            if isinstance(error, BrokenPipeError | ConnectionResetError) and self.wfile.closed:
                raise
            self.close_connection = True
            text = str(error)
            site.fault(f"Error while proxying request: {text}")
            static_files.respond_text(self, 500, text)

    # Requests and answers.

    def _ask(self, target: str) -> HTTPResponse:
        """A kept connection that the server has closed meanwhile is replaced, once, where there is no body."""
        body = self._body()
        kept = self._upstream is not None
        try:
            return self._ask_once(target, body)
        except (HTTPException, OSError):
            if not kept or body is not None:
                raise
            self._upstream = None
            return self._ask_once(target, None)

    def _ask_once(self, target: str, body: Iterable[bytes] | None) -> HTTPResponse:
        connection = self.server.site.connection
        if self._upstream is None:
            self._upstream = HTTPConnection(connection.dialer.host)
            self._upstream.sock = connection.dialer.dial(None)
        upstream = self._upstream
        upstream.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
        for name, value in self._request_headers():
            upstream.putheader(name, value)
        chunked = body is not None and "Content-Length" not in self.headers
        if chunked:
            upstream.putheader("Transfer-Encoding", "chunked")
        upstream.endheaders(body, encode_chunked=chunked)
        return upstream.getresponse()

    def _request_headers(self) -> Iterator[tuple[str, str]]:
        connection = self.server.site.connection
        yield "Host", connection.dialer.host
        named = {item.strip().lower() for item in self.headers.get("Connection", "").split(",")}
        dropped = {*_HOP_BY_HOP, *named, "host", "x-forwarded-for", "expect"}
        for name, value in self.headers.items():
            if name.lower() not in dropped:
                yield name, value
        forwarded = self.headers.get_all("X-Forwarded-For", [])
        if isinstance(self.client_address, tuple):
            forwarded.append(str(self.client_address[0]))
        if forwarded:
            yield "X-Forwarded-For", ", ".join(forwarded)
        for name, values in connection.headers.items():
            if name not in self.headers:
                for value in values.split(f"\r\n{name}: "):
                    yield name, value

    def _body(self) -> Iterator[bytes] | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        length = int(self.headers.get("Content-Length") or 0)
        return self._pieces(length) if length else None

    def _pieces(self, left: int) -> Iterator[bytes]:
        while left and (data := self.rfile.read(min(left, PIECE))):
            left -= len(data)
            yield data

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(1024).split(b";")[0], 16):
            yield from self._pieces(size)
            self.rfile.readline(1024)
        while self.rfile.readline(PIECE).strip():
            pass

    def _answer(self, response: HTTPResponse) -> None:
        """Pass on what comes as it comes, so that a watch's events are there at once."""
        self.send_response_only(response.status, response.reason)
        has_body = self.command != "HEAD" and response.status not in (204, 304)
        for name, value in response.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        chunked = has_body and response.getheader("Content-Length") is None
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        if response.will_close and self._upstream is not None:
            self._upstream = None
        self.end_headers()
        self.wfile.flush()
        while has_body and (data := response.read1(PIECE)):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        response.read()

    def _upgrade(self, target: str) -> None:
        """The connection belongs to another protocol from here on, or gets what the server says instead."""
        self.close_connection = True
        lines = [f"{self.command} {target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self._request_headers()]
        lines += ["Connection: Upgrade", f"Upgrade: {self.headers.get('Upgrade', '')}"]
        upstream = self.server.site.connection.dialer.dial(None)
        with upstream:
            upstream.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
            relay(self.connection, upstream, self._read_ahead())

    def _read_ahead(self) -> bytes:
        """What the request's reader has taken from the connection beyond the request."""
        self.connection.setblocking(False)
        return self.rfile.peek() if isinstance(self.rfile, BufferedReader) else b""
