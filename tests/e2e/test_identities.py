"""Whoever has a token or a certificate of the cluster, seen from outside by the real kubectl."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.cli import BIN, Cluster, Output
from tests.support.csr import csr, pkcs10

MOUNTED = "/var/run/secrets/kubernetes.io/serviceaccount"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: "busybox:1.36", imagePullPolicy: IfNotPresent, command: [sleep, "3600"]}]
"""


def stranger(cluster: Cluster, *args: str) -> Output:
    """kubectl with nothing but the server's address, its CA, and what `args` give."""
    info = json.loads((cluster.folder / "backend.json").read_text())
    way = (f"--server={info['endpoint']}", f"--certificate-authority={info['caFile']}")
    return cluster.execute(str(BIN / "kubectl"), "--kubeconfig=/dev/null", *way, *args)


def who(cluster: Cluster, *credentials: str) -> dict:
    answer = stranger(cluster, *credentials, "auth", "whoami", "-o", "json")
    assert answer.exit_code == 0, answer
    return answer.json["status"]["userInfo"]


@pytest.mark.docker
def test_a_pod_has_the_token_of_its_account_while_it_lives(cluster: Cluster, namespace: str) -> None:
    cluster.run("-n", namespace, "create", "-f", "-", stdin=POD)
    cluster.wait_for_pod("p", ".status.phase", "Running", namespace=namespace)

    def read(file: str) -> str:
        return str(cluster.run("-n", namespace, "exec", "p", "--", "cat", f"{MOUNTED}/{file}"))

    assert read("namespace") == namespace
    assert read("ca.crt") == (cluster.folder / "pki" / "ca.crt").read_text()
    token = f"--token={read('token')}"
    user = who(cluster, token)
    assert user["username"] == f"system:serviceaccount:{namespace}:default"
    assert user["extra"]["authentication.kubernetes.io/pod-name"] == ["p"]
    assert "system:serviceaccounts" in user["groups"]
    cluster.run("-n", namespace, "delete", "pod", "p")
    assert "You must be logged in to the server" in stranger(cluster, token, "get", "pods").stderr


def test_an_account_may_do_what_its_roles_say(cluster: Cluster, namespace: str) -> None:
    cluster.run("-n", namespace, "create", "serviceaccount", "reader")
    token = f"--token={cluster.run('-n', namespace, 'create', 'token', 'reader')}"
    name = f"system:serviceaccount:{namespace}:reader"
    refused = stranger(cluster, token, "-n", namespace, "get", "configmaps")
    assert f'User "{name}" cannot list resource "configmaps"' in refused.stderr
    cluster.run(
        "-n", namespace, "create", "rolebinding", "r", "--clusterrole=view", f"--serviceaccount={namespace}:reader"
    )
    assert "kube-root-ca.crt" in stranger(cluster, token, "-n", namespace, "get", "configmaps")
    assert "kube-root-ca.crt" in cluster.run("-n", namespace, "--as", name, "get", "configmaps")
    assert "Forbidden" in cluster.fails("-n", namespace, "--as", name, "get", "secrets").stderr
    cluster.run("-n", namespace, "delete", "serviceaccount", "reader")
    refused = stranger(cluster, token, "-n", namespace, "get", "configmaps")
    assert "You must be logged in to the server" in refused.stderr


def test_a_secret_keeps_a_token_that_does_not_end(cluster: Cluster, namespace: str) -> None:
    meta = {"name": "t", "annotations": {"kubernetes.io/service-account.name": "default"}}
    kind = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token"}
    cluster.run("-n", namespace, "create", "-f", "-", stdin=json.dumps({**kind, "metadata": meta}))
    cluster.run("-n", namespace, "wait", "--for=jsonpath={.data.token}", "secret/t", "--timeout=10s")
    encoded = cluster.run("-n", namespace, "get", "secret", "t", "-o", "jsonpath={.data.token}")
    token = base64.b64decode(encoded).decode()
    assert who(cluster, f"--token={token}")["username"] == f"system:serviceaccount:{namespace}:default"


def test_a_certificate_is_asked_for_approved_and_used(cluster: Cluster, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = csr(pkcs10("jane", ["devs"], key=key), name="jane")
    kind = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
    cluster.run("create", "-f", "-", stdin=json.dumps({**kind, **request}))
    cluster.run("certificate", "approve", "jane")
    cluster.run("wait", "--for=jsonpath={.status.certificate}", "csr/jane", "--timeout=10s")
    assert "Approved,Issued" in cluster.run("get", "csr", "jane")
    (tmp_path / "crt").write_bytes(
        base64.b64decode(cluster.run("get", "csr", "jane", "-o", "jsonpath={.status.certificate}"))
    )
    (tmp_path / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    user = who(cluster, f"--client-certificate={tmp_path / 'crt'}", f"--client-key={tmp_path / 'key'}")
    assert (user["username"], user["groups"]) == ("jane", ["devs", "system:authenticated"])
