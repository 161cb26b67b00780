"""Server-side apply, conflicts, propagation and paging through Python's clients, as they come from PyPI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.backend_process import running_backend

lightkube = pytest.importorskip("lightkube")
kubernetes = pytest.importorskip("kubernetes")


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_backend(tmp_path_factory.mktemp("clients")) as home:
        yield str(home / "kubeconfig")


def deployment(replicas: int | None) -> dict[str, Any]:
    container = {"name": "web", "image": "busybox:1.36", "ports": [{"containerPort": 80}]}
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
    }
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves its sockets open
def test_lightkube_applies_shares_and_takes_over(kubeconfig: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from lightkube.core.exceptions import ApiError
    from lightkube.resources.core_v1 import ConfigMap

    monkeypatch.setenv("KUBECONFIG", kubeconfig)
    one, two = (lightkube.Client(field_manager=name) for name in ("one", "two"))

    def config(**data: str) -> Any:
        return ConfigMap.from_dict({"metadata": {"name": "a", "namespace": "default"}, "data": data})

    one.apply(config(a="1", b="2"))
    with pytest.raises(ApiError, match=r'conflict with "one": \.data\.a'):
        two.apply(config(a="2"))
    taken = two.apply(config(a="2"), force=True)
    assert taken.data == {"a": "2", "b": "2"}
    assert one.apply(config(c="3")).data == {"a": "2", "c": "3"}
    managers = {entry.manager for entry in one.get(ConfigMap, "a").metadata.managedFields}
    assert managers == {"one", "two"}


def test_the_official_client_applies_and_orphans(kubeconfig: str) -> None:
    from kubernetes import client, config, dynamic
    from kubernetes.dynamic.exceptions import ConflictError

    config.load_kube_config(kubeconfig)
    api = dynamic.DynamicClient(client.ApiClient())
    deployments = api.resources.get(api_version="apps/v1", kind="Deployment")

    def apply(body: dict[str, Any], manager: str, force: bool = False) -> Any:
        return deployments.server_side_apply(
            body=body, name="web", namespace="default", field_manager=manager, force_conflicts=force
        )

    apply(deployment(3), "one")
    with pytest.raises(ConflictError) as caught:
        apply(deployment(2), "two")
    assert 'conflict with \\"one\\": .spec.replicas' in str(caught.value.body)
    assert apply(deployment(2), "two", force=True).spec.replicas == 2
    assert apply(deployment(None), "two").spec.replicas == 1  # nobody's any more: the default
    deployments.delete(name="web", namespace="default", body={"propagationPolicy": "Foreground"})


def test_the_official_client_pages_through_one_snapshot(kubeconfig: str) -> None:
    from kubernetes import client, config

    config.load_kube_config(kubeconfig)
    core = client.CoreV1Api()
    for number in range(5):
        core.create_namespaced_secret("default", client.V1Secret(metadata=client.V1ObjectMeta(name=f"p{number}")))
    first = core.list_namespaced_secret("default", limit=2)
    core.delete_namespaced_secret("p3", "default")
    names = [item.metadata.name for item in first.items]
    token = first.metadata._continue
    while token:
        page = core.list_namespaced_secret("default", limit=2, _continue=token)
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue
    assert [name for name in names if name.startswith("p")] == ["p0", "p1", "p2", "p3", "p4"]
