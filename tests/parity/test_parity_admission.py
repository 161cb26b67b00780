"""Quotas, limits, priority classes and admission's configuration through both programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.parity.compare import FOLDER, chunks, differences
from tests.parity.conftest import Both

pytestmark = pytest.mark.kubectl


@pytest.fixture(scope="module")
def objects(both: Both) -> Iterator[None]:
    """The objects of admission_objects.yaml, and quotas that are counted."""
    manifest = str(FOLDER / "admission_objects.yaml")
    created, _ = both("create", "-f", manifest)
    assert created.code == 0, created.err
    for name, pods in (("plain", "1"), ("scoped", "0"), ("classes", "0")):
        condition = f"--for=jsonpath={{.status.used.pods}}={pods}"
        counted, _ = both("wait", "-n", "limited", f"quota/{name}", condition, "--timeout=10s")
        assert counted.code == 0, counted.err
    yield
    both("delete", "--wait=false", "--ignore-not-found", "-f", manifest)


@pytest.mark.parametrize("lines", chunks("admission_commands.txt"), ids=lambda lines: lines[0][:40])
def test_admission(both: Both, objects: None, lines: list[str]) -> None:
    assert not differences(lines, lambda args, stdin: both(*args, stdin=stdin), FOLDER, attempts=4)
