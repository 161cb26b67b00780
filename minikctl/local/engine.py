"""The little that the command line asks of the Docker engine: one container, made, started and waited for.

Not the docker SDK: importing it takes longer than the container's start.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from minikctl.client.transport import Response, Transport, UnixDialer

TIMEOUT = 30.0
"""Seconds for an answer."""
_DEFAULT = "unix:///var/run/docker.sock"


class EngineRefused(Exception):
    """The engine's own words, and the HTTP status that they came with."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def socket_path() -> str:
    """The engine's socket on this machine; "" where DOCKER_HOST names an engine that is reached otherwise."""
    scheme, _, path = (os.environ.get("DOCKER_HOST") or _DEFAULT).partition("://")
    return path if scheme == "unix" else ""


class Engine:
    """Requests raise ConnectError where nobody answers, EngineRefused where the engine says no."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._transport = Transport(UnixDialer(path))

    def info(self) -> dict[str, Any]:
        return self._json("GET", "/info")

    def create(self, name: str, document: Mapping[str, Any]) -> str:
        """A container's id; EngineRefused with 404 for an image that is not there, with 409 for a name that is."""
        return str(self._json("POST", f"/containers/create?name={quote(name)}", document)["Id"])

    def start(self, container: str) -> None:
        self._json("POST", f"/containers/{container}/start")

    def remove(self, container: str) -> None:
        """At once, and returns when it is gone. Quiet when it is not there."""
        try:
            self._json("DELETE", f"/containers/{container}?force=1")
        except EngineRefused as error:
            if error.status not in (404, 409):
                raise
        self.wait_until_removed(container)

    def wait_until_removed(self, container: str) -> None:
        """Return once there is no such container; at once when there is none."""
        try:
            self._json("POST", f"/containers/{container}/wait?condition=removed")
        except EngineRefused as error:
            if error.status != 404:
                raise

    def next_exit(self, container: str) -> Response:
        """An answer on a connection of its own whose body, {"StatusCode": N}, comes when the container's next run ends.
        The engine waits from this moment on."""
        path = f"/containers/{container}/wait?condition=next-exit"
        headers = {"Connection": "close"}
        return _accepted(Transport(UnixDialer(self._path)).request("POST", path, headers, b""))

    def import_image(self, reference: str, archive: bytes) -> None:
        repository, tag = reference.split(":")
        path = f"/images/create?fromSrc=-&repo={quote(repository, safe='')}&tag={tag}"
        headers = {"Content-Type": "application/x-tar"}
        _accepted(self._transport.request("POST", path, headers, archive, TIMEOUT)).read()

    def close(self) -> None:
        self._transport.close()

    def _json(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
        body = json.dumps(document or {}).encode() if method == "POST" else None
        headers = {"Content-Type": "application/json"}
        answer = _accepted(self._transport.request(method, path, headers, body, TIMEOUT)).read()
        loaded: dict[str, Any] = json.loads(answer) if answer.strip() else {}
        return loaded


def _accepted(response: Response) -> Response:
    if response.status < 400:
        return response
    body = response.read()
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        message = body.decode(errors="replace").strip()
    raise EngineRefused(message, response.status)
