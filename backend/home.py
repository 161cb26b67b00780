"""The folder of one cluster: who may use it, and what the backend tells others about itself there."""

from __future__ import annotations

import contextlib
import datetime
import os
import secrets

import orjson

from backend.apiserver.pki import write_private
from backend.config import RUNTIMES, Config
from backend.machinery.machine import primary_address
from backend.meta.addresses import dns_address, parse_ip
from backend.meta.schema import KUBERNETES_VERSION
from backend.network.ability import network_problem
from backend.store.api import StoreError
from backend.store.lockfile import LockFile

WILDCARDS = ("0.0.0.0", "::")
"""What to listen on for all addresses of the machine."""


class StartError(Exception):
    """Why a backend cannot start, in one line for its user."""


class Starter:
    """Whoever started this process and waits on a pipe (--ready-fd) to hear how it went."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def tell(self, line: str) -> None:
        """Only the first line is sent. Nobody may listen any more; we are there for others."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with contextlib.suppress(BrokenPipeError):
            os.write(descriptor, f"{line}\n".encode())
        os.close(descriptor)


def prepare(config: Config) -> None:
    """Make the folder, or make sure that it is ours alone; raises StartError."""
    try:
        config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        config.home.chmod(0o700)
        os.listdir(config.home)
    except OSError as error:
        raise StartError(f"cannot use {config.home}: {(error.strerror or str(error)).lower()}") from None
    if not os.access(config.home, os.W_OK):
        raise StartError(f"cannot use {config.home}: permission denied")
    _occupy(config)


def _occupy(config: Config) -> None:
    """Be the only process of this cluster until the last moment of this one: the kernel drops the lock, and nothing
    before that does. What an earlier one was writing when it was killed is removed."""
    try:
        LockFile.take(config.lock_path, f"cluster {config.cluster or config.home.name} in {config.home}")
        for folder in (config.home, config.pki_dir):
            for unfinished in folder.glob(".*"):
                unfinished.unlink()
    except StoreError as error:
        raise StartError(str(error)) from None
    except OSError as error:
        raise StartError(f"cannot write {error.filename}: {(error.strerror or str(error)).lower()}") from None


def admin_token(config: Config) -> str:
    """The bearer token that is the administrator, made at the first start."""
    with contextlib.suppress(FileNotFoundError):
        token = config.token_path.read_text().strip()
        if token:
            return token
    token = secrets.token_urlsafe(32)
    write_private(config.token_path, f"{token}\n".encode())
    return token


def remembered_port(config: Config) -> int:
    """The port of the last run, 0 if there is none."""
    try:
        return int(config.port_path.read_text())
    except (FileNotFoundError, ValueError):
        return 0


def remember_port(config: Config, port: int) -> None:
    if remembered_port(config) != port:
        write_private(config.port_path, f"{port}\n".encode())


def remember_runtime(config: Config) -> None:
    """The next start without a word about it takes the same."""
    if config.runtime != RUNTIMES[0] or config.runtime_path.exists():
        write_private(config.runtime_path, f"{config.runtime}\n".encode())


def announce(config: Config, port: int) -> None:
    """Write backend.json: the backend is ready for everybody who reads it."""
    host = f"[{config.address}]" if ":" in config.address else config.address
    if config.address in WILDCARDS:
        host = "127.0.0.1"  # the wildcard is no address to connect to
    started = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    info = {
        "pid": os.getpid(), "endpoint": f"https://{host}:{port}", "socket": str(config.socket_path),
        "version": f"v{KUBERNETES_VERSION}", "startedAt": started,
        "caFile": str(config.pki_dir / "ca.crt"), "tokenFile": str(config.token_path),
        "nodeName": config.node_name, "runtime": config.runtime, "networkProblem": network_problem(config),
        "serviceRange": config.service_cidr, "loadBalancerRange": config.load_balancer_cidr,
        "dnsAddress": dns_address(config.service_cidrs[0]),
    }  # fmt: skip
    write_private(config.info_path, orjson.dumps(info, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def advertised_address(config: Config) -> str:
    """Where pods find the API server: not on their own loopback. "" if this machine has no other address."""
    for text in (config.address, primary_address()):
        address = parse_ip(text)
        if address is not None and not address.is_loopback and not address.is_unspecified:
            return text
    return ""


def retract(config: Config) -> None:
    """Remove what `announce` wrote, and the socket."""
    for path in (config.info_path, config.socket_path):
        path.unlink(missing_ok=True)
