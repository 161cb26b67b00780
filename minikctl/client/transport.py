"""HTTP/1.1 over a unix socket, TCP or TLS: one connection, kept alive, answers read as they come.

Not urllib3 or http.client: those cost 15-30 ms of import time, half of a whole `minikctl get`.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

import httptools

from backend.meta import unixsocket
from minikctl.client.errors import ConnectError, TimedOut

if TYPE_CHECKING:
    import ssl

_CHUNK = 256 * 1024


class Dialer(Protocol):
    """How to reach a server: opens one connected (and, where it is TLS, verified) socket."""

    host: str
    """host:port, as the server is named in error texts and in the Host header."""

    def dial(self, timeout: float | None) -> socket.socket:
        """A new connection; ConnectError if there is none to be had."""


class UnixDialer:
    """A server on this machine. `on_absent`, if given, is called once to start it when nobody listens."""

    host = "localhost"

    def __init__(self, path: str, on_absent: Callable[[], None] | None = None) -> None:
        self._path = path
        self._on_absent = on_absent

    def dial(self, timeout: float | None) -> socket.socket:
        try:
            return self._connect(timeout)
        except (FileNotFoundError, ConnectionRefusedError):
            if self._on_absent is None:
                raise ConnectError("connect: connection refused", self._path, refused=True) from None
            start, self._on_absent = self._on_absent, None
            start()
            return self.dial(timeout)
        except OSError as error:
            raise ConnectError(f"dial unix {self._path}: connect: {_os_text(error)}", self._path) from None

    def _connect(self, timeout: float | None) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            with unixsocket.address(self._path) as address:
                sock.connect(address)
        except BaseException:
            sock.close()
            raise
        return sock


class TcpDialer:
    """A server at host:port, in plain text or (with `context`) over TLS."""

    def __init__(self, address: str, port: int, context: ssl.SSLContext | None, server_name: str) -> None:
        self.host = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        self._address, self._port = address, port
        self._context, self._server_name = context, server_name

    def dial(self, timeout: float | None) -> socket.socket:
        try:
            sock = socket.create_connection((self._address, self._port), timeout)
        except ConnectionRefusedError:
            raise ConnectError("connect: connection refused", self.host, refused=True) from None
        except TimeoutError:
            raise ConnectError(f"dial tcp {self.host}: i/o timeout", self.host) from None
        except socket.gaierror:
            text = f"dial tcp: lookup {self._address}: no such host"
            raise ConnectError(text, self.host) from None
        except OSError as error:
            raise ConnectError(f"dial tcp {self.host}: connect: {_os_text(error)}", self.host) from None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is None:
            return sock
        from minikctl.client.tls import wrap

        return wrap(self._context, sock, self._server_name, self.host)


def _os_text(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


class Response:
    """An answer whose head has been read. Read its body once, by `read` or by `chunks`.

    A callback object of httptools.HttpResponseParser: the methods named on_* are its.
    """

    def __init__(self, connection: _Connection) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.warnings: list[str] = []
        self._connection = connection
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._head_done = False
        self._complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("utf-8", "replace")
        if key == "warning":
            self.warnings.append(text)
        self.headers[key] = text

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._head_done = self.status >= 200

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        self._complete = self._head_done

    def read_head(self) -> None:
        while not self._head_done:
            self._feed()

    def read(self) -> bytes:
        """The whole body, decompressed."""
        while not self._complete:
            self._feed()
        self._release()
        body = b"".join(self._body)
        if self.headers.get("content-encoding") == "gzip":
            import zlib

            body = zlib.decompress(body, zlib.MAX_WBITS | 16)
        return body

    def chunks(self) -> Iterator[bytes]:
        """The body as it arrives, decompressed, until the server ends it."""
        if self.headers.get("content-encoding") != "gzip":
            return self._arriving()
        import zlib

        return map(zlib.decompressobj(zlib.MAX_WBITS | 16).decompress, self._arriving())

    def _arriving(self) -> Iterator[bytes]:
        while True:
            arrived, self._body = self._body, []
            yield from arrived
            if self._complete:
                self._release()
                return
            if not self._body:
                self._feed()

    def close(self) -> None:
        self._connection.close()

    def _release(self) -> None:
        if self._parser.should_keep_alive():
            self._connection.give_back()
        else:
            self._connection.close()

    def _feed(self) -> None:
        data = self._connection.receive()
        if not data:
            if (
                self._head_done
                and "content-length" not in self.headers
                and "transfer-encoding" not in self.headers
            ):
                self._complete = True
                return
            self._connection.close()
            raise ConnectError("unexpected EOF" if self._head_done else "EOF", self._connection.host)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._connection.close()
            text = f"net/http: HTTP/1.x transport connection broken: {error}"
            raise ConnectError(text, self._connection.host) from None


class _Connection:
    """A socket in use by one answer; given back to its transport when the answer has been read."""

    def __init__(self, sock: socket.socket, host: str, deadline: float | None, owner: Transport) -> None:
        self.host = host
        self._sock = sock
        self._deadline = deadline
        self._owner = owner

    def send(self, data: bytes) -> None:
        self._set_timeout()
        self._sock.sendall(data)

    def receive(self) -> bytes:
        self._set_timeout()
        try:
            return self._sock.recv(_CHUNK)
        except TimeoutError:
            self.close()
            raise TimedOut(
                "net/http: request canceled (Client.Timeout exceeded while awaiting headers)", self.host
            ) from None
        except OSError as error:
            self.close()
            raise ConnectError(f"read: {_os_text(error)}", self.host) from None

    def give_back(self) -> None:
        self._owner.keep(self._sock)

    def close(self) -> None:
        self._sock.close()

    def _set_timeout(self) -> None:
        if self._deadline is not None:
            self._sock.settimeout(max(self._deadline - time.monotonic(), 0.001))


class Transport:
    """Requests to one server, one at a time; an answer that is still being read keeps its own connection."""

    def __init__(self, dialer: Dialer) -> None:
        self.dialer = dialer
        self._idle: socket.socket | None = None

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        timeout: float | None = None,
    ) -> Response:
        """The answer, its head read. `timeout` (seconds) is for the whole exchange, body included.

        A kept connection that the server has closed meanwhile is replaced, once.
        """
        data = self._encode(method, target, headers, body)
        deadline = time.monotonic() + timeout if timeout else None
        reused = self._idle is not None
        while True:
            connection = _Connection(self._take(timeout), self.dialer.host, deadline, self)
            response = Response(connection)
            try:
                connection.send(data)
                response.read_head()
                return response
            except (ConnectError, OSError) as error:
                connection.close()
                if reused and not response.status:
                    reused = False
                    continue
                if isinstance(error, ConnectError):
                    raise
                raise ConnectError(f"write: {_os_text(error)}", self.dialer.host) from None

    def keep(self, sock: socket.socket) -> None:
        """Hold an idle connection for the next request."""
        if self._idle is not None:
            self._idle.close()
        self._idle = sock

    def close(self) -> None:
        if self._idle is not None:
            self._idle.close()
            self._idle = None

    def _take(self, timeout: float | None) -> socket.socket:
        sock, self._idle = self._idle, None
        if sock is None:
            sock = self.dialer.dial(timeout)
        sock.settimeout(None)
        return sock

    def _encode(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.dialer.host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "\r\n"]).encode("utf-8") + (body or b"")
