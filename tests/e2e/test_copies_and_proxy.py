"""Files to and from containers, and the API on a port of this machine: by minikctl, held against kubectl."""

from __future__ import annotations

import http.client
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.cli import BIN, Cluster

pytestmark = [pytest.mark.docker, pytest.mark.kubectl]

POD = """
apiVersion: v1
kind: Pod
metadata: {name: box}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: busybox:1.36
    command: [sh, -c, "echo hello >/tmp/index.html; exec httpd -f -p 8080 -h /tmp"]
    ports: [{containerPort: 8080}]
    readinessProbe: {httpGet: {port: 8080, path: /}, periodSeconds: 1}
"""


@pytest.fixture(scope="module")
def box(cluster: Cluster) -> Iterator[str]:
    cluster.run("create", "-f", "-", stdin=POD)
    cluster.run("wait", "pod/box", "--for=condition=Ready", "--timeout=60s")
    cluster.kubectl("version")  # writes the kubeconfig
    yield "box"
    cluster.run("delete", "pod", "box", "--wait=false")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with all that a folder can have."""
    made = tmp_path / "tree"
    (made / "sub" / "deep").mkdir(parents=True)
    (made / "empty").mkdir()
    (made / "a file").write_bytes(os.urandom(100_000))
    (made / "sub" / "script").write_text("#!/bin/sh\n")
    (made / "sub" / "script").chmod(0o755)
    (made / "sub" / "deep" / ("n" * 150)).write_text("a long name")
    os.link(made / "a file", made / "same")
    return made


def content(folder: Path) -> dict[str, bytes | None]:
    """Paths below a folder; None for folders."""
    found = sorted(folder.rglob("*"))
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in found}


def test_a_folder_goes_there_and_comes_back(cluster: Cluster, box: str, tree: Path, tmp_path: Path) -> None:
    cluster.run("cp", str(tree), f"{box}:/tmp/there")
    assert cluster.run("exec", box, "--", "/tmp/there/sub/script").exit_code == 0
    cluster.run("cp", f"default/{box}:/tmp/there", str(tmp_path / "back"))
    assert content(tmp_path / "back") == content(tree)
    cluster.run("cp", str(tree), f"{box}:/tmp/there", "-c", "c", "--no-preserve")
    assert cluster.run("exec", box, "--", "ls", "/tmp/there/tree").splitlines() == sorted(os.listdir(tree))


def test_one_file_takes_the_name_it_is_given(cluster: Cluster, box: str, tree: Path, tmp_path: Path) -> None:
    cluster.run("cp", str(tree / "a file"), f"{box}:/tmp/given")
    for flags in ((), ("--retries=2",), ("--retries=-1",)):
        cluster.run("cp", f"{box}:/tmp/given", str(tmp_path / "new" / "name"), *flags)
        assert (tmp_path / "new" / "name").read_bytes() == (tree / "a file").read_bytes()


def test_links_are_copied_there_and_never_made_here(
    cluster: Cluster, box: str, tree: Path, tmp_path: Path
) -> None:
    (tree / "link").symlink_to("sub/script")
    cluster.run("cp", str(tree), f"{box}:/tmp/links")
    assert cluster.run("exec", box, "--", "readlink", "/tmp/links/link").strip() == "sub/script"
    taken = cluster.run("cp", f"{box}:/tmp/links", str(tmp_path / "taken"))
    assert taken.stderr.startswith(
        f'warning: skipping symlink: "{tmp_path}/taken/link" -> "sub/script" (consider '
    )
    assert not (tmp_path / "taken" / "link").is_symlink()


def test_an_archive_cannot_write_outside_of_its_target(cluster: Cluster, box: str, tmp_path: Path) -> None:
    """A container whose tar is not to be trusted."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("evil/fine", "evil/../../escaped"):
            entry = tarfile.TarInfo(name)
            entry.size = 4
            tar.addfile(entry, io.BytesIO(b"evil"))
    (tmp_path / "evil.tar").write_bytes(archive.getvalue())
    (tmp_path / "tar").write_text("#!/bin/sh\ncat /tmp/evil.tar\n")
    (tmp_path / "tar").chmod(0o755)
    cluster.run("cp", str(tmp_path / "evil.tar"), f"{box}:/tmp/evil.tar")
    cluster.run("cp", str(tmp_path / "tar"), f"{box}:/bin/tar.evil")
    cluster.run("exec", box, "--", "sh", "-c", "cp /bin/tar /bin/tar.good; rm /bin/tar; mv /bin/tar.evil /bin/tar")
    try:
        taken = cluster.run("cp", f"{box}:evil", str(tmp_path / "safe" / "here"))
    finally:
        cluster.run("exec", box, "--", "mv", "/bin/tar.good", "/bin/tar")
    assert "is outside target destination, skipping" in taken.stderr
    assert content(tmp_path / "safe") == {"here": None, "here/fine": b"evil"}


