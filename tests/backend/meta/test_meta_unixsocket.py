"""A socket can be reached however long its path is."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from backend.meta.unixsocket import MAX_ADDRESS, address


@pytest.mark.parametrize("length", [20, 150])
def test_a_socket_is_bound_and_reached_by_its_path(tmp_path: Path, length: int) -> None:
    folder = tmp_path / ("d" * length)
    folder.mkdir()
    path = str(folder / "backend.sock")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        with address(path) as name:
            listener.bind(name)
        listener.listen()
        with address(path) as name:
            client.connect(name)
        assert os.path.exists(path)


def test_a_short_path_is_its_own_address() -> None:
    with address("/run/" + "x" * (MAX_ADDRESS - 5)) as name:
        assert name == "/run/" + "x" * (MAX_ADDRESS - 5)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), address(f"{tmp_path}/{'n' * 150}/backend.sock"):
        pass
