"""The backend's own container: what the engine is asked for, and why there may be none."""

from __future__ import annotations

import json
import os
import platform
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from minikctl.local import container, enter_image
from minikctl.local.container import CannotContain
from minikctl.local.profile import Profile

Answer = tuple[int, dict[str, Any]]


class Engine(socketserver.ThreadingUnixStreamServer):
    """Docker's API, as far as it is used. `requests` has method and path without the query."""

    daemon_threads = True

    def __init__(self, path: str) -> None:
        super().__init__(path, Handler)
        self.requests: list[str] = []
        self.documents: list[dict[str, Any]] = []
        self.info: dict[str, Any] = {"Name": platform.node(), "SecurityOptions": ["name=seccomp,profile=default"]}
        self.creations: list[Answer] = [(201, {"Id": "abc"})]
        self.starting: Answer = (204, {})
        self.exit_code = 0
        self.removed = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client need not read its answer."""

    def answer(self, request: str, body: bytes) -> Answer:
        self.requests.append(request)
        if request == "GET /info":
            return 200, self.info
        if request == "POST /containers/create":
            self.documents.append(json.loads(body))
            return self.creations.pop(0)
        if request == "POST /containers/abc/start":
            return self.starting
        if request.endswith("/wait"):
            return 200, {"StatusCode": self.exit_code}
        return 200, {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Engine

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, document = self.server.answer(f"{self.command} {self.path.partition('?')[0]}", body)
        content = b"" if status == 204 else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_DELETE = do_GET

    def address_string(self) -> str:
        return ""

    def log_message(self, *args: object) -> None:
        return None


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    path = tmp_path / "engine.sock"
    with Engine(str(path)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def run(tmp_path: Path) -> Callable[[], int]:
    """Runs a command in a container; its exit code."""
    return lambda: container.run(Profile("test", tmp_path), ["/bin/true"], {"SECRET": "x"}, 1, None).wait()


def test_the_container_has_this_machines_network_and_processes_and_tells_nothing_of_the_environment(
    engine: Engine, run: Callable[[], int]
) -> None:
    engine.exit_code = 7
    assert run() == 7
    document = engine.documents[0]
    host = document["HostConfig"]
    assert (host["NetworkMode"], host["PidMode"], host["UsernsMode"]) == ("host", "host", "host")
    assert (host["CapDrop"], "NET_ADMIN" in host["CapAdd"], host["AutoRemove"]) == (["ALL"], True, True)
    assert document["Entrypoint"] == ["/enter", f"/proc/{os.getpid()}/ns/mnt"]
    assert "SECRET" not in json.dumps(document)
    # Waited for before it is started: a container that ends at once is removed at once.
    assert engine.requests[-2:] == ["POST /containers/abc/wait", "POST /containers/abc/start"]


def test_the_image_is_made_when_it_is_missed(engine: Engine, run: Callable[[], int]) -> None:
    engine.creations.insert(0, (404, {"message": "No such image: minikctl/enter:1"}))
    assert run() == 0
    assert engine.requests[1:4] == [
        "POST /containers/create", "POST /images/create", "POST /containers/create",
    ]  # fmt: skip


def test_a_container_that_is_in_the_way_is_removed(engine: Engine, run: Callable[[], int]) -> None:
    engine.creations.insert(0, (409, {"message": "Conflict. The container name is already in use"}))
    assert run() == 0
    removal, waiting = engine.requests[2:4]
    assert removal.startswith("DELETE /containers/minikctl-backend-test-")
    assert waiting == f"POST {removal.removeprefix('DELETE ')}/wait"


def test_a_container_that_does_not_start_is_removed(engine: Engine, run: Callable[[], int]) -> None:
    engine.starting = 400, {"message": "no seccomp"}
    with pytest.raises(CannotContain, match="the Docker engine refuses its container: no seccomp"):
        run()
    assert "DELETE /containers/abc" in engine.requests


@pytest.mark.parametrize(
    ("info", "why"),
    [
        ({"SecurityOptions": ["name=rootless"]}, "the Docker engine itself runs without root"),
        ({"Name": "docker-desktop"}, r"the Docker engine is on another machine \(docker-desktop\)"),
    ],
)
def test_an_engine_without_power_over_this_machine_is_told_apart(
    engine: Engine, run: Callable[[], int], info: dict[str, Any], why: str
) -> None:
    engine.info |= info
    with pytest.raises(CannotContain, match=why):
        run()
    assert engine.requests == ["GET /info"]


def test_a_container_that_does_not_reach_this_process_is_told_from_a_backend_that_ends(
    engine: Engine, run: Callable[[], int]
) -> None:
    engine.exit_code = enter_image.FAILED + 2
    with pytest.raises(
        CannotContain, match=r"does not reach this machine's processes \(no such file or directory\)"
    ):
        run()


def test_an_engine_that_is_elsewhere_or_nowhere_is_named(
    run: Callable[[], int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    with pytest.raises(CannotContain, match=r"on another machine \(tcp://192.0.2.1:2375\)"):
        run()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(CannotContain, match=f"no Docker engine answers at {tmp_path}/none.sock"):
        run()
    (tmp_path / "file").touch()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/file/sock")
    with pytest.raises(CannotContain, match=r"the Docker engine is not reached: dial unix .*: not a directory"):
        run()
