"""What objects take from classes: priority, storage class, ingress class, runtime class."""

import pytest

from backend.machinery.client import GVR, PODS
from backend.meta.errors import ApiError

PRIORITY = GVR("scheduling.k8s.io", "v1", "priorityclasses")
STORAGE = GVR("storage.k8s.io", "v1", "storageclasses")
CLAIMS = GVR("", "v1", "persistentvolumeclaims")
INGRESSES = GVR("networking.k8s.io", "v1", "ingresses")
INGRESS_CLASSES = GVR("networking.k8s.io", "v1", "ingressclasses")
RUNTIME = GVR("node.k8s.io", "v1", "runtimeclasses")


async def priority(cluster, name, value, **more):
    return await cluster.client.create(PRIORITY, {"metadata": {"name": name}, "value": value, **more})


async def test_a_pod_has_the_priority_and_policy_of_its_class(cluster):
    await priority(cluster, "high", 1000, preemptionPolicy="Never")
    spec = (await cluster.pod("p", priorityClassName="high"))["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (1000, "Never")
    with pytest.raises(ApiError) as caught:
        await cluster.pod("q", priorityClassName="high", priority=5)
    assert caught.value.message == (
        'pods "q" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission'
        " controller computed 1000 from the given PriorityClass name"
    )
    with pytest.raises(ApiError, match='pods "q" is forbidden: no PriorityClass with name low was found'):
        await cluster.pod("q", priorityClassName="low")


async def test_one_class_is_the_default_and_pods_that_name_none_have_it(cluster):
    assert (await cluster.pod("before"))["spec"]["priority"] == 0
    await priority(cluster, "usual", 7, globalDefault=True)
    spec = (await cluster.pod("p"))["spec"]
    assert (spec["priority"], spec["priorityClassName"]) == (7, "usual")
    with pytest.raises(ApiError) as caught:
        await priority(cluster, "other", 8, globalDefault=True)
    text = "PriorityClass usual is already marked as default. Only one default can exist"
    assert caught.value.message == f'priorityclasses.scheduling.k8s.io "other" is forbidden: {text}'
    await cluster.client.patch(PRIORITY, "usual", {"description": "x"})


async def test_the_systems_classes_are_there_and_stay(cluster):
    assert (await cluster.client.get(PRIORITY, "system-node-critical"))["value"] == 2_000_001_000
    with pytest.raises(ApiError, match="this is a system priority class and cannot be deleted"):
        await cluster.client.delete(PRIORITY, "system-node-critical")


async def test_an_update_need_not_repeat_the_priority(cluster):
    pod = await cluster.pod("p")
    spec = {name: value for name, value in pod["spec"].items() if name not in ("priority", "preemptionPolicy")}
    meta = {**pod["metadata"], "labels": {"a": "b"}}
    changed = await cluster.client.update(PODS, {**pod, "metadata": meta, "spec": spec})
    assert changed["spec"] == pod["spec"]


async def test_a_claim_gets_the_newest_default_storage_class(cluster):
    def claim(name, **spec):
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
        return {"metadata": {"name": name}, "spec": spec}

    for name in ("old", "new"):
        annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
        body = {"metadata": {"name": name, "annotations": annotations}, "provisioner": "example.com/p"}
        await cluster.client.create(STORAGE, body)
        cluster.now += 10
    made = await cluster.client.create(CLAIMS, claim("a"), "default")
    assert made["spec"]["storageClassName"] == "new"
    made = await cluster.client.create(CLAIMS, claim("b", storageClassName=""), "default")
    assert made["spec"]["storageClassName"] == ""


async def test_only_a_bound_claim_of_a_class_that_allows_it_grows(cluster):
    await cluster.client.create(STORAGE, {"metadata": {"name": "fixed"}, "provisioner": "example.com/p"})
    spec = {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fixed",
    }  # fmt: skip
    made = await cluster.client.create(CLAIMS, {"metadata": {"name": "a"}, "spec": spec}, "default")
    await cluster.client.update(CLAIMS, {**made, "status": {"phase": "Bound"}}, "status")
    larger = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    with pytest.raises(ApiError, match="only dynamically provisioned pvc can be resized and the storageclass"):
        await cluster.client.patch(CLAIMS, "a", larger, "default")
    await cluster.client.patch(STORAGE, "fixed", {"allowVolumeExpansion": True})
    await cluster.client.patch(CLAIMS, "a", larger, "default")


async def test_an_ingress_gets_the_default_class(cluster):
    annotations = {"ingressclass.kubernetes.io/is-default-class": "true"}
    body = {"metadata": {"name": "usual", "annotations": annotations}, "spec": {"controller": "example.com/c"}}
    await cluster.client.create(INGRESS_CLASSES, body)
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    ingress = {"metadata": {"name": "i"}, "spec": {"defaultBackend": backend}}
    made = await cluster.client.create(INGRESSES, ingress, "default")
    assert made["spec"]["ingressClassName"] == "usual"


async def test_a_pod_takes_over_what_its_runtime_class_says(cluster):
    body = {
        "metadata": {"name": "vm"},
        "handler": "vm",
        "overhead": {"podFixed": {"cpu": "100m"}},
        "scheduling": {"nodeSelector": {"vm": "yes"}, "tolerations": [{"key": "vm", "operator": "Exists"}]},
    }
    await cluster.client.create(RUNTIME, body)
    spec = (await cluster.pod("p", runtimeClassName="vm"))["spec"]
    assert spec["overhead"] == {"cpu": "100m"}
    assert spec["nodeSelector"] == {"vm": "yes"}
    assert {"key": "vm", "operator": "Exists"} in spec["tolerations"]
    with pytest.raises(ApiError, match='pod rejected: RuntimeClass "none" not found'):
        await cluster.pod("q", runtimeClassName="none")
    with pytest.raises(ApiError, match="Pod Overhead set without corresponding RuntimeClass"):
        await cluster.pod("q", overhead={"cpu": "1"})
    with pytest.raises(ApiError, match=r"conflict: runtimeClass.scheduling.nodeSelector"):
        await cluster.pod("q", runtimeClassName="vm", nodeSelector={"vm": "no"})
