"""What the command line asks of a local backend itself, over its unix socket.

These are the paths /readyz, /shutdown and /rotate-key, which only the socket serves, to this user only.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from typing import Any

from backend.meta.unixsocket import address
from minikctl.client.errors import ConnectError
from minikctl.client.transport import Transport, UnixDialer
from minikctl.command import CommandError
from minikctl.local.profile import Profile

TIMEOUT = 30.0
"""Seconds for an answer."""
READY_TIMEOUT = 3.0
"""Who takes longer to say that it is ready is not."""


def ask(profile: Profile, method: str, path: str, *, timeout: float | None = TIMEOUT) -> tuple[int, bytes]:
    """(status, body). Raises ConnectError when nobody answers."""
    transport = Transport(UnixDialer(str(profile.socket)))
    try:
        answer = transport.request(method, path, {}, b"" if method == "POST" else None, timeout)
        return answer.status, answer.read()
    finally:
        transport.close()


def answers(profile: Profile) -> bool:
    """Whether a backend is there. One that is starting answers only when it is ready."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, address(str(profile.socket)) as path:
            sock.connect(path)
    except OSError:
        return False
    return True


def ready(profile: Profile) -> bool:
    try:
        return ask(profile, "GET", "/readyz", timeout=READY_TIMEOUT)[0] == 200
    except ConnectError:
        return False


def shutdown(profile: Profile, *, keep_pods: bool) -> None:
    """Stop the backend and return once its process is gone. Without `keep_pods` all pods' containers are stopped
    first, each with its grace."""
    try:
        status, body = ask(profile, "POST", f"/shutdown?keepPods={str(keep_pods).lower()}")
    except ConnectError as error:
        pid = (profile.description() or {}).get("pid")
        raise CommandError(
            f"error: the backend (process {pid}) does not answer and was not stopped: {error}"
        ) from None
    if status != 200:
        raise CommandError(f"error: the backend refused to stop: {body.decode(errors='replace')}")
    wait_until_gone(profile)
    if os.geteuid() != 0:
        from minikctl.local import container

        container.wait_until_gone(profile)


def wait_until_gone(profile: Profile) -> None:
    """Return when no process has the cluster: a backend holds its folder's lock for as long as it lives."""
    try:
        file = os.open(profile.home / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    finally:
        os.close(file)


def occupied(profile: Profile) -> bool:
    """Whether a process has the cluster, be it ready or not."""
    try:
        file = os.open(profile.home / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def rotate_key(profile: Profile) -> dict[str, Any]:
    """New data key, everything encrypted again with it, the old one forgotten. Returns the new key's id."""
    status, body = ask(profile, "POST", "/rotate-key", timeout=None)
    if status != 200:
        raise CommandError(f"error: the key was not rotated: {body.decode(errors='replace').strip()}")
    loaded: dict[str, Any] = json.loads(body)
    return loaded
