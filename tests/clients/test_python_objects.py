"""The official Python client (`kubernetes`): objects of every kind of API that it has, and all ways to change them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, dynamic, utils
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException

MANIFEST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: red}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "busybox:1.36", ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}
- {apiVersion: batch/v1, kind: CronJob, metadata: {name: nightly}, spec: {schedule: "0 3 * * *", jobTemplate: {
    spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "busybox:1.36"}]}}}}}}
"""


@pytest.fixture
def core(python_client: ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(python_client)


@pytest.fixture
def apps(python_client: ApiClient) -> client.AppsV1Api:
    return client.AppsV1Api(python_client)


def deployment(name: str, replicas: int = 1) -> client.V1Deployment:
    container = client.V1Container(
        name="c", image="busybox:1.36", env=[client.V1EnvVar(name="A", value="1")],
        resources=client.V1ResourceRequirements(requests={"cpu": "100m", "memory": "16Mi"}),
    )  # fmt: skip
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels={"app": name}), spec=client.V1PodSpec(containers=[container])
    )
    spec = client.V1DeploymentSpec(
        replicas=replicas, selector=client.V1LabelSelector(match_labels={"app": name}), template=template
    )
    return client.V1Deployment(
        api_version="apps/v1", kind="Deployment", metadata=client.V1ObjectMeta(name=name), spec=spec
    )


def test_typed_objects_are_created_read_replaced_and_deleted(core: client.CoreV1Api, namespace: str) -> None:
    body = client.V1Secret(metadata=client.V1ObjectMeta(name="s", labels={"a": "b"}), string_data={"user": "jane"})
    made = core.create_namespaced_secret(namespace, body)
    assert (made.type, made.data, made.metadata.uid != "") == ("Opaque", {"user": "amFuZQ=="}, True)
    with pytest.raises(ApiException) as twice:
        core.create_namespaced_secret(namespace, body)
    assert (twice.value.status, twice.value.reason) == (409, "Conflict")
    made.data["more"] = "eA=="
    replaced = core.replace_namespaced_secret("s", namespace, made)
    with pytest.raises(ApiException) as stale:
        core.replace_namespaced_secret("s", namespace, made)
    assert "the object has been modified" in stale.value.body
    read = core.read_namespaced_secret("s", namespace)
    assert (read.data, read.metadata.resource_version) == (replaced.data, replaced.metadata.resource_version)
    assert [s.metadata.name for s in core.list_namespaced_secret(namespace, label_selector="a=b").items] == ["s"]
    deleted = core.delete_namespaced_secret("s", namespace, body=client.V1DeleteOptions(grace_period_seconds=0))
    assert deleted["status"] == "Success"
    with pytest.raises(ApiException) as gone:
        core.read_namespaced_secret("s", namespace)
    assert gone.value.status == 404


def test_deployments_are_defaulted_and_read_back_as_models(apps: client.AppsV1Api, namespace: str) -> None:
    made = apps.create_namespaced_deployment(namespace, deployment("web", replicas=0))
    assert made.spec.strategy.rolling_update.max_surge == "25%"
    assert made.spec.template.spec.containers[0].termination_message_path == "/dev/termination-log"
    scale = apps.read_namespaced_deployment_scale("web", namespace)
    scale.spec.replicas = 3
    scale.metadata.resource_version = None  # The controller writes the status meanwhile.
    assert apps.replace_namespaced_deployment_scale("web", namespace, scale).spec.replicas == 3
    assert apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 4}}).spec.replicas == 4
    read = apps.read_namespaced_deployment("web", namespace)
    assert (read.spec.replicas, read.metadata.generation) == (4, 3)
    rejected = deployment("web2")
    rejected.spec.selector.match_labels = {"app": "other"}
    with pytest.raises(ApiException) as refused:
        apps.create_namespaced_deployment(namespace, rejected)
    assert "`selector` does not match template `labels`" in refused.value.body


def test_patches_of_all_kinds(apps: client.AppsV1Api, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment("web"))

    def patch(body: Any, content_type: str | None = None) -> Any:
        options = {"_content_type": content_type} if content_type else {}
        patched = apps.patch_namespaced_deployment("web", namespace, body, **options)
        return patched.spec.template.spec.containers

    add_container = {"spec": {"template": {"spec": {"containers": [{"name": "d", "image": "busybox:1.36"}]}}}}
    merged_by_name = patch(add_container, "application/strategic-merge-patch+json")
    assert sorted(c.name for c in merged_by_name) == ["c", "d"]
    replaced_list = patch(add_container, "application/merge-patch+json")
    assert [c.name for c in replaced_list] == ["d"]
    by_pointer = patch([{"op": "add", "path": "/spec/template/spec/containers/0/env", "value": [{"name": "X"}]}])
    assert by_pointer[0].env[0].name == "X"
    applied = patch({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"labels": {"patched": "yes"}}})
    assert applied[0].name == "d", "a dict without a content type is a strategic merge or a merge patch"


