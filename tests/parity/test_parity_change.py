"""`patch`, `label`, `annotate`, `replace` and `edit` through both programs."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.parity.compare import chunks, differences, write_manifests
from tests.parity.conftest import KUBECTL, Apart, Both, comparable

pytestmark = pytest.mark.kubectl


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of manifests.json."""
    made = tmp_path_factory.mktemp("manifests")
    write_manifests(made)
    return made


_OBJECTS = b"""
apiVersion: v1
kind: Namespace
metadata: {name: change}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  namespace: change
  labels: {kept: "yes", more: "1"}
  annotations: {kept: "yes", kubernetes.io/change-cause: x}
data: {x: "1"}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: change, labels: {kept: "no"}, annotations: {one: "1"}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: change}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c1, namespace: change}}
"""


@pytest.fixture(scope="module")
def objects(both: Both) -> None:
    """What the listed commands change in dry runs, or into what it is already."""
    assert both("create", "-f", "-", stdin=_OBJECTS)[0].code == 0


def _run(both: Both, folder: Path, args: list[str], stdin: bytes) -> tuple[object, object]:
    return both(*args, stdin=stdin, cwd=folder)


@pytest.mark.parametrize("lines", chunks("change_commands.txt"), ids=lambda lines: lines[0][:40])
def test_change(both: Both, manifests: Path, objects: None, lines: list[str]) -> None:
    assert not differences(lines, partial(_run, both, manifests), manifests)


@pytest.mark.parametrize("lines", chunks("replace_commands.txt"), ids=lambda lines: lines[0][:40])
def test_replace(both: Both, manifests: Path, objects: None, lines: list[str]) -> None:
    assert not differences(lines, partial(_run, both, manifests), manifests)


_APART = ("change-one", "change-two")
"""Each program's namespace, where it does not see what the other did."""


@pytest.fixture(scope="module")
def in_two_namespaces(both: Both, apart: Apart) -> None:
    """Two config maps in each namespace for each edit."""
    for name in _APART:
        both("create", "namespace", name)
    text = "---\n".join(
        f'{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}-{case}}}, data: {{x: "y"}}}}\n'
        for case in _EDITS
        for name in ("e", "f")
    )
    apart(_APART, "create", "-f", "-", stdin=text.encode())


def test_changes_one_after_the_other(apart: Apart, in_two_namespaces: None, manifests: Path) -> None:
    lines = [
        "replace -f cm.yaml",
        "create -f cm.yaml",
        "patch cm c1 -p {}",
        'patch cm c1 -p {"data":{"k":"v"}} -o yaml',
        'patch cm c1 --type=merge -p {"data":{"a":null}}',
        "label cm c1 gone- ",
        "label cm c1 one=1 two=2",
        "label cm c1 two-",
        "label cm c1 one=2 --overwrite three=3",
        "label cm c1 one- four=4",
        "annotate cm c1 a=b c=d",
        "annotate cm c1 a- c=e --overwrite -o yaml",
        "replace -f cm.yaml -o yaml",
        "replace -f cm.yaml --save-config -o yaml",
        "replace --force -f cm.yaml",
        "replace --force -f cm.yaml --grace-period=0 --timeout=9s",
        "replace --force -f multi.yaml --grace-period=2 -o name",
        "get cm c1 -o yaml",
    ]
    for line in lines:
        kubectl, minikctl = apart(_APART, *line.split(), cwd=manifests)
        assert (line, minikctl) == (line, kubectl)


_EDITOR = """#!/bin/bash
# Keeps what it is shown for each program, and does to the file what STEP1, STEP2... say, one each time.
program=$(basename "$1" | cut -d- -f1)
seen=$SEEN/$program
pass=$(($(cat "$seen.pass" 2>/dev/null || echo 0) + 1))
echo $pass > "$seen.pass"
{ echo "--- pass $pass"; cat "$1"; } >> "$seen"
namespace=$(sed -n 's/ *namespace: //p' "$1" | head -1)
step=STEP$pass
eval "${!step}"
"""


class Edit(NamedTuple):
    """What is done to the file, one step for each time that the editor is opened, and the arguments."""

    steps: tuple[str, ...]
    args: tuple[str, ...] = ()


_EDITS = {
    "unchanged": Edit(("",)),
    "changed": Edit(("sed -i 's/x: /x3: /' $1",), ("-o", "yaml", "--output-patch")),
    "json": Edit(('sed -i \'s/"x": /"x3": /\' $1',), ("-o", "json", "--output-patch")),
    "invalid-then-valid": Edit(("sed -i s/x:/1x!:/ $1", "sed -i s/1x!:/x2:/ $1")),
    "invalid": Edit(("sed -i 's/x: .y./1x!: z/' $1",)),
    "empty": Edit((": > $1",)),
    "empty-unvalidated": Edit((": > $1",), ("--validate=false",)),
    "no-kind": Edit(("sed -i s/kind:.*/kind:/ $1",)),
    "no-yaml": Edit(("echo '  - b: [' >> $1",)),
    "no-yaml-unvalidated": Edit(("echo '  - b: [' >> $1",), ("--validate=false",)),
    "unknown-field": Edit(("echo 'foo: bar' >> $1",)),
    "other-name": Edit(("sed -i 's/name: e/name: z/' $1",)),
    "other-namespace": Edit(("sed -i 's/namespace: .*/namespace: x/' $1",)),
    "conflict": Edit(("sed -i 's/resourceVersion: .*/resourceVersion: \"1\"/' $1",)),
    "deleted": Edit(('$KUBECTL delete cm e-deleted -n $namespace >/dev/null; sed -i "s/x: /w: /" $1',)),
    "no-output": Edit((), ("-o", "name")),
    "failing-editor": Edit(("exit 3",)),
    "windows": Edit(("sed -i 's/x: /x6: /' $1",), ("--windows-line-endings",)),
    "two": Edit(("sed -i '0,/x: .y./s//x: z/' $1",), ("cm/f-two",)),
    "missing": Edit((), ("cm/nope",)),
}


@pytest.mark.parametrize("case", _EDITS)
def test_edit(apart: Apart, in_two_namespaces: None, tmp_path: Path, case: str) -> None:
    edit = _EDITS[case]
    editor = tmp_path / "editor"
    editor.write_text(_EDITOR)
    editor.chmod(0o755)
    env = {"KUBE_EDITOR": str(editor), "SEEN": str(tmp_path), "TMPDIR": str(tmp_path), "KUBECTL": KUBECTL}
    env.update({f"STEP{at}": step for at, step in enumerate(edit.steps, 1)})
    outcomes = apart(_APART, "edit", f"cm/e-{case}", *edit.args, env=env)
    kubectl, minikctl = ([code, _unnumbered(out), _unnumbered(err)] for code, out, err in outcomes)
    assert minikctl == kubectl
    shown, expected = (_shown(tmp_path / program) for program in ("minikctl", "kubectl"))
    assert shown == expected


def _unnumbered(text: str) -> str:
    return re.sub(r"-edit-\w+\.", "-edit-X.", text)


def _shown(path: Path) -> str:
    """What the editor was given, "" if it was not started."""
    text = path.read_bytes().decode() if path.exists() else ""
    return comparable(text).replace(*reversed(_APART))
