"""`apply edit-last-applied` through both programs, each in a namespace of its own, down to what the editor is shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.parity.conftest import Apart, Both, comparable

pytestmark = pytest.mark.kubectl

_NAMESPACES = ("applied-one", "applied-two")
_EDITOR = """#!/bin/bash
program=$(basename "$1" | cut -d- -f1)
pass=$(($(cat "$SEEN/$program.pass" 2>/dev/null || echo 0) + 1))
echo $pass > "$SEEN/$program.pass"
cat "$1" >> "$SEEN/$program"
step=STEP$pass
eval "${!step}"
"""


class Edit(NamedTuple):
    """What is done to the file, one step for each time that the editor is opened, and the arguments."""

    steps: tuple[str, ...]
    args: tuple[str, ...]


_EDITS = {
    "unchanged": Edit(("",), ("cm/a",)),
    "changed": Edit(("sed -i 's/x: /x3: /' $1",), ("cm/a",)),
    "printed": Edit(("sed -i 's/x3: /x4: /' $1",), ("cm/a", "-o", "yaml")),
    "json": Edit(('sed -i \'s/"x4": /"x5": /\' $1',), ("cm/a", "-o", "json")),
    "not an object": Edit(("echo '  - b: [' >> $1", "echo '  - c: [' >> $1"), ("cm/a",)),
    "empty": Edit((": > $1",), ("cm/a",)),
    "two": Edit(("sed -i 's/w: /z: /' $1",), ("cm/a", "cm/b")),
    "never applied": Edit(("",), ("cm/bare",)),
    "one never applied": Edit(("",), ("cm/bare", "cm/b")),
    "missing": Edit(("",), ("cm/none",)),
    "no output": Edit(("",), ("cm/a", "-o", "name")),
    "file": Edit(("sed -i 's/w: /v: /' $1",), ("-f", "b.yaml")),
    "nothing": Edit(("",), ()),
}


@pytest.fixture(scope="module")
def applied(both: Both, apart: Apart, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("applied")
    for name, key in (("a", "x"), ("b", "w")):
        text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{{key}: '1'}}\n"
        (folder / f"{name}.yaml").write_text(text)
    for namespace in _NAMESPACES:
        both("create", "namespace", namespace)
    apart(_NAMESPACES, "apply", "-f", ".", cwd=folder)
    apart(_NAMESPACES, "create", "configmap", "bare")
    return folder


def test_edits(apart: Apart, applied: Path, tmp_path: Path) -> None:
    unlike = []
    for name, edit in _EDITS.items():
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        editor = folder / "editor"
        editor.write_text(_EDITOR)
        editor.chmod(0o755)
        env = {"KUBE_EDITOR": str(editor), "SEEN": str(folder), "TMPDIR": str(folder)}
        env.update({f"STEP{at}": step for at, step in enumerate(edit.steps, 1)})
        outcomes = apart(_NAMESPACES, "apply", "edit-last-applied", *edit.args, env=env, cwd=applied)
        kubectl, minikctl = ((code, _unnumbered(out), _unnumbered(err)) for code, out, err in outcomes)
        theirs, ours = (_shown(folder / program) for program in ("kubectl", "minikctl"))
        if (kubectl, theirs) != (minikctl, ours):
            unlike.append(f"{name}\n  kubectl:  {kubectl} {theirs}\n  minikctl: {minikctl} {ours}\n")
    assert not unlike, "\n".join(unlike)
    theirs, ours = apart(_NAMESPACES, "get", "configmaps", "-o", "yaml", "--show-managed-fields")
    assert _unnumbered(ours.out) == _unnumbered(theirs.out)


def _unnumbered(text: str) -> str:
    return re.sub(r"-edit-\w+\.", "-edit-X.", text)


def _shown(path: Path) -> str:
    """What the editor was given, "" if it was not started."""
    text = path.read_bytes().decode() if path.exists() else ""
    return comparable(text).replace(*reversed(_NAMESPACES))
