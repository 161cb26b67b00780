"""`create secret generic --ssl-cert`, which kubectl does not have, and `~` in a file's path."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest

from minikctl.cli import run
from minikctl.command import Streams
from tests.support.pem import certificate, ec_key, pem_key


def create(*options: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    arguments = ["create", "secret", "generic", "s", *options, "--dry-run=client", "-o", "json"]
    code = run(arguments, Streams(io.StringIO(), out, err))
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MINIKCTL_HOME", str(tmp_path / ".minikctl"))
    return tmp_path


def test_a_certificate_is_stored_under_its_key(home: Path) -> None:
    content = certificate(ec_key())
    (home / "server.crt").write_bytes(content)
    code, out, _ = create("--ssl-cert=cert=~/server.crt", "--from-literal=a=b")
    assert code == 0
    data = json.loads(out)["data"]
    assert base64.b64decode(data["cert"]) == content
    assert data["a"] == "Yg=="


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ("server.crt", "error: invalid --ssl-cert server.crt, expected key=file\n"),
        ("cert=", "error: file path for key name cert missing\n"),
        ("=server.crt", "error: key name for file path server.crt missing\n"),
        ("cert=~/nothing", "error: open {home}/nothing: no such file or directory\n"),
        (
            "cert=~/key",
            "error: --ssl-cert {home}/key is not a PEM certificate: there is no CERTIFICATE block in it\n",
        ),
        ("a=~/server.crt,a=~/server.crt", "error: cannot add key a, another key by that name already exists\n"),
    ],
)
def test_what_is_no_certificate_is_refused(home: Path, option: str, error: str) -> None:
    key = ec_key()
    (home / "server.crt").write_bytes(certificate(key))
    (home / "key").write_bytes(pem_key(key))
    assert create(f"--ssl-cert={option}") == (1, "", error.format(home=home))


def test_a_block_that_only_looks_like_a_certificate_is_refused(home: Path) -> None:
    (home / "bad").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    code, out, err = create("--ssl-cert=cert=~/bad")
    assert (code, out) == (1, "")
    assert err.startswith(f"error: --ssl-cert {home}/bad is not a PEM certificate: ")


def test_the_tilde_is_the_home_directory_for_files_too(home: Path) -> None:
    (home / ".ssh").mkdir()
    (home / ".ssh" / "id_rsa").write_text("private")
    code, out, _ = create("--from-file=ssh-private-key=~/.ssh/id_rsa")
    assert code == 0
    assert base64.b64decode(json.loads(out)["data"]["ssh-private-key"]) == b"private"
