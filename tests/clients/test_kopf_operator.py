"""An operator written with kopf works on a CustomResourceDefinition: handlers, status, finalizers, timers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import printed_kubeconfig
from tests.support.backend_process import running_backend

KOPF = shutil.which("kopf", path=str(Path(sys.executable).parent))
KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or ""
OPERATOR = Path(__file__).parent / "widget_operator.py"
_SECONDS = 20.0

DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.operator.example.com"},
    "spec": {
        "group": "operator.example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "name": {"type": "string"},
                                    "size": {"type": "integer", "default": 1},
                                },
                            },
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            }
        ],
    },
}


class Running:
    """The cluster that the operator works on, through kubectl."""

    def __init__(self, home: Path) -> None:
        self._env = {**os.environ, "KUBECONFIG": str(printed_kubeconfig(home)), "HOME": str(home)}
        self._log = home / "operator.log"

    def kubectl(self, *args: str, stdin: Any = None) -> str:
        text = json.dumps(stdin) if stdin is not None else None
        done = subprocess.run(
            [KUBECTL, *args], input=text, env=self._env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_operator(self) -> subprocess.Popen[bytes]:
        assert KOPF is not None
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [KOPF, "run", "--standalone", "--namespace", "default", str(OPERATOR)],
                stdout=log, stderr=log, env=self._env,
            )  # fmt: skip

    def log(self) -> str:
        return self._log.read_text()

    def widget(self) -> Any:
        return json.loads(self.kubectl("get", "widgets.operator.example.com", "w", "-o", "json"))

    def eventually(self, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + _SECONDS
        while not (found := condition()):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)
        return found


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    pytest.importorskip("kopf")
    if not KUBECTL or KOPF is None:
        pytest.skip("kubectl or kopf is not installed beside the interpreter")
    with running_backend(tmp_path) as home:
        cluster = Running(home)
        cluster.kubectl("apply", "-f", "-", stdin=DEFINITION)
        operator = cluster.start_operator()
        try:
            yield cluster
        finally:
            operator.terminate()
            operator.wait(20)


def test_an_operator_handles_the_life_of_its_objects(running: Running) -> None:
    widget = {
        "apiVersion": "operator.example.com/v1", "kind": "Widget", "metadata": {"name": "w"},
        "spec": {"name": "world"},
    }  # fmt: skip
    running.kubectl("apply", "-f", "-", stdin=widget)
    greeted = running.eventually(lambda: running.widget() if "status" in running.widget() else None)
    running.eventually(lambda: running.widget().get("status", {}).get("ticks") == 3)
    greeted = running.widget()
    assert greeted["status"]["greeting"] == "hello world"
    assert greeted["status"]["created"] == {"size": 1}
    assert greeted["metadata"]["finalizers"] == ["operator.example.com/held"]
    assert greeted["metadata"]["generation"] == 1
    running.kubectl("patch", "widgets", "w", "--type=merge", "-p", '{"spec": {"size": 5}}')
    running.eventually(lambda: running.widget()["status"].get("resized") == "1 to 5")
    running.kubectl("delete", "widgets", "w", "--timeout=20s")
    assert "farewell w" in running.log()
    assert running.kubectl("get", "widgets", "-o", "name") == ""
