"""A kubelet may change its own node and its own pods, and no others."""

import pytest

from backend.machinery.client import NODES, PODS, Client
from backend.meta.errors import ApiError
from backend.meta.types import User


@pytest.fixture
async def kubelet(cluster):
    for name in ("mine", "other"):
        await cluster.client.create(NODES, {"metadata": {"name": name}})
        await cluster.pod(name, nodeName=name)
    return Client(cluster.handler, User("system:node:mine", ("system:nodes", "system:authenticated")))


async def refused(asked) -> str:
    with pytest.raises(ApiError) as caught:
        await asked
    assert caught.value.code == 403
    return caught.value.message.partition(" is forbidden: ")[2]


async def test_a_kubelet_keeps_its_own_node(kubelet):
    await kubelet.patch(NODES, "mine", {"metadata": {"labels": {"kubernetes.io/hostname": "x", "a": "b"}}})
    await kubelet.patch(NODES, "mine", {"status": {"phase": "Running"}}, subresource="status")
    assert await refused(kubelet.patch(NODES, "other", {"metadata": {"labels": {"a": "b"}}})) == (
        'node "mine" is not allowed to modify node "other"'
    )
    role = {"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}}
    assert await refused(kubelet.patch(NODES, "mine", role)) == (
        "is not allowed to modify labels: node-role.kubernetes.io/control-plane"
    )
    taints = {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}
    assert await refused(kubelet.patch(NODES, "mine", taints)) == 'node "mine" is not allowed to modify taints'


async def test_a_kubelet_tells_the_status_of_its_own_pods_and_deletes_them(kubelet):
    await kubelet.patch(PODS, "mine", {"status": {"phase": "Running"}}, "default", "status")
    assert await refused(kubelet.patch(PODS, "other", {"status": {"phase": "Failed"}}, "default", "status")) == (
        'node "mine" can only update pod status for pods with spec.nodeName set to itself'
    )
    assert await refused(kubelet.delete(PODS, "other", "default")) == (
        'node "mine" can only delete pods with spec.nodeName set to itself'
    )
    await kubelet.delete(PODS, "mine", "default", {"gracePeriodSeconds": 0})


async def test_a_kubelet_makes_only_mirror_pods(kubelet):
    body = {"metadata": {"name": "m"}, "spec": {"nodeName": "mine", "containers": [{"name": "c", "image": "i"}]}}
    assert await refused(kubelet.create(PODS, dict(body), "default")) == (
        'pod does not have "kubernetes.io/config.mirror" annotation, node "mine" can only create mirror pods'
    )


async def test_others_are_not_restricted(cluster, kubelet):
    await cluster.client.patch(PODS, "other", {"metadata": {"labels": {"a": "b"}}}, "default")
