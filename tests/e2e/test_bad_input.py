"""Bad input: the error that kubectl and kube-apiserver would give, and nothing changed."""

from __future__ import annotations

import base64
import os
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.cli import BIN, Cluster

pytestmark = pytest.mark.kubectl


@pytest.fixture
def unchanged(cluster: Cluster, namespace: str) -> str:
    """A namespace; the test ends with the assertion that nothing came into it."""
    return namespace


def nothing_in(cluster: Cluster, namespace: str) -> None:
    assert cluster.run("get", "secrets,configmaps,pods", "-n", namespace, "-o", "name").splitlines() == [
        "configmap/kube-root-ca.crt"
    ]


def test_illegal_base64(cluster: Cluster, unchanged: str, seed: Path) -> None:
    failed = cluster.same("create", "-n", unchanged, "-f", str(seed / "secrets-db-secret.yml"))
    assert failed.exit_code == 1
    assert (
        'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte' in failed.stderr
    )
    nothing_in(cluster, unchanged)


def test_a_list_below_a_scalar(cluster: Cluster, unchanged: str, seed: Path) -> None:
    failed = cluster.same("create", "-n", unchanged, "-f", str(seed / "pod-volume.yml"))
    assert failed.exit_code == 1
    assert "pod-volume.yml" in failed.stderr
    assert "line 18" in failed.stderr or "line 17" in failed.stderr
    nothing_in(cluster, unchanged)


def test_an_api_version_that_does_not_exist(cluster: Cluster, unchanged: str, seed: Path) -> None:
    failed = cluster.same("create", "-n", unchanged, "-f", str(seed / "deployment.yml"))
    assert failed.exit_code == 1
    assert "error validating data: apiVersion isn't string type" in failed.stderr
    fixed = (seed / "deployment.yml").read_text().replace("1.0", '"1.0"')
    failed = cluster.same("create", "-n", unchanged, "-f", "-", stdin=fixed)
    assert 'no matches for kind "Deployment" in version "1.0"' in failed.stderr


def test_an_invalid_name(cluster: Cluster, unchanged: str) -> None:
    manifest = """
apiVersion: v1
kind: Pod
metadata:
  name: rest_service-deployment
spec:
  containers:
  - name: rest_service
    image: rest_service
"""
    failed = cluster.same("create", "-n", unchanged, "-f", "-", stdin=manifest)
    assert (
        'Invalid value: "rest_service-deployment": a lowercase RFC 1123 subdomain must consist of' in failed.stderr
    )
    nothing_in(cluster, unchanged)