def test_server_side_apply_by_the_dynamic_client(python_client: ApiClient, namespace: str) -> None:
    maps = dynamic.DynamicClient(python_client).resources.get(api_version="v1", kind="ConfigMap")

    def apply(manager: str, force: bool = False, **data: str) -> Any:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": data}
        return maps.server_side_apply(
            body=body, name="m", namespace=namespace, field_manager=manager, force_conflicts=force
        )

    assert apply("one", a="1", b="1").data.to_dict() == {"a": "1", "b": "1"}
    with pytest.raises(dynamic.exceptions.ConflictError) as conflict:
        apply("two", a="2")
    assert 'conflict with \\"one\\": .data.a' in str(conflict.value.body)
    apply("two", force=True, a="2")
    assert apply("one", b="1").data.to_dict() == {"a": "2", "b": "1"}
    assert apply("one").data.to_dict() == {"a": "2"}
    entries = maps.get(name="m", namespace=namespace).metadata.managedFields
    owned = {entry.manager: (entry.operation, entry.fieldsV1.to_dict()) for entry in entries}
    assert owned == {"one": ("Apply", {"f:data": {}}), "two": ("Apply", {"f:data": {"f:a": {}}})}


def test_the_dynamic_client_finds_kinds_and_changes_objects(python_client: ApiClient, namespace: str) -> None:
    resources = dynamic.DynamicClient(python_client).resources
    assert resources.get(api_version="apps/v1", kind="Deployment").subresources.keys() >= {"scale", "status"}
    jobs = resources.get(api_version="batch/v1", kind="Job")
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox:1.36"}]}}
    spec = {"suspend": True, "template": template}
    made = jobs.create(body={"kind": "Job", "metadata": {"name": "j"}, "spec": spec}, namespace=namespace)
    assert made.spec.completionMode == "NonIndexed"
    changed = jobs.patch(
        body={"spec": {"parallelism": 2}},
        name="j",
        namespace=namespace,
        content_type="application/merge-patch+json",
    )
    assert changed.spec.parallelism == 2
    assert [j.metadata.name for j in jobs.get(namespace=namespace, label_selector="job-name=j").items] == ["j"]
    with pytest.raises(dynamic.exceptions.UnprocessibleEntityError):
        jobs.patch(
            body={"spec": {"completionMode": "Indexed"}}, name="j", namespace=namespace,
            content_type="application/merge-patch+json",
        )  # fmt: skip
    jobs.delete(name="j", namespace=namespace, body={"propagationPolicy": "Background"})
    with pytest.raises(dynamic.exceptions.NotFoundError):
        jobs.get(name="j", namespace=namespace)


def test_custom_objects(python_client: ApiClient, namespace: str) -> None:
    extensions = client.ApiextensionsV1Api(python_client)
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {"size": {"type": "integer", "default": 1, "maximum": 9}}},
            "status": {"type": "object", "properties": {"ready": {"type": "boolean"}}},
        },
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    extensions.create_custom_resource_definition(
        {
            "metadata": {"name": "gears.python.example.com"},
            "spec": {
                "group": "python.example.com",
                "scope": "Namespaced",
                "names": {"plural": "gears", "kind": "Gear"},
                "versions": [{**version, "subresources": {"status": {}}}],
            },
        }
    )
    custom = client.CustomObjectsApi(python_client)
    where = ("python.example.com", "v1", namespace, "gears")
    body = {"apiVersion": "python.example.com/v1", "kind": "Gear", "metadata": {"name": "g"}, "spec": {}}
    assert custom.create_namespaced_custom_object(*where, body)["spec"] == {"size": 1}
    with pytest.raises(ApiException) as refused:
        custom.patch_namespaced_custom_object(*where, "g", {"spec": {"size": 10}})
    assert "should be less than or equal to 9" in refused.value.body
    assert custom.patch_namespaced_custom_object(*where, "g", {"spec": {"size": 5}})["spec"] == {"size": 5}
    custom.patch_namespaced_custom_object_status(*where, "g", {"status": {"ready": True}, "spec": {"size": 2}})
    read = custom.get_namespaced_custom_object(*where, "g")
    assert (read["spec"], read["status"], read["metadata"]["generation"]) == ({"size": 5}, {"ready": True}, 2)
    assert len(custom.list_namespaced_custom_object(*where)["items"]) == 1
    assert custom.delete_namespaced_custom_object(*where, "g")["status"] == "Success"
    extensions.delete_custom_resource_definition("gears.python.example.com")


def test_create_from_yaml(python_client: ApiClient, namespace: str, tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    path.write_text(MANIFEST)
    utils.create_from_yaml(python_client, str(path), namespace=namespace)
    assert client.CoreV1Api(python_client).read_namespaced_service("web", namespace).spec.cluster_ip
    assert client.BatchV1Api(python_client).read_namespaced_cron_job("nightly", namespace).spec.suspend is False
    with pytest.raises(utils.FailToCreateError) as failed:
        utils.create_from_yaml(python_client, str(path), namespace=namespace)
    assert [error.status for error in failed.value.api_exceptions] == [409] * 4


def test_a_hundred_objects_are_applied_at_once(core: client.CoreV1Api, namespace: str) -> None:
    names = [f"m{n:03}" for n in range(100)]
    calls = [
        core.patch_namespaced_config_map(
            name, namespace, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"n": name}},
            field_manager="many", force=True, _content_type="application/apply-patch+yaml", async_req=True,
        )
        for name in names
    ]  # fmt: skip
    assert [call.get(60).data["n"] for call in calls] == names
    listed = core.list_namespaced_config_map(namespace, field_selector="metadata.name!=kube-root-ca.crt")
    assert [m.metadata.name for m in listed.items] == names
    assert core.delete_collection_namespaced_config_map(namespace).kind == "ConfigMapList"
    assert "m000" not in [m.metadata.name for m in core.list_namespaced_config_map(namespace).items]
