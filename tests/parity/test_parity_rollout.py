"""`rollout`, `set`, `cordon`, `drain`, `taint`, `events` and `run` through both programs, on a node whose pods run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parity.compare import FOLDER, chunks, differences
from tests.parity.conftest import KUBECTL, MINIKCTL, Apart, Both, Outcome, alone

pytestmark = pytest.mark.kubectl

_TARGETS = ("deploy/web", "sts/db", "ds/ds")


@pytest.fixture(scope="module")
def node(pretending_both: Both) -> Iterator[str]:
    """The node's name. Workloads of each kind run there, each in its second revision."""
    both = pretending_both
    for name in ("rollouts.yaml", "setting.yaml"):
        made, _ = both("apply", "-f", str(FOLDER / name))
        assert made.code == 0, made.err
    assert both("wait", "--for=condition=Ready", "node", "--all")[1].code == 0
    for image in (None, "nginx:2"):
        for target in _TARGETS:
            if image:
                both("set", "image", target, f"c={image}")
            rolled, _ = both("rollout", "status", target, "--timeout=30s")
            assert rolled.code == 0, rolled.err
    assert both("wait", "--for=condition=Ready", "pod/envs", "--timeout=30s")[1].code == 0
    yield both("get", "node", "-o", "jsonpath={.items[0].metadata.name}")[0].out
    both("delete", "--wait=false", "-f", str(FOLDER / "rollouts.yaml"), "-f", str(FOLDER / "setting.yaml"))


@pytest.mark.parametrize(
    "lines",
    [
        *chunks("rollout_commands.txt"),
        *chunks("set_commands.txt"),
        *chunks("node_commands.txt"),
        *chunks("run_commands.txt"),
    ],
    ids=lambda lines: lines[0][:40],
)
def test_nothing_changed(pretending_both: Both, node: str, lines: list[str]) -> None:
    lines = [line.replace("NODE", node) for line in lines]
    assert not differences(lines, lambda args, stdin: pretending_both(*args, stdin=stdin, cwd=FOLDER), FOLDER, 2)


_STORY = """
    apply -f rollouts.yaml
    rollout status deploy/web --timeout=30s
    rollout status sts/db --timeout=30s
    set image deploy/web c=nginx:2
    rollout pause deploy/web
    set env deploy/web B=b A-
    set resources deploy/web --limits=cpu=1,memory=1Gi --requests=cpu=10m
    set serviceaccount deploy/web other
    set serviceaccount deploy/web default
    rollout status deploy/web --watch=false
    rollout undo deploy/web
    rollout resume deploy/web
    rollout status deploy/web --timeout=30s
    rollout history deploy/web --revision=1
    rollout undo deploy/web --to-revision=1
    rollout undo deploy/web --to-revision=1
    rollout status deploy/web --timeout=30s
    rollout history deploy/web
    rollout restart deploy/web ds/ds sts/db
    rollout status ds/ds --timeout=30s
    rollout undo ds/ds
    rollout history ds/ds
    rollout status sts/db --timeout=30s
    rollout undo sts/db --to-revision=1
    rollout history sts/db
    get deploy,sts,ds -o yaml"""


def test_a_story_of_rollouts(pretending_apart: Apart) -> None:
    """What is left at the end is alike too, down to who manages which field."""
    namespaces = ("rolls-one", "rolls-two")
    for namespace in namespaces:
        pretending_apart(namespaces, "create", "namespace", namespace)
    for line in _STORY.strip().splitlines():
        outcomes = pretending_apart(namespaces, *line.split(), cwd=FOLDER)
        kubectl, minikctl = (_settled(line.split(), outcome) for outcome in outcomes)
        assert (line, minikctl) == (line, kubectl)


def _settled(args: list[str], outcome: Outcome) -> object:
    """Without what depends on how fast pods come: the steps of a rollout, and the status of an object."""
    if args[:2] == ["rollout", "status"] and "--watch=false" not in args:
        return outcome.code, outcome.out.splitlines()[-1:], outcome.err
    text = re.sub(r"(?m)^  status:\n(    .*\n)*", "", outcome.out)
    return outcome.code, re.sub(r"    generation: \d+\n|\b[0-9a-z]{8,10}\b(?=\n|$)", "", text), outcome.err


def test_nodes_are_marked_tainted_and_drained(pretending_home: Path, pretending_both: Both, node: str) -> None:
    """One program after the other undoes what it did, so that both find the node alike."""
    both = pretending_both
    assert both("create", "deployment", "budgeted", "--image=x", "--replicas=2")[0].code == 0
    assert both("create", "pdb", "budget", "--selector=app=budgeted", "--min-available=2")[0].code == 0
    assert both("rollout", "status", "deploy/budgeted", "--timeout=30s")[1].code == 0
    lines = f"""
        taint nodes {node} a=b:NoSchedule
        taint nodes {node} a=c:NoSchedule
        taint nodes {node} a=c:NoSchedule --overwrite
        taint nodes {node} a:NoSchedule- b=:NoExecute
        taint nodes {node} b-
        cordon {node}
        uncordon {node}
        drain {node} --pod-selector=app=budgeted --timeout=1s
        delete pdb budget
        drain {node} --pod-selector=app=budgeted --grace-period=1
        uncordon {node}
        rollout status deploy/budgeted --timeout=30s
        drain {node} --pod-selector=app=budgeted --disable-eviction --grace-period=1
        uncordon {node}
        rollout status deploy/budgeted --timeout=30s
        create pdb budget --selector=app=budgeted --min-available=2"""
    outcomes = [
        [_unordered(alone(program, pretending_home, *line.split())) for line in lines.strip().splitlines()]
        for program in ([KUBECTL], MINIKCTL)
    ]
    assert outcomes[0] == outcomes[1]


def _unordered(outcome: Outcome) -> object:
    """Pods go at their own pace, under names of their own."""
    out, err = (
        sorted(re.sub(r"budgeted-\w+-\w+", "POD", text).splitlines()) for text in (outcome.out, outcome.err)
    )
    return outcome.code, out[-1:] if "rolled out" in outcome.out else out, err
