"""The text that an editor is given and leaves, and which editor that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from minikctl.client.edited import Reason, fault, has_content, header, same, without_comments
from minikctl.client.editor import launch
from minikctl.client.errors import Failure


def test_the_header_comments_every_line_of_a_reason() -> None:
    text = header("# Edit.\n#\n", [Reason("two\nlines"), Reason("refused", ["a: b", "c:\nd"])])
    assert text == "# Edit.\n#\n# two\n# lines\n#\n# refused:\n# * a: b\n# * c:\n# d\n#\n"


def test_comments_go_but_interpreter_lines_stay() -> None:
    assert without_comments(b"# a\nb: c # d\n  # e\n  #!/bin/sh\n") == b"b: c # d\n  #!/bin/sh\n"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (b"a: b\n", b"# c\na:   'b'\n", True),
        (b"a: b\n", b"a: c\n", False),
        (b"a: [\n", b"# c\na: [\n", True),
        (b"a: [\n", b"a: {\n", False),
    ],
)
def test_layout_makes_no_difference(one: bytes, other: bytes, alike: bool) -> None:
    assert same(one, other) is alike


@pytest.mark.parametrize(("text", "content"), [(b"\n  # a\n", False), (b"# a\nb", True), (b"", False)])
def test_only_comments_are_no_content(text: bytes, content: bool) -> None:
    assert has_content(text) is content


def test_faults_of_the_outline() -> None:
    assert fault(b"apiVersion: v1\nkind: Pod\n") == ""
    assert fault(b"apiVersion: v1\n") == "kind not set"
    assert fault(b"# only a comment\n") == "invalid object to validate"
    assert fault(b"a: [b\n").startswith("yaml: line ")


@pytest.fixture
def no_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBE_EDITOR", "EDITOR"):
        monkeypatch.delenv(name, raising=False)


def edited(text: bytes) -> bytes:
    left, path = launch(text, ".yaml")
    Path(path).unlink()
    return left


def test_kube_editor_comes_before_editor(no_editor: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.setenv("KUBE_EDITOR", "sed -i s/a/b/")
    assert edited(b"a") == b"b"


def test_an_editor_with_quotes_is_read_by_the_shell(no_editor: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/sh")
    monkeypatch.setenv("EDITOR", "sed -i 's/a b/c d/'")
    assert edited(b"a b") == b"c d"


def test_what_is_no_editor(no_editor: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("EDITOR", "no-such-editor -w")
    with pytest.raises(Failure, match=r'^unable to launch the editor "no-such-editor -w"$'):
        launch(b"", ".yaml")
    monkeypatch.setenv("EDITOR", "false")
    with pytest.raises(Failure, match=r'^there was a problem with the editor "false"$'):
        launch(b"", ".yaml")
