"""lightkube: typed objects, patches, apply, watches, resources that no package knows, and pods."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lightkube import ApiError, AsyncClient, Client, KubeConfig, codecs
from lightkube.generic_resource import get_generic_resource, load_in_cluster_generic_resources
from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.core_v1 import Container, PodSpec, PodTemplateSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.operators import in_, not_equal
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Pod, Secret
from lightkube.types import CascadeType, PatchType

_SECONDS = 60

DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gears.lightkube.example.com}
spec:
  group: lightkube.example.com
  scope: Namespaced
  names: {plural: gears, kind: Gear, shortNames: [gr]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {replicas: {type: integer, default: 1}, teeth: {type: integer}}}
          status: {type: object, properties: {replicas: {type: integer}}}
"""


@pytest.fixture(scope="module")
def lightkube(kubeconfig: Path) -> Iterator[Client]:
    with Client(KubeConfig.from_file(kubeconfig), field_manager="lightkube", trust_env=False) as made:
        yield made


def config_map(name: str, namespace: str, **data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name, namespace=namespace, labels={"test": "yes"}), data=data)


def deployment(name: str, namespace: str) -> Deployment:
    pod = PodSpec(containers=[Container(name="c", image="busybox:1.36")])
    template = PodTemplateSpec(metadata=ObjectMeta(labels={"app": name}), spec=pod)
    spec = DeploymentSpec(replicas=1, selector=LabelSelector(matchLabels={"app": name}), template=template)
    return Deployment(metadata=ObjectMeta(name=name, namespace=namespace), spec=spec)


def test_typed_objects(lightkube: Client, namespace: str) -> None:
    made = lightkube.create(Secret(metadata=ObjectMeta(name="s", namespace=namespace), stringData={"a": "b"}))
    assert (made.type, made.data) == ("Opaque", {"a": "Yg=="})
    with pytest.raises(ApiError) as twice:
        lightkube.create(Secret(metadata=ObjectMeta(name="s", namespace=namespace)))
    assert (twice.value.status.code, twice.value.status.reason) == (409, "AlreadyExists")
    made.data["more"] = "eA=="
    replaced = lightkube.replace(made)
    with pytest.raises(ApiError) as stale:
        lightkube.replace(made)
    assert (stale.value.status.code, stale.value.status.reason) == (409, "Conflict")
    assert lightkube.get(Secret, "s", namespace=namespace).data == replaced.data
    lightkube.delete(Secret, "s", namespace=namespace, cascade=CascadeType.BACKGROUND)
    with pytest.raises(ApiError) as gone:
        lightkube.get(Secret, "s", namespace=namespace)
    assert gone.value.status.reason == "NotFound"
    with pytest.raises(ApiError) as invalid:
        lightkube.create(config_map("Not_A_Name", namespace))
    assert invalid.value.status.details.causes[0].field == "metadata.name"


def test_lists_in_chunks_with_selectors(lightkube: Client, namespace: str) -> None:
    for n in range(5):
        lightkube.create(config_map(f"m{n}", namespace))
    listed = lightkube.list(ConfigMap, namespace=namespace, chunk_size=2, labels={"test": in_(["yes", "no"])})
    assert [m.metadata.name for m in listed] == [f"m{n}" for n in range(5)]
    others = lightkube.list(ConfigMap, namespace=namespace, fields={"metadata.name": not_equal("m0")})
    assert "m0" not in [m.metadata.name for m in others]
    lightkube.deletecollection(ConfigMap, namespace=namespace)
    assert list(lightkube.list(ConfigMap, namespace=namespace, labels={"test": "yes"})) == []


def test_patches_and_scale(lightkube: Client, namespace: str) -> None:
    lightkube.create(deployment("web", namespace))

    def images(patch: object, kind: PatchType) -> dict[str, str]:
        patched = lightkube.patch(Deployment, "web", patch, namespace=namespace, patch_type=kind)
        return {c.name: c.image for c in patched.spec.template.spec.containers}

    second = {"spec": {"template": {"spec": {"containers": [{"name": "d", "image": "d:1"}]}}}}
    assert images(second, PatchType.STRATEGIC) == {"c": "busybox:1.36", "d": "d:1"}
    assert images(second, PatchType.MERGE) == {"d": "d:1"}
    change = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "d:2"}]
    assert images(change, PatchType.JSON) == {"d": "d:2"}
    scaled = lightkube.patch(
        Deployment.Scale, "web", Deployment.Scale(spec=ScaleSpec(replicas=3)), namespace=namespace
    )
    assert scaled.spec.replicas == 3
    before = lightkube.get(Deployment, "web", namespace=namespace).metadata.generation
    tried = lightkube.patch(Deployment, "web", {"spec": {"replicas": 9}}, namespace=namespace, dry_run=True)
    assert tried.spec.replicas == 9
    kept = lightkube.get(Deployment, "web", namespace=namespace)
    assert (kept.spec.replicas, kept.metadata.generation) == (3, before)


