"""The scripts in completions/ are those that the program prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from minikctl.shells import SHELLS, script

FOLDER = Path(__file__).parents[2] / "completions"


@pytest.mark.parametrize("shell", SHELLS)
def test_fresh(shell: str) -> None:
    assert (FOLDER / f"minikctl.{shell}").read_text() == script(shell), (
        f"minikctl completion {shell} > completions/..."
    )


def test_no_stale_ones() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == [f"minikctl.{shell}" for shell in SHELLS]