def test_missing_files_and_folders_without_manifests(cluster: Cluster, unchanged: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in ("missing.yml", "empty"):
        assert cluster.same("create", "-n", unchanged, "-f", path, cwd=tmp_path).exit_code == 1
    for option in ("--from-file=missing", "--from-file=key=missing", "--from-env-file=missing"):
        failed = cluster.same("create", "secret", "generic", "s", option, "-n", unchanged, cwd=tmp_path)
        assert failed.exit_code == 1
        assert "missing" in failed.stderr
    nothing_in(cluster, unchanged)


def test_an_unreadable_file(cluster: Cluster, unchanged: str, tmp_path: Path) -> None:
    """A folder in place of a file and a link to itself are unreadable even for root."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    secret = ("create", "secret", "generic", "s", "-n", unchanged)
    for args in ((*secret, "--from-file=loop"), (*secret, "--from-file=key=folder"), ("create", "-f", "loop")):
        assert cluster.same(*args, cwd=tmp_path).exit_code == 1
    nothing_in(cluster, unchanged)


def test_a_file_without_permission(cluster: Cluster, unchanged: str, tmp_path: Path) -> None:
    for name in ("file", "pod.yml"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0)
    config = tmp_path / "kubeconfig"
    config.write_text(cluster.run("cluster", "kubeconfig"))
    bound = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    secret = ("create", "secret", "generic", "s", "-n", unchanged)
    for args in (
        (*secret, "--from-file=file"),
        (*secret, "--from-file=key=file"),
        (*secret, "--from-env-file=file"),
        ("create", "-f", "pod.yml"),
        ("create", "-f", "."),
    ):
        ours = cluster.execute(*bound, str(BIN / "minikctl"), *args, cwd=tmp_path)
        theirs = cluster.execute(*bound, str(BIN / "kubectl"), f"--kubeconfig={config}", *args, cwd=tmp_path)
        assert "permission denied" in ours.stderr
        assert repr(ours) == repr(theirs)
    nothing_in(cluster, unchanged)


def test_a_folder_with_no_usable_key(cluster: Cluster, unchanged: str, tmp_path: Path) -> None:
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a key with spaces").write_text("x")
    for folder in ("folder", "bad"):
        args = ("create", "secret", "generic", "s", f"--from-file={folder}", "-n", unchanged)
        assert cluster.same(*args, "--dry-run=client", "-o", "yaml", cwd=tmp_path) is not None


@pytest.mark.parametrize(
    "options",
    [
        ("--from-literal=a=1", "--from-literal=a=2"),
        ("--from-literal=a b=1",),
        ("--from-literal=a/b=1",),
        ("--from-literal=nokey",),
        ("--from-literal==x",),
        ("--from-file==x",),
        ("--from-file=",),
        ("--from-env-file=x", "--from-literal=a=b"),
        (),
    ],
)
def test_keys_that_cannot_be(cluster: Cluster, unchanged: str, options: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "x").write_text("A=1\nB=2\nA=3\n")
    args = ("create", "secret", "generic", "s", *options, "-n", unchanged, "--dry-run=server")
    cluster.same(*args, cwd=tmp_path)
    nothing_in(cluster, unchanged)


def test_a_value_over_1_mib(cluster: Cluster, unchanged: str, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * (1024 * 1024 + 1))
    failed = cluster.same("create", "secret", "generic", "s", "--from-file=big", "-n", unchanged, cwd=tmp_path)
    assert "Too long: may not be more than 1048576 bytes" in failed.stderr
    nothing_in(cluster, unchanged)


def test_binary_values_are_kept_byte_for_byte(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    cluster.run("create", "secret", "generic", "s", "--from-file=binary", "-n", namespace, cwd=tmp_path)
    cluster.run("create", "configmap", "c", "--from-file=binary", "-n", namespace, cwd=tmp_path)
    same = cluster.same("get", "secret/s", "configmap/c", "-n", namespace, "-o", "yaml")
    assert same.count(base64.b64encode(bytes(range(256))).decode()) == 2


def test_a_name_that_is_taken(cluster: Cluster, namespace: str) -> None:
    cluster.run("create", "secret", "generic", "s", "--from-literal=a=b", "-n", namespace)
    failed = cluster.same("create", "secret", "generic", "s", "--from-literal=a=c", "-n", namespace)
    assert failed.exit_code == 1
    assert cluster.run("get", "secret", "s", "-n", namespace, "-o", "jsonpath={.data.a}") == "Yg=="


def test_an_unknown_namespace(cluster: Cluster, manifests: Path) -> None:
    failed = cluster.same("create", "-n", "nowhere", "-f", str(manifests / "secrets" / "pod-env.yml"))
    assert 'namespaces "nowhere" not found' in failed.stderr


POD = """
apiVersion: v1
kind: Pod
metadata: {{name: p}}
spec:
  containers:
  - name: c
    image: busybox:1.36
    {line}
"""


@pytest.mark.parametrize(
    "line",
    [
        "comand: [sleep]",
        "ports: [{containerPort: http}]",
        "env: [{name: A, value: 1}]",
        "env: [{name: A, valueFrom: {secretKeyRef: {name: s}}}]",
        "command: sleep",
        "imagePullPolicy: Sometimes",
        "volumeMounts: [{name: missing, mountPath: /x}]",
        "resources: {limits: {memory: lots}}",
        "name: c",
        "ports: [{containerPort: 99999}]",
        "securityContext: {runAsUser: root}",
        "livenessProbe: {httpGet: {}}",
    ],
)
def test_pods_that_cannot_be(cluster: Cluster, line: str) -> None:
    for level in ("strict", "warn", "ignore"):
        manifest = POD.format(line=line)
        cluster.same("create", "-f", "-", f"--validate={level}", "--dry-run=server", stdin=manifest)
    nothing_in(cluster, "default")


DOCUMENTS = {
    "no-apiVersion": "kind: Pod",
    "no-kind": "apiVersion: v1",
    "neither": "apiVersion: null\nkind: null",
    "kind-is-a-number": "apiVersion: v1\nkind: 5",
    "apiVersion-with-two-slashes": "apiVersion: a/b/c\nkind: Pod",
    "a-list": "- a\n- b",
    "a-word": "just text",
    "a-JSON-array": "[1, 2]",
    "nothing": "",
    "empty-documents": "---\n---\n# comment\n---\n",
    "List-without-items": "apiVersion: v1\nkind: List",
    "List-of-a-word": "apiVersion: v1\nkind: List\nitems: x",
    "metadata-null": "{apiVersion: v1, kind: ConfigMap, metadata: null}",
    "metadata-a-list": "{apiVersion: v1, kind: ConfigMap, metadata: [a]}",
    "name-a-number": "{apiVersion: v1, kind: ConfigMap, metadata: {name: 5}}",
    "label-a-number": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: 5}}}",
    "values-of-other-types": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {z: 1, a: true, m: []}}",
    "control-characters": (
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "a\\tb", labels: {"a\\u0007b": "c\\nd"}}\n'
        'data: {"k\\n": v}'
    ),
    "a-NUL": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b\\u0000"}}',
    "a-name-of-300": "{apiVersion: v1, kind: ConfigMap, metadata: {name: " + "a" * 300 + "}}",
    "lists-of-lists": "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [[{name: a}]]}}",
    "a-map-for-a-list": "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: {name: a}}}",
    "a-null-container": "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [null]}}",
    "a-port-too-large": (
        "{apiVersion: v1, kind: Pod, metadata: {name: a},"
        " spec: {containers: [{name: a, image: b, ports: [{containerPort: 99999999999}]}]}}"
    ),
    "trailing-comma": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "A",}}',
    "ends-early": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}',
    "a-tab": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n\tdata: x",
    "an-unclosed-map": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a",
    "an-unknown-anchor": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: *x}}",
    "an-alias-bomb": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{this}: &{this} [{','.join(['*' + last] * 9)}]\n" for last, this in pairwise("abcdefg")),
    "too-deep": "a: " + "[" * 20_000 + "]" * 20_000,
    "an-unknown-namespace": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: other}}",
    "resourceVersion": '{apiVersion: v1, kind: Namespace, metadata: {name: a.b, resourceVersion: "5"}}',
    "wrong-owner": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, ownerReferences: [{}]}}",
    "dots-for-keys": '{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {"..": "", ".": "", "": "", a/b: ""}}',
    "half-a-key-pair": (
        '{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, metadata: {name: a}, data: {tls.crt: ""}}'
    ),
}


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_documents_that_are_no_objects(cluster: Cluster, text: str) -> None:
    failed = cluster.same("create", "-f", "-", "--dry-run=server", stdin=text)
    assert failed.exit_code == 1
    assert "Traceback" not in failed.stderr
    nothing_in(cluster, "default")


LIST = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: good}}
- apiVersion: v1
  kind: Pod
  metadata: {name: p}
  spec:
    containers: [{name: c, image: i, ports: [{containerPort: 80}], resources: {limits: {cpu: 1}}}]
    volumes: [{name: v, emptyDir: {sizeLimit: 1Mi}}]
"""


def test_a_list_of_objects(cluster: Cluster) -> None:
    """kubectl validates a List's items itself, by the server's OpenAPI v2 document in protobuf form."""
    made = cluster.same("create", "-f", "-", "--dry-run=server", stdin=LIST)
    assert made == "configmap/good created (server dry run)\npod/p created (server dry run)\n"
    refused = cluster.kubectl("create", "-f", "-", "--dry-run=server", stdin=LIST.replace("image:", "imagge:"))
    assert 'unknown field "imagge" in io.k8s.api.core.v1.Container' in refused.stderr
    assert "unknown field" in cluster.fails("create", "-f", "-", stdin=LIST.replace("image:", "imagge:")).stderr


def test_bytes_that_are_no_text(cluster: Cluster, tmp_path: Path) -> None:
    for number, raw in enumerate(
        (b"name: b\xff\xfe", b'name: "b\x00"', b"\x7fELF\x02\x01\x01\x00", b"\xff\xfea\x00")
    ):
        (tmp_path / f"{number}.yml").write_bytes(raw)
        assert cluster.same("create", "-f", f"{number}.yml", "--dry-run=server", cwd=tmp_path).exit_code == 1


def test_several_documents_one_bad(cluster: Cluster, namespace: str) -> None:
    manifest = """
apiVersion: v1
kind: ConfigMap
metadata: {name: good}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: Bad_Name}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: also-good}
"""
    failed = cluster.same("create", "-n", namespace, "--dry-run=server", "-f", "-", stdin=manifest)
    assert failed.exit_code == 1
    assert failed == "configmap/good created (server dry run)\nconfigmap/also-good created (server dry run)\n"


def test_a_full_disk_refuses_writes_and_recovers(tmp_path: Path) -> None:
    """The cluster's home is a small file system of its own, which is filled and then emptied."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount the small file system that this fills")
    home = tmp_path / ".minikctl"
    home.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", str(home)], check=True)
    cluster = Cluster(home, f"full-{os.getpid()}")
    try:
        cluster.run("create", "secret", "generic", "before", "--from-literal=a=b")
        filler = home / "filler"
        with filler.open("wb") as file:
            try:
                while True:
                    file.write(b"x" * 65536)
                    file.flush()
            except OSError:
                pass
        (tmp_path / "large").write_bytes(os.urandom(600_000))
        failed = cluster.fails("create", "secret", "generic", "lost", f"--from-file=a={tmp_path / 'large'}")
        assert "disk is full" in failed.stderr
        filler.unlink()
        cluster.run("create", "secret", "generic", "after", "--from-literal=a=b")
        assert cluster.run("get", "secrets", "-o", "name") == "secret/after\nsecret/before\n"
        cluster.run("cluster", "delete", check=False)
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)
