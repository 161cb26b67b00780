"""The kinds around storage, devices and flow control through both programs, against objects of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parity.compare import FOLDER, chunks, differences
from tests.parity.conftest import Both

pytestmark = pytest.mark.kubectl


@pytest.fixture(scope="module")
def kept(both: Both) -> Iterator[None]:
    both("create", "namespace", "kept")
    made = both("create", "-n", "kept", "-f", str(FOLDER / "storage.yaml"))
    assert made[0].code == 0, made[0].err
    yield
    both("delete", "--wait=false", "--ignore-not-found", "-n", "kept", "-f", str(FOLDER / "storage.yaml"))
    both("delete", "--wait=false", "namespace", "kept")


@pytest.mark.parametrize("lines", chunks("storage_commands.txt"), ids=lambda lines: lines[0][:40])
def test_storage(both: Both, kept: None, tmp_path: Path, lines: list[str]) -> None:
    assert not differences(lines, lambda args, stdin: both(*args, stdin=stdin), tmp_path, attempts=4)
