"""`minikctl proxy`. Source: k8s.io/kubectl/pkg/cmd/proxy."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from minikctl.client.errors import Failure
from minikctl.command import Command, CommandError, Flag, Invocation

if TYPE_CHECKING:
    from minikctl.proxying.filter import Filter

DEFAULT_PORT = 8001


def run(call: Invocation) -> int:
    from minikctl.client import connect
    from minikctl.proxying.server import Server, Site

    flags = call.flags
    connection = connect.connect(call.factory.target, call.factory.flags)
    chosen = _filter(call)
    _validate(call)
    site = Site(
        connection=connection, api_prefix=_folded(flags["api-prefix"]), filter=chosen, folder=flags["www"],
        server_path=connection.prefix if flags["append-server-path"] else "",
        static_prefix=_folded(flags["www-prefix"]), keepalive=flags["keepalive"],
        fault=lambda text: _log(call, "E", "proxy_server.go:147", text),
    )  # fmt: skip
    listener, address = _listen(call)
    with Server(listener, site) as server:
        call.streams.out.write(f"Starting to serve on {address}\n")
        call.streams.out.flush()
        server.run()
    return 0


def _filter(call: Invocation) -> Filter | None:
    from minikctl.proxying.filter import Filter, patterns

    if call.flags["disable-filter"]:
        if not call.flags["unix-socket"]:
            text = "Request filter disabled, your proxy is vulnerable to XSRF attacks, please be cautious"
            _log(call, "W", "proxy.go:177", text)
        return None
    names = ("accept-paths", "reject-paths", "accept-hosts", "reject-methods")
    try:
        return Filter(*(patterns(call.flags[name]) for name in names))
    except ValueError as error:
        _log(call, "F", "proxy_server.go:83", f"Error compiling re: {error}")
        raise CommandError("", 255) from None


def _validate(call: Invocation) -> None:
    flags = call.flags
    if flags["port"] != DEFAULT_PORT and flags["unix-socket"]:
        raise Failure("cannot set --unix-socket and --port at the same time")
    folder = flags["www"]
    if folder and not os.path.exists(folder):
        text = f"Failed to stat static file directory {folder}: stat {folder}: no such file or directory"
        _log(call, "W", "proxy.go:203", text)
    elif folder and not os.path.isdir(folder):
        _log(call, "W", "proxy.go:205", f"Static file directory {folder} is not a directory")


def _listen(call: Invocation) -> tuple[socket.socket, str]:
    """A listening socket, and what it is called."""
    from minikctl.client.forwarding import listen
    from minikctl.proxying.server import listen_unix

    path = call.flags["unix-socket"]
    where = path or f"{call.flags['address']}:{call.flags['port']}"
    network = "unix" if path else "tcp"
    try:
        if path:
            return listen_unix(path), path
        listener = listen(call.flags["address"].strip("[]"), call.flags["port"])
    except socket.gaierror:
        raise Failure(f"listen tcp: lookup {call.flags['address']}: no such host") from None
    except OverflowError:
        raise Failure(f"listen tcp: address {call.flags['port']}: invalid port") from None
    except OSError as error:
        text = (error.strerror or str(error)).lower()
        raise Failure(f"listen {network} {where}: bind: {text}") from None
    host, port = listener.getsockname()[:2]
    return listener, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _folded(prefix: str) -> str:
    return prefix if prefix.endswith("/") else f"{prefix}/"


def _log(call: Invocation, level: str, place: str, text: str) -> None:
    from minikctl.output import klog

    call.streams.err.write(klog.line(level, place, text))
    call.streams.err.flush()


COMMAND = Command(
    use="proxy [--port=PORT] [--www=static-dir] [--www-prefix=prefix] [--api-prefix=prefix]",
    short="Run a proxy to the Kubernetes API server",
    long="Serve the Kubernetes API on this machine, and files of a folder beside it if you like. What comes in is"
    " passed on to the API server as you.",
    examples="""
  # All of the API
  minikctl proxy --api-prefix=/

  # The API and files: curl localhost:8001/api/v1/pods
  minikctl proxy --www=/my/files --www-prefix=/static/ --api-prefix=/api/

  # The API below another path: curl localhost:8001/custom/api/v1/pods
  minikctl proxy --api-prefix=/custom/

  # On any port that is free, which is printed
  minikctl proxy --port=0

  # On a socket of your own
  minikctl proxy --unix-socket=/tmp/api.sock""",
    run=run,
    flags=(
        Flag(
            "accept-hosts", "string", r"^localhost$,^127\.0\.0\.1$,^\[::1\]$",
            "Regular expression for hosts that the proxy should accept.",
        ),
        Flag("accept-paths", "string", "^.*", "Regular expression for paths that the proxy should accept."),
        Flag("address", "string", "127.0.0.1", "The IP address on which to serve on."),
        Flag("api-prefix", "string", "/", "Prefix to serve the proxied API under."),
        Flag(
            "append-server-path", "bool", False,
            "If true, enables automatic path appending of the kube context server path to each request.",
        ),
        Flag(
            "disable-filter", "bool", False,
            "If true, disable request filtering in the proxy. This is dangerous, and can leave you vulnerable to XSRF"
            " attacks, when used with an accessible port.",
        ),
        Flag(
            "keepalive", "duration", 0.0,
            "keepalive specifies the keep-alive period for an active network connection. Set to 0 to disable"
            " keepalive.",
        ),
        Flag(
            "port", "int", DEFAULT_PORT, short="p", usage=
            "The port on which to run the proxy. Set to 0 to pick a random port.",
        ),
        Flag(
            "reject-methods", "string", "^$",
            "Regular expression for HTTP methods that the proxy should reject (example"
            " --reject-methods='POST,PUT,PATCH'). ",
        ),
        Flag(
            "reject-paths", "string", "^/api/.*/pods/.*/exec,^/api/.*/pods/.*/attach",
            "Regular expression for paths that the proxy should reject. Paths specified here will be rejected even"
            " accepted by --accept-paths.",
        ),
        Flag("unix-socket", "string", "", "Unix socket on which to run the proxy.", "u"),
        Flag("www", "string", "", "Also serve static files from the given directory under the specified prefix.", "w"),
        Flag(
            "www-prefix", "string", "/static/", short="P", usage=
            "Prefix to serve static files under, if static file directory is specified.",
        ),
    ),
)  # fmt: skip
