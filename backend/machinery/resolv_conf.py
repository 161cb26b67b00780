"""How this machine resolves names, for those that do it in its stead: the cluster's DNS, and pods without that."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FILE = Path("/etc/resolv.conf")
SYSTEMD_FILE = Path("/run/systemd/resolve/resolv.conf")
_STUBS = ("127.0.0.53", "127.0.0.54")


@dataclass(frozen=True, slots=True)
class ResolvConf:
    """The lines of resolv.conf(5); of several `search` or `domain` lines the last counts."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def parse(lines: Iterable[str]) -> ResolvConf:
    servers: list[str] = []
    searches: list[str] = []
    options: list[str] = []
    for line in lines:
        word, *values = line.split() or [""]
        if word == "nameserver":
            servers += values[:1]
        elif word in ("search", "domain"):
            searches = values if word == "search" else values[:1]
        elif word == "options":
            options = values
    return ResolvConf(
        tuple(dict.fromkeys(servers)), tuple(name.rstrip(".") or "." for name in searches), tuple(options)
    )


class HostResolver:
    """This machine's settings, read again when a file has changed. Where it asks the stub of systemd-resolved, those
    that systemd-resolved itself asks count: the stub is on a loopback that pods do not have.

    Source: kubeadm, which gives kubelets systemd's file where that runs.
    """

    def __init__(self, file: Path = FILE, systemd_file: Path = SYSTEMD_FILE) -> None:
        self._file = file
        self._systemd_file = systemd_file
        self._seen: dict[Path, tuple[tuple[int, int, int], ResolvConf]] = {}

    def read(self) -> ResolvConf:
        """Costs a stat or two while nothing changes. Without a file there are no servers."""
        settings = self._read(self._file)
        if settings.nameservers and all(server in _STUBS for server in settings.nameservers):
            real = self._read(self._systemd_file)
            if real.nameservers:
                return real
        return settings

    def _read(self, path: Path) -> ResolvConf:
        try:
            state = os.stat(path)
            version = (state.st_ino, state.st_mtime_ns, state.st_size)
            known = self._seen.get(path)
            if known is not None and known[0] == version:
                return known[1]
            with open(path, encoding="utf-8", errors="replace") as file:
                settings = parse(file)
        except OSError:
            self._seen.pop(path, None)
            return ResolvConf()
        self._seen[path] = (version, settings)
        return settings
