"""Clients in pods find the API server by what every pod gets: variables, a token, the CA. Real kubectl, real Python."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator

import pytest

from tests.support import host_python
from tests.support.cli import BIN, Cluster, Output

pytestmark = pytest.mark.docker

LIST_PODS = """
    from kubernetes import client, config
    config.load_incluster_config()
    namespace = open("/var/run/secrets/kubernetes.io/serviceaccount/namespace").read()
    print([pod.metadata.name for pod in client.CoreV1Api().list_namespaced_pod(namespace).items])
"""


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    cluster.run("create", "namespace", "in-cluster")
    yield "in-cluster"
    cluster.run("delete", "namespace", "in-cluster", "--wait=false")


@pytest.fixture(scope="module")
def pod(cluster: Cluster, namespace: str) -> str:
    """It has this machine's kubectl and Python, read only, and waits."""
    body = host_python.add_to({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "client", "namespace": namespace},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "c", "image": "busybox:1.36", "command": ["sleep", "3600"]}],
        },
    })  # fmt: skip
    cluster.run("apply", "-f", "-", stdin=json.dumps(body))
    cluster.run("wait", "--for=condition=Ready", "pod/client", "-n", namespace, "--timeout=60s")
    return "client"


def inside(cluster: Cluster, namespace: str, pod: str, *command: str) -> Output:
    return cluster.run("exec", "-n", namespace, pod, "--", *command, check=False)


def allow(cluster: Cluster, namespace: str, name: str, verbs: str) -> None:
    cluster.run("create", "role", name, f"--verb={verbs}", "--resource=pods", "-n", namespace)
    account = f"--serviceaccount={namespace}:default"
    cluster.run("create", "rolebinding", name, f"--role={name}", account, "-n", namespace)


def test_clients_are_known_refused_and_then_allowed(cluster: Cluster, namespace: str, pod: str) -> None:
    kubectl = (str(BIN / "kubectl"), "get", "pods", "-o", "name")
    refused = inside(cluster, namespace, pod, *kubectl)
    assert refused.exit_code == 1
    who = f"system:serviceaccount:{namespace}:default"
    assert f'pods is forbidden: User "{who}" cannot list resource "pods"' in refused.stderr

    allow(cluster, namespace, "reader", "get,list,watch")
    allowed = inside(cluster, namespace, pod, *kubectl)
    assert (allowed, allowed.stderr) == ("pod/client\n", "")
    assert inside(cluster, namespace, pod, sys.executable, "-c", textwrap.dedent(LIST_PODS)) == "['client']\n"
    whoami = inside(cluster, namespace, pod, str(BIN / "kubectl"), "auth", "whoami", "-o", "json")
    assert whoami.json["status"]["userInfo"]["extra"]["authentication.kubernetes.io/pod-name"] == ["client"]


def test_the_server_s_names_lead_there_too(cluster: Cluster, namespace: str, pod: str) -> None:
    folder = "/var/run/secrets/kubernetes.io/serviceaccount"
    for host in ("kubernetes.default.svc", "kubernetes.default", "kubernetes.default.svc.cluster.local"):
        options = f"--server=https://{host} --certificate-authority={folder}/ca.crt --token=$(cat {folder}/token)"
        version = inside(cluster, namespace, pod, "sh", "-c", f"{BIN}/kubectl {options} get --raw /version")
        assert version.json["major"] == "1"


def test_the_service_leads_to_this_machine_s_address_on_the_bridge(cluster: Cluster) -> None:
    [subset] = cluster.run("get", "endpoints", "kubernetes", "-o", "json").json["subsets"]
    gateway = cluster.execute("docker", "network", "inspect", "bridge").json[0]["IPAM"]["Config"][0]["Gateway"]
    assert subset["addresses"] == [{"ip": gateway}]
