"""A container's last words: the file that it wrote at its terminationMessagePath."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker import APIClient

LIMIT_BYTES = 4096
"""kubelet's MaxContainerTerminationMessageLength."""


def read_termination_message(client: APIClient, container_id: str, path: str) -> str:
    """ "" when there is no such file. A container that is gone has none."""
    from docker.errors import NotFound

    try:
        mounts = client.inspect_container(container_id)["Mounts"]
    except NotFound:
        return ""
    source = next((mount["Source"] for mount in mounts if mount["Destination"] == path), None)
    data = _head(Path(source)) if source else None
    if data is None:
        data = _from_archive(client, container_id, path)
    return data.decode(errors="replace")


def _head(path: Path) -> bytes | None:
    """None where the engine's files are not on this machine."""
    try:
        with path.open("rb") as file:
            return file.read(LIMIT_BYTES)
    except OSError:
        return None


def _from_archive(client: APIClient, container_id: str, path: str) -> bytes:
    from docker.errors import APIError

    try:
        stream, stat = client.get_archive(container_id, path)
        if stat["size"] > 1024 * 1024:
            return b""
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
            file = tar.extractfile(tar.next() or tarfile.TarInfo())
            return file.read(LIMIT_BYTES) if file else b""
    except (APIError, tarfile.TarError, KeyError):
        return b""
