"""`top` through both programs, of pods on the fake runtime, which use what their annotations say."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parity.compare import FOLDER, chunks, differences
from tests.parity.conftest import Both

pytestmark = pytest.mark.kubectl

RUNNING_SECONDS = 20


@pytest.fixture(scope="module")
def used(pretending_both: Both) -> Iterator[Both]:
    """A namespace with three pods that run and one that waits."""
    pretending_both("create", "namespace", "top")
    made, _ = pretending_both("create", "-n", "top", "-f", str(FOLDER / "top_objects.yaml"))
    assert made.code == 0, made.err
    deadline = time.monotonic() + RUNNING_SECONDS
    phases = ("get", "pods", "-n", "top", "-o", "jsonpath={.items[*].status.phase}")
    while (last := pretending_both(*phases)[1].out.split()).count("Running") < 3:
        assert time.monotonic() < deadline, last
        time.sleep(0.1)
    yield pretending_both
    pretending_both("delete", "--wait=false", "namespace", "top")


@pytest.mark.parametrize("lines", chunks("top_commands.txt"))
def test_what_pods_and_nodes_use_looks_alike(used: Both, tmp_path: Path, lines: list[str]) -> None:
    def run(args: list[str], stdin: bytes) -> tuple[object, object]:
        return used(*args, stdin=stdin)

    assert differences(lines, run, tmp_path) == []


def test_the_node_is_shown_alike_but_for_its_figures(used: Both) -> None:
    for flags in ((), ("--no-headers",), ("--show-swap",), ("--show-capacity", "--sort-by=cpu")):
        kubectl, minikctl = used("top", "node", *flags)
        assert (kubectl.code, minikctl.code) == (0, 0)
        for ours, theirs in zip(minikctl.out.splitlines(), kubectl.out.splitlines(), strict=True):
            assert _shape(ours) == _shape(theirs)


def _shape(line: str) -> list[str]:
    """The words, with one digit for every number."""
    return [re.sub(r"\d+", "9", word) for word in line.split()]


def test_without_a_kubelet_there_are_no_metrics(both: Both) -> None:
    for args in (("pod",), ("node",), ("pod", "x"), ("node", "x")):
        kubectl, minikctl = both("top", *args)
        assert kubectl == minikctl
        assert minikctl.err == "error: Metrics API not available\n"
