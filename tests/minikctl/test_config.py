"""`config` on minikctl's own kubeconfig, and on several files at once."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from minikctl.cli import run
from minikctl.command import Streams

OWN = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "minikctl", "cluster": {"server": "https://127.0.0.1:1"}}],
    "contexts": [{"name": "minikctl", "context": {"cluster": "minikctl", "user": "minikctl"}}],
    "current-context": "minikctl",
    "users": [{"name": "minikctl", "user": {"token": "secret"}}],
}


def config(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = run(["config", *argv], Streams(io.StringIO(), out, err))
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kubeconfig of the profile minikctl."""
    monkeypatch.setenv("MINIKCTL_HOME", str(tmp_path))
    monkeypatch.delenv("MINIKCTL_KUBECONFIG", raising=False)
    monkeypatch.delenv("MINIKCTL_CLUSTER", raising=False)
    path = tmp_path / "clusters" / "minikctl" / "kubeconfig"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(OWN))
    path.chmod(0o640)
    return path


@pytest.fixture
def two(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """$MINIKCTL_KUBECONFIG's two files: the first has the context a, the second a (which does not count) and b."""
    first, second = tmp_path / "first", tmp_path / "second"
    context = "contexts:\n- context: {{cluster: {0}, user: {0}}}\n  name: {1}\n"
    first.write_text("current-context: a\n" + context.format("one", "a"))
    second.write_text(context.format("two", "a") + "- context: {cluster: two, user: two}\n  name: b\n")
    monkeypatch.setenv("MINIKCTL_KUBECONFIG", f"{first}:{second}")
    return first, second


def test_the_own_file_stays_json_and_keeps_its_mode(own: Path) -> None:
    assert config("set-context", "--current", "--namespace=ns") == (0, 'Context "minikctl" modified.\n', "")
    changed = json.loads(own.read_text())
    assert changed["contexts"][0]["context"] == {"cluster": "minikctl", "user": "minikctl", "namespace": "ns"}
    assert changed["users"] == OWN["users"]
    assert own.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in own.parent.iterdir()] == ["kubeconfig"]


def test_a_section_that_becomes_empty_leaves_a_file_that_can_be_read(own: Path) -> None:
    assert config("delete-user", "minikctl") == (0, f"deleted user minikctl from {own}\n", "")
    assert json.loads(own.read_text())["users"] == []
    assert config("get-users") == (0, "NAME\n", "")


def test_what_changes_nothing_does_not_write(own: Path) -> None:
    before = own.stat()
    assert config("use-context", "minikctl")[0] == 0
    assert own.stat().st_ino == before.st_ino


def test_cluster_names_the_contexts_cluster_and_not_another_profile(own: Path) -> None:
    assert config("set-context", "other", "--cluster=elsewhere")[0] == 0
    contexts = {entry["name"]: entry["context"] for entry in json.loads(own.read_text())["contexts"]}
    assert contexts["other"] == {"cluster": "elsewhere", "user": ""}


def test_an_entry_is_changed_in_the_file_that_has_it(two: tuple[Path, Path]) -> None:
    first, second = two
    before = first.read_text()
    assert config("set-context", "b", "--namespace=ns")[0] == 0
    assert first.read_text() == before
    assert "namespace: ns" in second.read_text()


def test_the_first_file_counts_and_gets_what_is_new(two: tuple[Path, Path]) -> None:
    first, second = two
    before = second.read_text()
    assert config("view", "-o", "jsonpath={.contexts[*].context.cluster}")[1] == "one two"
    assert config("set-cluster", "new", "--server=https://x")[0] == 0
    assert config("use-context", "b")[0] == 0
    assert second.read_text() == before
    assert "https://x" in first.read_text()
    assert config("current-context") == (0, "b\n", "")


def test_a_named_file_that_does_not_exist_is_made_for_its_owner_only(own: Path, tmp_path: Path) -> None:
    path = tmp_path / "new"
    assert config(f"--kubeconfig={path}", "set-credentials", "u", "--token=t")[0] == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert "token: t" in path.read_text()


def test_what_is_no_kubeconfig_is_left_alone(own: Path) -> None:
    own.write_text("- not\n- one\n")
    code, _, err = config("set", "current-context", "x")
    assert (code, own.read_text()) == (1, "- not\n- one\n")
    assert err.startswith(f'error: error loading config file "{own}"')


def test_secrets_are_shown_only_when_asked_for(own: Path) -> None:
    assert "secret" not in config("view")[1]
    assert "token: secret" in config("view", "--raw")[1]
