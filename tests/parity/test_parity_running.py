"""`describe`, `logs` and `exec` of pods that a real engine runs, through both programs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parity.compare import FOLDER, chunks, differences, write_manifests
from tests.parity.conftest import comparable
from tests.support.cli import Cluster, Output

pytestmark = [pytest.mark.kubectl, pytest.mark.docker]

SETTLED = {"full": "Running", "two": "Running", "done": "Succeeded", "failed": "Failed"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with the objects of pods.yaml in the namespace desc."""
    made = Cluster(tmp_path_factory.mktemp("running") / ".minikctl", f"parity-{os.getpid()}")
    try:
        made.run("cluster", "start")
        made.run("create", "namespace", "desc")
        made.run("create", "-f", str(FOLDER / "pods.yaml"), "-n", "desc")
        for name, phase in SETTLED.items():
            made.wait_for_pod(name, ".status.phase", phase, namespace="desc")
        made.wait_for_pod("full", ".status.containerStatuses[*].started", "true true", namespace="desc")
        made.kubectl("version")  # writes the kubeconfig before several threads ask for it
        yield made
    finally:
        made.delete()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("given")
    write_manifests(made)
    (made / "pods.yaml").write_bytes((FOLDER / "pods.yaml").read_bytes())
    for name, content in (("user.txt", b"root"), ("bin.dat", bytes(range(128))), ("empty", b"")):
        (made / name).write_bytes(content)
    (made / "big.dat").write_bytes(b"x" * 1_100_000)
    return made


@pytest.mark.parametrize("lines", chunks("running_commands.txt"), ids=lambda lines: lines[0][:40])
def test_same(cluster: Cluster, folder: Path, lines: list[str]) -> None:
    def run(args: list[str], stdin: bytes) -> tuple[object, object]:
        def outcome(output: Output) -> tuple[int, str, str]:
            text = comparable(output)
            if "--show-events" in args:
                text = _without_counts(text)
            return output.exit_code, text, comparable(output.stderr)

        text = stdin.decode()
        ours = cluster.run(*args, stdin=text, cwd=folder, check=False)
        return outcome(cluster.kubectl(*args, stdin=text, cwd=folder)), outcome(ours)

    # Pods that crash or wait change between the two: what differs is compared once more.
    assert not differences(lines, run, folder, attempts=8)


def _without_counts(text: str) -> str:
    """Without what changes with the clock where many pods' events are shown: counts, and columns as wide as ages."""
    return re.sub(r"[ -]{2,}", "  ", re.sub(r"\(x\d+ over", "(xN over", text))
