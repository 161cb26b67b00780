"""A backend in a process of its own, and a kubeconfig for clients that know nothing of it."""

from __future__ import annotations

import base64
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_START_SECONDS = 30.0


@contextmanager
def running_backend(home: Path, *options: str) -> Iterator[Path]:
    """`home` with a running backend (without a kubelet) and a `kubeconfig`; what it kept there is there again.
    `options` are more of the backend's own."""
    profile = home / "clusters" / "minikctl"
    profile.mkdir(parents=True, mode=0o700, exist_ok=True)
    with (home / "log").open("wb") as log:
        backend = subprocess.Popen(
            [sys.executable, "-m", "backend", "--home", str(profile), "--runtime", "none", *options],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _await_backend(backend, profile, home / "log")
        _write_kubeconfig(profile, home / "kubeconfig")
        yield home
    finally:
        backend.terminate()
        backend.wait(10)


def _await_backend(backend: subprocess.Popen[bytes], profile: Path, log: Path) -> None:
    from minikctl.client.errors import ConnectError
    from minikctl.client.transport import Transport, UnixDialer

    deadline = time.monotonic() + _START_SECONDS
    while True:
        transport = Transport(UnixDialer(str(profile / "backend.sock")))
        try:
            if transport.request("GET", "/readyz", {}).read() == b"ok":
                return
        except ConnectError:
            assert backend.poll() is None, log.read_text()
        finally:
            transport.close()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def _write_kubeconfig(profile: Path, path: Path) -> None:
    authority = base64.b64encode((profile / "pki" / "ca.crt").read_bytes()).decode()
    port = (profile / "port").read_text().strip()
    token = (profile / "admin.token").read_text().strip()
    path.write_text(
        f"""apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "https://127.0.0.1:{port}", certificate-authority-data: {authority}}}}}]
users: [{{name: u, user: {{token: "{token}"}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""
    )