def test_what_cannot_be_copied_is_told_as_kubectl_does(cluster: Cluster, box: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for arguments in (
        "x", "a b", f"{box}:/tmp/a {box}:/tmp/b", f"{box}: b", "a/b/c:/tmp x", ":x y", f"nope {box}:/tmp",
        "file default/nope:/tmp", f"file {box}:/nope/x", f"file {box}:/tmp -c d",
    ):  # fmt: skip
        cluster.same("cp", *arguments.split(), cwd=tmp_path)
    to_folder = ("cp", f"{box}:/tmp/index.html", ".")
    for output in (cluster.fails(*to_folder, cwd=tmp_path), cluster.kubectl(*to_folder, cwd=tmp_path)):
        # What tar says in the pod may come before the end, or not.
        assert (output.exit_code, output.stderr) == (1, "error: open .: is a directory\n")
    assert cluster.fails("cp", f"{box}:/tmp/nope", str(tmp_path / "z")).exit_code == 1


@contextmanager
def proxied(cluster: Cluster, *args: str) -> Iterator[int]:
    """The port on which `minikctl proxy` serves."""
    process = cluster.spawn("proxy", "--port=0", *args, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Starting to serve on 127.0.0.1:")
        yield int(line.rpartition(":")[2])
    finally:
        process.kill()
        process.communicate()


def ask(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_the_whole_api_is_there(cluster: Cluster, box: str) -> None:
    json_body = {"Content-Type": "application/json"}
    maps = "/api/v1/namespaces/default/configmaps"
    with proxied(cluster) as port:
        assert json.loads(ask(port, "GET", "/version")[1])["major"] == "1"
        assert ask(port, "POST", maps, b'{"metadata":{"name":"by-proxy"}}', json_body)[0] == 201
        watch = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        watch.request("GET", f"{maps}?watch=true&fieldSelector=metadata.name%3Dby-proxy")
        events = watch.getresponse()
        assert json.loads(events.readline())["type"] == "ADDED"
        assert ask(port, "DELETE", f"{maps}/by-proxy")[0] == 200
        assert json.loads(events.readline())["type"] == "DELETED"
        watch.close()
        assert ask(port, "GET", f"/api/v1/namespaces/default/pods/{box}/proxy/") == (200, b"hello\n")


def test_only_this_machine_may_ask_and_only_for_what_is_harmless(cluster: Cluster, box: str) -> None:
    with proxied(cluster) as port:
        assert ask(port, "GET", "/version", headers={"Host": "evil.example.com"}) == (403, b"Forbidden\n")
        for subresource in ("exec", "attach"):
            path = f"/api/v1/namespaces/default/pods/{box}/{subresource}?command=ls"
            assert ask(port, "POST", path) == (403, b"Forbidden\n")
    with proxied(cluster, "--reject-methods=POST,^DELETE$", "--accept-paths=^/version$") as port:
        assert ask(port, "GET", "/version")[0] == 200
        assert ask(port, "POST", "/version")[0] == 403
        assert ask(port, "GET", "/api")[0] == 403
    with proxied(cluster, "--disable-filter") as port:
        assert ask(port, "GET", "/version", headers={"Host": "evil.example.com"})[0] == 200


def test_prefixes_and_files(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("a page\n")
    with proxied(cluster, "--api-prefix=/k8s", f"--www={tmp_path}", "--www-prefix=/files") as port:
        assert ask(port, "GET", "/k8s/version")[0] == 200
        assert ask(port, "GET", "/version") == (404, b"404 page not found\n")
        assert ask(port, "GET", "/files/page.txt") == (200, b"a page\n")
        assert b'<a href="page.txt">page.txt</a>' in ask(port, "GET", "/files/")[1]
        assert ask(port, "GET", "/files/%2e%2e/%2e%2e/etc/passwd")[0] in (307, 404)


def test_kubectl_forwards_ports_through_it(cluster: Cluster, box: str) -> None:
    """An upgraded connection goes through."""
    with proxied(cluster) as port:
        server = f"--server=http://127.0.0.1:{port}"
        forwarding = subprocess.Popen(
            [str(BIN / "kubectl"), server, "port-forward", box, ":8080"],
            env={**cluster.env, "KUBECONFIG": os.devnull}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert forwarding.stdout is not None
            local = int(forwarding.stdout.readline().partition(" ->")[0].rpartition(":")[2])
            assert ask(local, "GET", "/index.html") == (200, b"hello\n")
        finally:
            forwarding.kill()
            forwarding.communicate()


def test_what_cannot_be_served_is_told_as_kubectl_does(cluster: Cluster) -> None:
    for arguments in (
        "--port=8002 --unix-socket=/x/y", "--unix-socket=/nope/y", "--port=99999", "--address=192.0.2.1 --port=0",
    ):  # fmt: skip
        assert cluster.same("proxy", *arguments.split()).exit_code == 1
