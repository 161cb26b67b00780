"""kr8s, with and without asyncio: objects, patches, scale, waits, watches, classes for custom resources, pods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import kr8s
import kr8s.asyncio
import kr8s.asyncio.objects as asyncio_objects
import pytest
from kr8s._async_utils import as_sync_func
from kr8s.objects import APIObject, ConfigMap, CustomResourceDefinition, Deployment, Pod, new_class

# It was released before Kubernetes 1.37, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:Kubernetes version v1.37:UserWarning")

_SECONDS = 60

DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gears.kr8s.example.com"},
    "spec": {
        "group": "kr8s.example.com",
        "scope": "Namespaced",
        "names": {"plural": "gears", "singular": "gear", "kind": "Gear", "shortNames": ["kg"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
                },
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def connected(kubeconfig: Path) -> Iterator[kr8s.Api]:
    """The API without asyncio. It has no way to close what it keeps open in its own event loop."""
    api = kr8s.api(kubeconfig=str(kubeconfig))
    yield api
    as_sync_func(api._session.aclose)()


@pytest.fixture(scope="module")
def api(kubeconfig: Path) -> Iterator[kr8s.Api]:
    yield from connected(kubeconfig)


@pytest.fixture(scope="module")
def pods_api(cluster_kubeconfig: Path) -> Iterator[kr8s.Api]:
    yield from connected(cluster_kubeconfig)


def config_map(api: kr8s.Api, namespace: str, name: str, **data: str) -> ConfigMap:
    meta = {"name": name, "namespace": namespace, "labels": {"test": "yes"}}
    return ConfigMap({"metadata": meta, "data": data}, api=api)


def deployment(api: kr8s.Api, namespace: str, name: str = "web") -> Deployment:
    container = {
        "name": "c",
        "image": "busybox:1.36",
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "600"],
    }
    pod = {"containers": [container], "terminationGracePeriodSeconds": 0}
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    return Deployment({"metadata": {"name": name, "namespace": namespace}, "spec": spec}, api=api)


def test_who_and_what(api: kr8s.Api) -> None:
    assert api.version()["gitVersion"].startswith("v1.37")
    assert api.whoami()
    kinds = {(r["version"], r["kind"]) for r in api.api_resources()}
    assert kinds >= {("v1", "Pod"), ("apps/v1", "Deployment"), ("rbac.authorization.k8s.io/v1", "Role")}
    assert {"v1", "batch/v1"} <= set(api.api_versions())


def test_objects(api: kr8s.Api, namespace: str) -> None:
    made = config_map(api, namespace, "m", a="1")
    made.create()
    with pytest.raises(kr8s.ServerError) as twice:
        config_map(api, namespace, "m").create()
    assert twice.value.response is not None
    assert twice.value.response.status_code == 409
    made.patch({"data": {"b": "2"}})
    made.patch([{"op": "remove", "path": "/data/a"}], type="json")
    assert made.data == {"b": "2"}
    made.label({"more": "yes"})
    made.annotate({"note": "kept"})
    read = ConfigMap.get("m", namespace=namespace, api=api)
    assert (read.labels, read.annotations) == ({"test": "yes", "more": "yes"}, {"note": "kept"})
    read.remove_label("more")
    found = list(api.get("configmaps", namespace=namespace, label_selector={"test": "yes"}))
    assert [each.name for each in found] == ["m"]
    assert [each.name for each in api.get("cm", "m", namespace=namespace)] == ["m"]
    made.delete()
    assert not made.exists()
    with pytest.raises(kr8s.NotFoundError):
        ConfigMap.get("m", namespace=namespace, api=api, timeout=0.1)


def test_owners(api: kr8s.Api, namespace: str) -> None:
    """What a deleted object owned is deleted with it."""
    owner, owned = config_map(api, namespace, "owner"), config_map(api, namespace, "owned")
    owner.create()
    owned.create()
    owner.adopt(owned)
    owner.delete()
    owned.wait("delete", timeout=_SECONDS)


def test_scale(api: kr8s.Api, namespace: str) -> None:
    made = deployment(api, namespace)
    made.create()
    made.scale(2)
    made.refresh()
    assert made.replicas == 2
    made.wait("condition=Progressing", timeout=_SECONDS)
    assert len(list(api.get("replicasets", namespace=namespace))) == 1


def test_watch(api: kr8s.Api, namespace: str) -> None:
    config_map(api, namespace, "a").create()
    seen = []
    for kind, obj in api.watch("configmaps", namespace=namespace, label_selector="test=yes"):
        seen.append((kind, obj.name))
        if len(seen) == 1:
            obj.patch({"data": {"n": "1"}})
        elif len(seen) == 2:
            obj.delete()
        else:
            break
    assert seen == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


def test_classes_for_custom_resources(api: kr8s.Api, namespace: str) -> None:
    definition = CustomResourceDefinition(DEFINITION, api=api)
    definition.create()
    definition.wait("condition=Established", timeout=_SECONDS)
    Gear = new_class(kind="Gear", version="kr8s.example.com/v1", namespaced=True, scalable=True)
    made = Gear({"metadata": {"name": "g", "namespace": namespace}, "spec": {"replicas": 1}}, api=api)
    made.create()
    made.scale(3)
    made.patch({"status": {"replicas": 3, "phase": "Up"}}, subresource="status")
    made.refresh()
    assert (made.replicas, made.status.phase, made.metadata.generation) == (3, "Up", 2)
    made.wait("jsonpath='{.status.phase}'=Up", timeout=_SECONDS)
    by_short_name: list[APIObject] = list(api.get("kg", namespace=namespace))
    assert [(each.kind, each.name) for each in by_short_name] == [("Gear", "g")]


@pytest.fixture
async def async_api(kubeconfig: Path) -> AsyncIterator[kr8s.asyncio.Api]:
    api = await kr8s.asyncio.api(kubeconfig=str(kubeconfig))
    yield api
    await api._session.aclose()


async def test_objects_and_watches_without_blocking(async_api: kr8s.asyncio.Api, namespace: str) -> None:
    def made(name: str) -> asyncio_objects.ConfigMap:
        return asyncio_objects.ConfigMap({"metadata": {"name": name, "namespace": namespace}}, api=async_api)

    await asyncio.gather(*(made(f"m{n}").create() for n in range(20)))
    listed = [m.name async for m in async_api.get("configmaps", namespace=namespace)]
    assert {f"m{n}" for n in range(20)} <= set(listed)
    first = await asyncio_objects.ConfigMap.get("m0", namespace=namespace, api=async_api)
    await first.patch({"data": {"n": "1"}})
    await first.delete()
    await first.wait("delete", timeout=_SECONDS)


@pytest.fixture(scope="module")
def server(pods_api: kr8s.Api) -> Iterator[Pod]:
    """A pod that serves a page on port 8080."""
    script = "mkdir /www; echo hello >/www/index.html; echo started; exec httpd -f -p 8080 -h /www"
    container = {
        "name": "c", "image": "busybox:1.36", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script],
        "ports": [{"containerPort": 8080}],
    }  # fmt: skip
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    pod = Pod({"metadata": {"name": "kr8s", "namespace": "default"}, "spec": spec}, api=pods_api)
    pod.create()
    pod.wait("condition=Ready", timeout=_SECONDS)
    yield pod
    pod.delete()


@pytest.mark.docker
def test_exec_and_logs(server: Pod) -> None:
    done = server.exec(["sh", "-c", "echo out; echo err >&2"])
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 0)
    failed = server.exec(["sh", "-c", "exit 5"], check=False)
    assert failed.returncode == 5
    assert list(server.logs()) == ["started"]
    assert server.ready()


@pytest.mark.docker
def test_ports_are_forwarded(server: Pod) -> None:
    with server.portforward(remote_port=8080, local_port="auto") as port:
        assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, timeout=_SECONDS).text == "hello\n"
        assert httpx.get(f"http://127.0.0.1:{port}/none", trust_env=False, timeout=_SECONDS).status_code == 404


@pytest.mark.docker
def test_deployments_bring_pods(pods_api: kr8s.Api) -> None:
    made = deployment(pods_api, "default", "kr8s-web")
    made.create()
    made.wait("condition=Available", timeout=_SECONDS)
    assert made.ready()
    made.scale(2)
    made.wait("jsonpath='{.status.readyReplicas}'=2", timeout=_SECONDS)
    assert len(made.pods()) == 2
    made.delete(propagation_policy="Foreground")
    made.wait("delete", timeout=_SECONDS)
    assert list(pods_api.get("pods", namespace="default", label_selector="app=kr8s-web")) == []
