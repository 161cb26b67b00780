"""The process from outside: it says when it is ready, remembers, refuses in one line, and stops cleanly."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20)
        self.sock.connect(str(self._path))


def ask(home: Path, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    connection = UnixConnection(home / "backend.sock")
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def command(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "backend", "--home", str(home), "--runtime", "none", *arguments]


@contextmanager
def backend(home: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A backend that is ready; killed at the end if it still runs."""
    reader, writer = os.pipe()
    with (home.parent / "log").open("ab") as log:
        process = subprocess.Popen(
            command(home, "--ready-fd", str(writer), *arguments), pass_fds=(writer,), stdout=log, stderr=log
        )
    os.close(writer)
    try:
        with os.fdopen(reader, "rb") as pipe:
            assert pipe.readline() == b"ready\n", (home.parent / "log").read_text()
        yield process
    finally:
        process.kill()
        process.wait()


def refused(home: Path, *arguments: str) -> str:
    """What it says on stderr when it does not start."""
    done = subprocess.run(command(home, *arguments), capture_output=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    return done.stderr.decode()


def test_it_says_how_to_reach_it_and_removes_that_when_it_stops(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with backend(home) as process:
        info = json.loads((home / "backend.json").read_text())
        assert info["pid"] == process.pid
        assert info["endpoint"].startswith("https://127.0.0.1:")
        assert Path(info["tokenFile"]).read_text().strip()
        assert ask(home, "GET", "/readyz") == (200, b"ok")
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir() if path.is_file()}
        assert set(modes.values()) == {0o600}, modes
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert not (home / "backend.json").exists()
    assert not (home / "backend.sock").exists()


def test_a_restart_has_what_was_there_at_the_same_address(tmp_path: Path) -> None:
    home = tmp_path / "home"
    secret = {"metadata": {"name": "kept"}, "stringData": {"a": "b"}}
    with backend(home) as process:
        endpoint = json.loads((home / "backend.json").read_text())["endpoint"]
        assert ask(home, "POST", "/api/v1/namespaces/default/secrets", secret)[0] == 201
        process.kill()
    token = (home / "admin.token").read_text()
    with backend(home) as process:
        assert json.loads((home / "backend.json").read_text())["endpoint"] == endpoint
        assert (home / "admin.token").read_text() == token
        assert ask(home, "GET", "/api/v1/namespaces/default/secrets/kept")[0] == 200
        assert ask(home, "POST", "/shutdown?keepPods=true")[0] == 200
        assert process.wait(10) == 0


def test_a_remembered_port_that_is_taken_gives_way(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (home / "port").write_text(f"{port}\n")
        with backend(home):
            assert not json.loads((home / "backend.json").read_text())["endpoint"].endswith(f":{port}")
        other = tmp_path / "other"
        assert refused(other, "--port", str(port)) == (
            f"error: cannot listen on 127.0.0.1 port {port}: address already in use\n"
        )


def test_a_second_backend_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with backend(home) as process:
        assert f"is in use by process {process.pid}" in refused(home)
        assert ask(home, "GET", "/readyz")[0] == 200


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert refused(tmp_path / "file") == f"error: cannot use {tmp_path / 'file'}: file exists\n"
    assert refused(tmp_path / "file" / "x") == f"error: cannot use {tmp_path / 'file' / 'x'}: not a directory\n"


def test_a_damaged_state_file_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "state.db").write_bytes(b"not a database" * 100)
    assert refused(home).startswith("error: ")


def test_rotating_the_key_answers_the_new_key_s_id(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with backend(home):
        status, body = ask(home, "POST", "/rotate-key")
        assert (status, type(json.loads(body)["keyId"])) == (200, int)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_open_watches_do_not_delay_a_stop(tmp_path: Path, number: signal.Signals) -> None:
    home = tmp_path / "home"
    with backend(home) as process:
        connection = UnixConnection(home / "backend.sock")
        connection.request("GET", "/api/v1/namespaces?watch=true")
        response = connection.getresponse()
        assert response.status == 200
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) == 0
        assert time.monotonic() - began < 3
        connection.close()
