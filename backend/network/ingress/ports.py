"""The two ports on which this machine's ingress listens, and how they are chosen.

What was taken is remembered in the cluster's folder, so that a URL stays valid over a restart.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import orjson

BACKLOG = 2048
_ELSEWHERE = 8000
"""What is added to a port that cannot be had: 80 becomes 8080, as it has long been done, and 443 becomes 8443."""
_TRIES = 100
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket on all addresses. `why` says why it is not on the port that was wanted, or is ""."""

    socket: socket.socket
    wanted: int
    why: str = ""

    @property
    def port(self) -> int:
        number: int = self.socket.getsockname()[1]
        return number

    @property
    def is_wanted(self) -> bool:
        return self.wanted in (0, self.port)


class _Memory(NamedTuple):
    wanted: int
    port: int
    why: str


def wanted_ports(file: Path, http: int | None, https: int | None) -> tuple[int, int]:
    """What is asked for, or was the last time, or the usual. What is asked for is remembered at once."""
    remembered = _remembered(file)
    chosen: dict[str, int] = {}
    for scheme, asked, usual in (("http", http, 80), ("https", https, 443)):
        last = remembered.get(scheme)
        chosen[scheme] = asked if asked is not None else last.wanted if last is not None else usual
        if last is None or last.wanted != chosen[scheme]:
            remembered[scheme] = _Memory(chosen[scheme], chosen[scheme], "")
    if (http, https) != (None, None):
        _remember(file, remembered)
    return chosen["http"], chosen["https"]


def open_listener(file: Path, scheme: str, wanted: int) -> Listener:
    """On the port `wanted`, 0 for any. Where that is taken or not permitted, on the one of the last time, on one of the
    next above 8000, or on any. Raises OSError. `file` is the memory of all schemes."""
    remembered = _remembered(file)
    last = remembered.get(scheme)
    first = [last.port] if last is not None and last.wanted == wanted else []
    above = (
        [wanted + _ELSEWHERE + step for step in range(_TRIES)] if 0 < wanted < 0xFFFF - _ELSEWHERE - _TRIES else []
    )
    why = ""
    for port in (*first, wanted, *above, 0):
        try:
            found = _listen(port)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EPERM):
                raise
            if port == wanted:
                why = (error.strerror or str(error)).lower()
            continue
        listener = Listener(found, wanted)
        why = "" if listener.is_wanted else why or (last.why if last is not None else "")
        _remember(file, {**remembered, scheme: _Memory(wanted, listener.port, why)})
        return Listener(found, wanted, why)
    raise OSError(errno.EADDRINUSE, "no free port")


def _listen(port: int) -> socket.socket:
    """Of both IP families, where the machine has both. Raises OSError."""
    try:
        return _listener(socket.AF_INET6, port)
    except OSError as error:
        if error.errno not in _NO_IPV6:
            raise
    return _listener(socket.AF_INET, port)


def _listener(family: socket.AddressFamily, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("", port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _remembered(file: Path) -> dict[str, _Memory]:
    """By scheme; nothing, where the file was never written or is not ours."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        return {scheme: _Memory(**entry) for scheme, entry in orjson.loads(file.read_bytes()).items()}
    return {}


def _remember(file: Path, entries: dict[str, _Memory]) -> None:
    if entries != _remembered(file):
        file.write_bytes(orjson.dumps({scheme: entry._asdict() for scheme, entry in entries.items()}))
