"""What is in use is deleted only when it is not any more."""

import pytest

from backend.controllers import pod_gc
from backend.controllers.storage_protection import (
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    VOLUME_ATTRIBUTES_CLASSES,
    StorageProtection,
)
from backend.machinery.client import PODS
from backend.machinery.informer import Informer
from tests.support.control_plane import eventually, running

CLAIM_SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


@pytest.fixture
async def protected(plane):
    pods = pod_gc.indexed(Informer(plane.client, PODS))
    made = StorageProtection(plane.client, plane.acting_as, pods=pods)
    parts = [part.run() for part in (pods, *made.informers, *made.controllers)]
    async with running(*parts):
        yield plane


async def gone(plane, gvr, name, namespace=""):
    async def absent():
        return await plane.find(gvr, name, namespace) is None

    await eventually(absent)


async def volume(plane, name, **spec):
    body = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}, **spec}
    return await plane.client.create(PERSISTENT_VOLUMES, {"metadata": {"name": name}, "spec": body})


async def claim(plane, name, **spec):
    body = {"metadata": {"name": name}, "spec": {**CLAIM_SPEC, **spec}}
    return await plane.client.create(PERSISTENT_VOLUME_CLAIMS, body, "default")


async def test_what_nobody_uses_goes_at_once(protected):
    made = await volume(protected, "v")
    assert made["metadata"]["finalizers"] == ["kubernetes.io/pv-protection"]
    made = await claim(protected, "c")
    assert made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    await protected.client.delete(PERSISTENT_VOLUMES, "v")
    await protected.client.delete(PERSISTENT_VOLUME_CLAIMS, "c", "default")
    await gone(protected, PERSISTENT_VOLUMES, "v")
    await gone(protected, PERSISTENT_VOLUME_CLAIMS, "c", "default")


async def test_a_claim_stays_until_its_pods_are_gone(protected):
    await protected.node("n")
    await claim(protected, "c")
    volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}]
    await protected.pod("user", nodeName="n", volumes=volumes)
    await protected.pod("waiting", volumes=volumes)
    await protected.client.delete(PERSISTENT_VOLUME_CLAIMS, "c", "default")
    await claim(protected, "other")
    await protected.client.delete(PERSISTENT_VOLUME_CLAIMS, "other", "default")
    await gone(protected, PERSISTENT_VOLUME_CLAIMS, "other", "default")
    assert await protected.find(PERSISTENT_VOLUME_CLAIMS, "c", "default")
    await protected.client.delete(PODS, "user", "default", {"gracePeriodSeconds": 0})
    await gone(protected, PERSISTENT_VOLUME_CLAIMS, "c", "default")


async def test_a_bound_volume_stays_until_it_is_released(protected):
    made = await volume(protected, "v")
    bound = {**made, "status": {"phase": "Bound"}}
    bound["metadata"] = {key: value for key, value in made["metadata"].items() if key != "resourceVersion"}
    await protected.client.update(PERSISTENT_VOLUMES, bound, "status")
    await protected.client.delete(PERSISTENT_VOLUMES, "v")
    await volume(protected, "other")
    await protected.client.delete(PERSISTENT_VOLUMES, "other")
    await gone(protected, PERSISTENT_VOLUMES, "other")
    assert await protected.find(PERSISTENT_VOLUMES, "v")
    await protected.client.update(PERSISTENT_VOLUMES, {**bound, "status": {"phase": "Released"}}, "status")
    await gone(protected, PERSISTENT_VOLUMES, "v")


async def test_a_volume_attributes_class_stays_while_a_claim_wants_it(protected):
    made = {"metadata": {"name": "gold"}, "driverName": "d.example.com", "parameters": {"a": "b"}}
    await protected.client.create(VOLUME_ATTRIBUTES_CLASSES, made)
    await claim(protected, "c", volumeAttributesClassName="gold")

    async def told():
        found = await protected.find(VOLUME_ATTRIBUTES_CLASSES, "gold")
        return found and found["metadata"].get("deletionTimestamp")

    await protected.client.delete(VOLUME_ATTRIBUTES_CLASSES, "gold")
    await eventually(told)
    await protected.client.delete(PERSISTENT_VOLUME_CLAIMS, "c", "default")
    await gone(protected, VOLUME_ATTRIBUTES_CLASSES, "gold")
