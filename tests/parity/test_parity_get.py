"""`get` through both programs: the same output, errors and exit code for every line of get_commands.txt."""

from __future__ import annotations

import shlex
import subprocess
import time
from pathlib import Path

import pytest

from tests.parity.conftest import KUBECTL, Both

pytestmark = pytest.mark.kubectl

LINES = [
    line
    for line in (Path(__file__).parent / "get_commands.txt").read_text().splitlines()
    if line[:1] not in ("#", "")
]

OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web, tier: front}}
spec: {containers: [{name: c, image: busybox, ports: [{containerPort: 80}]}, {name: d, image: nginx}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-10, labels: {app: db}}
spec: {containers: [{name: c, image: busybox}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-9, labels: {app: db}, annotations: {"a/b": "x<y & z\\nfoo\\n"}}
spec: {containers: [{name: c, image: busybox, resources: {requests: {cpu: 100m}}}]}
---
apiVersion: v1
kind: Secret
metadata: {name: s1}
stringData: {a: b, "yes": "no"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cm1}
data: {a: "1", b: "multi\\nline\\n", c: "true", d: "", e: "😀", f: "2001-01-01", g: " lead", h: "t\\tb"}
"""

FILES = {
    "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n",
    "objs.yaml": OBJECTS.replace("---", "---", 1).split("---", 1)[1],
    "bad1.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  containers:\n  - name: a\n   image: b\n",
    "bad3.yaml": "apiVersion: 1.0\nkind: Deployment\nmetadata:\n  name: x\n",
    "bad4.yaml": "a: b\n",
}


@pytest.fixture(scope="module")
def folder(parity_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of manifests, whose objects exist."""
    made = tmp_path_factory.mktemp("files")
    for name, text in FILES.items():
        (made / name).write_text(text)
    accounts = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default}\n"
    _create(parity_home, accounts, check=False)
    _create(parity_home, OBJECTS)
    return made


def _create(home: Path, text: str, check: bool = True) -> None:
    """The default service account may come a moment after its namespace."""
    command = [KUBECTL, "--kubeconfig", str(home / "kubeconfig"), "create", "-f", "-"]
    deadline = time.monotonic() + 10
    while True:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=60)
        if not check or b"Forbidden" not in done.stderr:
            assert not check or done.returncode == 0, done.stderr.decode()
            return
        assert time.monotonic() < deadline, done.stderr.decode()
        time.sleep(0.2)


@pytest.mark.parametrize("line", LINES)
def test_same(both: Both, folder: Path, line: str) -> None:
    kubectl, minikctl = both(*shlex.split(line), cwd=folder)
    assert minikctl == kubectl