def test_apply(lightkube: Client, namespace: str) -> None:
    made = lightkube.apply(config_map("m", namespace, a="1", b="1"))
    assert [(e.manager, e.operation) for e in made.metadata.managedFields] == [("lightkube", "Apply")]
    with pytest.raises(ApiError) as conflict:
        lightkube.apply(config_map("m", namespace, a="2"), field_manager="other")
    assert conflict.value.status.reason == "Conflict"
    assert 'conflict with "lightkube": .data.a' in conflict.value.status.message
    assert [cause.field for cause in conflict.value.status.details.causes] == [".data.a"]
    forced = lightkube.apply(config_map("m", namespace, a="2"), field_manager="other", force=True)
    assert forced.data == {"a": "2", "b": "1"}
    assert lightkube.apply(config_map("m", namespace)).data == {"a": "2"}
    with pytest.raises(ApiError) as unnamed:
        lightkube.apply(config_map("m", namespace), field_manager="")
    assert "fieldManager: Required value" in unnamed.value.status.message


def test_watch(lightkube: Client, namespace: str) -> None:
    lightkube.create(config_map("a", namespace, n="1"))
    events = lightkube.watch(ConfigMap, namespace=namespace, labels={"test": "yes"}, server_timeout=_SECONDS)
    kind, first = next(events)
    assert (kind, first.metadata.name) == ("ADDED", "a")
    lightkube.patch(ConfigMap, "a", {"data": {"n": "2"}}, namespace=namespace)
    lightkube.create(config_map("b", namespace))
    lightkube.delete(ConfigMap, "a", namespace=namespace)
    seen = [(kind, obj.metadata.name) for kind, obj in (next(events) for _ in range(3))]
    assert seen == [("MODIFIED", "a"), ("ADDED", "b"), ("DELETED", "a")]
    events.close()
    resumed = lightkube.watch(
        ConfigMap, namespace=namespace, labels={"test": "yes"}, resource_version=first.metadata.resourceVersion
    )
    assert [next(resumed)[0] for _ in range(3)] == ["MODIFIED", "ADDED", "DELETED"]
    resumed.close()


def test_waiting_for_conditions(lightkube: Client) -> None:
    for definition in codecs.load_all_yaml(DEFINITION):
        lightkube.apply(definition, field_manager="tests")
    ready = lightkube.wait(CustomResourceDefinition, "gears.lightkube.example.com", for_conditions=["Established"])
    assert ready.status.acceptedNames.shortNames == ["gr"]


async def test_objects_without_blocking(kubeconfig: Path, namespace: str) -> None:
    async with AsyncClient(KubeConfig.from_file(kubeconfig), namespace=namespace, trust_env=False) as lightkube:
        await lightkube.create(config_map("a", namespace))
        assert [m.metadata.name async for m in lightkube.list(ConfigMap, labels={"test": "yes"})] == ["a"]
        async for kind, seen in lightkube.watch(ConfigMap, fields={"metadata.name": "a"}):
            assert (kind, seen.metadata.name) == ("ADDED", "a")
            break


def test_generic_resources(lightkube: Client, namespace: str) -> None:
    for definition in codecs.load_all_yaml(DEFINITION):
        lightkube.apply(definition, field_manager="tests")
    lightkube.wait(CustomResourceDefinition, "gears.lightkube.example.com", for_conditions=["Established"])
    load_in_cluster_generic_resources(lightkube)
    gear = get_generic_resource("lightkube.example.com/v1", "Gear")
    assert gear is not None
    made = lightkube.create(gear(metadata={"name": "g", "namespace": namespace}, spec={"teeth": 12}))
    assert made.spec == {"teeth": 12, "replicas": 1}
    applied = lightkube.apply(gear(metadata={"name": "g", "namespace": namespace}, spec={"teeth": 13}), force=True)
    assert applied.spec["teeth"] == 13
    scaled = lightkube.patch(
        gear.Scale, "g", {"spec": {"replicas": 4}}, namespace=namespace, patch_type=PatchType.MERGE
    )
    assert scaled.spec.replicas == 4
    status = gear.Status(metadata={"name": "g", "namespace": namespace}, status={"replicas": 4})
    assert lightkube.apply(status, name="g").status == {"replicas": 4}
    assert [g.spec["replicas"] for g in lightkube.list(gear, namespace=namespace)] == [4]


@pytest.mark.docker
def test_pods(cluster_kubeconfig: Path) -> None:
    with Client(KubeConfig.from_file(cluster_kubeconfig), trust_env=False) as lightkube:
        script = "echo started; exec sleep 600"
        container = Container(
            name="c", image="busybox:1.36", imagePullPolicy="IfNotPresent", command=["sh", "-c", script]
        )
        pod = Pod(
            metadata=ObjectMeta(name="lightkube", namespace="default"),
            spec=PodSpec(containers=[container], terminationGracePeriodSeconds=0),
        )
        lightkube.create(pod)
        ready = lightkube.wait(Pod, "lightkube", for_conditions=["Ready"])
        assert ready.status.podIP
        assert list(lightkube.log("lightkube")) == ["started\n"]
        done = lightkube.exec(
            "lightkube", command=["sh", "-c", "cat; echo err >&2; exit 4"], stdin="hello", stdout=True, stderr=True
        )
        assert done == ("hello", "err\n", 4)
        lightkube.delete(Pod, "lightkube")
