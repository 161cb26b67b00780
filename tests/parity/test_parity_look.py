"""`wait`, `explain`, `attach`, `config` and their like through both programs: the same output, errors, exit codes and
kubeconfigs for each line of the lists."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.parity.compare import chunks, differences
from tests.parity.conftest import KUBECTL, Both, Outcome, comparable

pytestmark = pytest.mark.kubectl

PLAIN = """apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: aGVsbG8=
    server: https://1.2.3.4
  name: c1
- cluster:
    insecure-skip-tls-verify: true
    server: https://2.2.3.4
  name: c2
contexts:
- context:
    cluster: c1
    namespace: ns1
    user: u1
  name: x1
- context:
    cluster: c2
    user: u2
  name: x2
current-context: x1
kind: Config
users:
- name: u1
  user:
    token: secret
- name: u2
  user:
    client-key-data: aGVsbG8=
    password: b
    username: a
"""

EXTENDED = """apiVersion: v1
kind: Config
users:
- name: e
  user:
    exec: {command: x, apiVersion: v1, env: [{name: a, value: b}], args: [q], interactiveMode: Never}
    auth-provider: {name: oidc, config: {id-token: a, z: q}}
    as: k
    as-groups: [x]
    as-user-extra: {a: [b]}
    tokenFile: /x
contexts: []
preferences: {colors: true}
clusters:
- name: a
  cluster: {server: x, extensions: [{name: e, extension: {a: b}}], certificate-authority: rel/ca.crt}
extensions: [{name: z, extension: {q: r}}]
"""


@pytest.fixture(scope="module")
def pods(both: Both) -> Iterator[None]:
    """A namespace with two pods that no node will run."""
    both("create", "namespace", "look")
    for name in ("a", "b"):
        pod = f"""{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "{name}", "labels": {{"app": "{name}"}}}},
            "spec": {{"containers": [{{"name": "{name}", "image": "x"}}]}}}}"""
        both("create", "-n", "look", "-f", "-", stdin=pod.encode())
    scheduled = ("wait", "-n", "look", "--for=condition=PodScheduled=false", "pod", "a", "b")
    assert both(*scheduled)[1].code == 0
    yield
    both("delete", "namespace", "look", "--wait=false")


@pytest.mark.parametrize("lines", chunks("look_commands.txt"), ids=lambda lines: lines[0][:40])
def test_look(both: Both, pods: None, tmp_path: Path, lines: list[str]) -> None:
    def run(args: list[str], stdin: bytes) -> tuple[Outcome, Outcome]:
        kubectl, minikctl = both(*args, stdin=stdin)
        return kubectl._replace(err=_without_reflector(kubectl.err)), minikctl

    assert not differences(lines, run, tmp_path)


@pytest.mark.parametrize("lines", chunks("config_commands.txt"), ids=lambda lines: lines[0][:40])
def test_config(tmp_path: Path, lines: list[str]) -> None:
    assert not differences(lines, partial(_run_config, tmp_path), tmp_path)


def _without_reflector(text: str) -> str:
    """kubectl logs watches that its own timeout ended."""
    return "".join(line for line in text.splitlines(keepends=True) if "reflector.go" not in line)


def _run_config(folder: Path, args: list[str], stdin: bytes) -> tuple[object, object]:
    outcomes = []
    for program in ([KUBECTL], [sys.executable, "-m", "minikctl"]):
        with tempfile.TemporaryDirectory(dir=folder) as home:
            outcomes.append(_configure(program, args, Path(home)))
    return outcomes[0], outcomes[1]


def _configure(program: list[str], args: list[str], home: Path) -> tuple[int, str, str, str]:
    """(exit code, stdout, stderr, what the kubeconfig is then); help is only known as such."""
    config = home / "f"
    extended = args[0] == "@"
    config.write_text(EXTENDED if extended else PLAIN)
    (home / "ca.crt").write_text("certificate")
    (home / "sub").mkdir()
    command = [*program, "config", "--kubeconfig=f", *args[extended:]]
    done = subprocess.run(
        command, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
    )
    out, err = (comparable(text.decode()).replace(str(home), "HOME") for text in (done.stdout, done.stderr))
    return done.returncode, "help" if "\nUsage:\n" in out else out, err, config.read_text()
