"""One backend without a kubelet, which stands still: nothing but the tests changes what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.strategies import DEFAULT
from tests.support.backend_process import running_backend
from tests.support.wire import Wire, revision, settled

STILL_SECONDS = 1.0
SETTINGS = ("--request-timeout", "2", "--max-mutating-requests-inflight", "2")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Requests have little time, so that the tests need little, too."""
    with running_backend(tmp_path_factory.mktemp("hostile"), *SETTINGS) as home:
        yield home


@pytest.fixture(scope="session")
def wire(home: Path) -> Iterator[Wire]:
    """The administrator, once the backend has made all that it makes at its start."""
    wire = Wire(home / "clusters" / "minikctl" / "backend.sock")
    settled(wire, STILL_SECONDS)
    yield wire
    wire.close()


@pytest.fixture
def unchanged(wire: Wire) -> Iterator[None]:
    """The test ends with the assertion that nothing was written, of any kind."""
    before = revision(wire)
    yield
    assert revision(wire) == before


@pytest.fixture(scope="session", autouse=True)
def _nothing_unexpected(home: Path) -> Iterator[None]:
    """After all tests: what was a fault of the server's would be in its log."""
    yield
    assert " ERROR " not in (home / "log").read_text()


@pytest.fixture(scope="module")
def service(wire: Wire) -> Iterator[str]:
    """A Service, which has lists of all merge strategies."""
    spec = {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}], "selector": {"a": "b"}}
    assert wire.call("POST", f"{DEFAULT}/services", {"metadata": {"name": "patched"}, "spec": spec}).code == 201
    settled(wire)
    yield f"{DEFAULT}/services/patched"
    wire.call("DELETE", f"{DEFAULT}/services/patched")
    settled(wire)
