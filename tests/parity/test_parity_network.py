"""Services, ingresses and their like through both programs: the same output, errors and exit code for each line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from tests.parity.compare import FOLDER, chunks, differences
from tests.parity.conftest import Both

pytestmark = pytest.mark.kubectl


@pytest.fixture(scope="module")
def objects(both: Both) -> Iterator[None]:
    """The objects of network_objects.yaml."""
    both("create", "namespace", "net")
    manifest = (FOLDER / "network_objects.yaml").read_bytes()
    created, _ = both("create", "-f", "-", stdin=manifest)
    assert created.code == 0, created.err
    yield
    both("delete", "namespace", "net", "--wait=false")
    both("delete", "ingressclass/plain", "ingressclass/with-parameters", "ip/192.0.2.44", "servicecidr/more")


@pytest.mark.parametrize("lines", chunks("network_look_commands.txt"), ids=lambda lines: lines[0][:40])
def test_look(both: Both, objects: None, lines: list[str]) -> None:
    assert not differences(lines, partial(_run, both), FOLDER, attempts=4)


@pytest.mark.parametrize("lines", chunks("network_expose_commands.txt"), ids=lambda lines: lines[0][:40])
def test_expose(both: Both, objects: None, lines: list[str]) -> None:
    assert not differences(lines, partial(_run, both), FOLDER)


@pytest.mark.parametrize("lines", chunks("network_create_commands.txt"), ids=lambda lines: lines[0][:40])
def test_create(both: Both, lines: list[str]) -> None:
    assert not differences(lines, partial(_run, both), FOLDER)


def _run(both: Both, args: list[str], stdin: bytes) -> tuple[object, object]:
    return both(*args, stdin=stdin)
