"""`create` and `delete` through both programs: the same output, errors and exit code for each line of the lists."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.parity.compare import chunks, differences, write_manifests
from tests.parity.conftest import Both
from tests.support.pem import certificate, ec_key, ed25519_key, pem_key, rsa_key

pytestmark = pytest.mark.kubectl


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `create secret` and `create configmap` are given."""
    made = tmp_path_factory.mktemp("sources")
    rsa, ec, strange = rsa_key(), ec_key(), b"-----BEGIN FOO-----\nMIIB\n-----END FOO-----\n"
    c, ec_certificate = certificate(rsa), certificate(ec)
    files = {
        "user.txt": b"root", "passwrd.txt": b"s3cr3t", "bin.dat": random.Random(1).randbytes(300),
        "big.dat": bytes(1_100_000), "big1.txt": b"a" * 1_048_577, "ok1.txt": b"a" * 1_048_000, "empty": b"",
        "e.env": b'A=1\nB=two words\n#c\n\n  C=3\nHOME\nNOTSET_X\nD="q"\r\n', "bad.env": b"A B=1\n",
        "bom.env": b"\xef\xbb\xbfX=1\n", "u8.env": b"X=\xff\n", "noname.env": b"=x\n", "dup.env": b"A=1\nA=2\n",
        "digit.env": b"1A=1\n", "nonl.env": b"A=1", "long.env": b"X=" + b"a" * 70_000 + b"\nY=1\n",
        "c.crt": c, "k.key": pem_key(rsa), "k1.key": pem_key(rsa_key(), traditional=True), "k2.key": pem_key(rsa_key()),
        "ec.crt": ec_certificate, "ek.key": pem_key(ec), "ek2.key": pem_key(ec_key(), traditional=True),
        "ed.key": pem_key(ed25519_key()), "enc.key": pem_key(rsa, b"x"),
        "enct.key": pem_key(rsa, b"x", traditional=True), "g.txt": b"garbage",
        "bc.crt": b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "bb.crt": b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
        **{
            name: b"-----BEGIN %b-----\nMIIB\n-----END %b-----\n" % (kind, kind)
            for name, kind in (("bk.key", b"PRIVATE KEY"), ("brk.key", b"RSA PRIVATE KEY"),
                               ("bek.key", b"EC PRIVATE KEY"))
        },
        "foo.pem": strange, "fg.pem": strange + b"garbage", "chain.crt": c + ec_certificate,
        "both.pem": pem_key(rsa) + c, "pre.crt": b"text\n" + c, "crlf.crt": c.replace(b"\n", b"\r\n"),
        "c.der": b"\x30\x82\x01", "dc.json": b'{"auths":{}}',
        "dir/a.txt": b"x", "dir/b_c": b"y", "dir/bad key": b"z", "dir/sub/n.txt": b"w", "subonly/x/y": b"",
    }  # fmt: skip
    for name, content in files.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(content)
    (made / "emptydir").mkdir()
    (made / "dir" / "link").symlink_to("a.txt")
    return made


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of manifests.json, whose text is Latin-1 for their bytes."""
    made = tmp_path_factory.mktemp("manifests")
    write_manifests(made)
    for name, text in (("yes", "y\n"), ("no", "n\n")):
        (made / name).write_text(text)
    (made / "e").mkdir(exist_ok=True)
    return made


@pytest.fixture(scope="module")
def kept(both: Both) -> None:
    """A namespace whose objects no listed command deletes."""
    for args in (
        ("namespace", "kept"),
        ("configmap", "full", "-n", "kept"),
        ("secret", "generic", "full", "-n", "kept"),
    ):
        both("create", *args)


@pytest.mark.parametrize("lines", chunks("create_commands.txt"), ids=lambda lines: lines[0][:40])
def test_create_by_name(both: Both, sources: Path, lines: list[str]) -> None:
    run = partial(_run, both, sources)
    assert not differences(lines, run, sources)


@pytest.mark.parametrize("lines", chunks("create_file_commands.txt"), ids=lambda lines: lines[0][:40])
def test_create_from_files(both: Both, manifests: Path, lines: list[str]) -> None:
    run = partial(_run, both, manifests)
    assert not differences(lines, run, manifests)


@pytest.mark.parametrize("lines", chunks("delete_commands.txt"), ids=lambda lines: lines[0][:40])
def test_delete(both: Both, manifests: Path, kept: None, lines: list[str]) -> None:
    run = partial(_run, both, manifests)
    assert not differences(lines, run, manifests)


@pytest.fixture
def web(manifests: Path) -> Iterator[str]:
    """The manifests by HTTP."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(manifests)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", ["cm.yaml", "multi.yaml", "j2.json", "badindent.yaml", "d"])
def test_create_by_url(both: Both, manifests: Path, web: str, name: str) -> None:
    kubectl, minikctl = both("create", "-f", f"{web}/{name}", "--dry-run=client", cwd=manifests)
    assert minikctl == kubectl


def test_an_empty_name_deletes_nothing(both: Both, kept: None) -> None:
    _, outcome = both("delete", "configmaps", "", "-n", "kept")
    assert outcome == (1, "", "error: resource name may not be empty\n")
    assert "full" in both("get", "configmaps", "-n", "kept")[1].out


def _run(both: Both, folder: Path, args: list[str], stdin: bytes) -> tuple[object, object]:
    return both(*args, stdin=stdin, cwd=folder)
