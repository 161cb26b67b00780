"""Custom resources and their definitions through both programs: the same output, errors and exit codes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.parity.compare import FOLDER, chunks, differences
from tests.parity.conftest import KUBECTL, Both

pytestmark = pytest.mark.kubectl

HEAD = "apiVersion: parity.example.com/v1\nkind: CronTab\nmetadata: {name: new}\n"
DEFINITION = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.parity.example.com}
spec:
  group: parity.example.com
  scope: Namespaced
  names: {plural: things, kind: Thing}
  versions:
  - name: v1
    served: true
    storage: true
"""
RULES = "x-kubernetes-validations"
FILES = {
    "unknown": "apiVersion: nowhere.example.com/v1\nkind: Nothing\nmetadata: {name: new}\n",
    "wrong": f"{HEAD}spec: {{cronSpec: never, replicas: many, port: true, env: [{{value: x}}]}}\n",
    "rule": f"{HEAD}spec: {{cronSpec: '*', replicas: 50}}\n",
    "extra": f"{HEAD}spec: {{cronSpec: '*', nope: 1, env: [{{name: a, more: b}}]}}\n",
    "beta": f"{HEAD.replace('/v1', '/v1beta1')}spec: {{cronSpec: '*'}}\n",
    "good": f"{HEAD.replace('name: new', 'name: a')}spec: {{cronSpec: '* *', replicas: 4}}\n",
    "definition": f"{DEFINITION}    schema: {{openAPIV3Schema: {{type: object, properties: {{a: {{}}}}}}}}\n",
    "rules": f"{DEFINITION}    schema: {{openAPIV3Schema: {{type: object, {RULES}: [{{rule: self.x}}]}}}}\n",
}


@pytest.fixture(scope="module")
def folder(parity_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the commands, beside a definition and objects that are served."""
    here = tmp_path_factory.mktemp("custom")
    (here / "custom").mkdir()
    for name, text in FILES.items():
        (here / "custom" / f"{name}.yaml").write_text(text)
    definition, *objects = (FOLDER / "custom_objects.yaml").read_text().split("---\n")
    _kubectl(parity_home, "create", "namespace", "custom-one")
    for text in (definition, *objects):
        _kubectl(parity_home, "create", "-f", "-", stdin=text)
    return here


def _kubectl(home: Path, *args: str, stdin: str = "") -> None:
    command = [KUBECTL, "--kubeconfig", str(home / "kubeconfig"), *args]
    done = subprocess.run(command, input=stdin, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("lines", chunks("custom_commands.txt"), ids=lambda lines: lines[0])
def test_both_programs_do_the_same(both: Both, folder: Path, lines: list[str]) -> None:
    assert not differences(lines, lambda args, stdin: both(*args, stdin=stdin, cwd=folder), folder, attempts=4)
