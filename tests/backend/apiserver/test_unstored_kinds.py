"""Kinds of which nothing is stored: component statuses, and bindings that are posted to a namespace."""

from __future__ import annotations

import orjson
import pytest

from backend.machinery.client import GVR, PODS
from backend.meta.errors import ApiError

COMPONENT_STATUSES = GVR("", "v1", "componentstatuses")
BINDINGS = GVR("", "v1", "bindings")


async def test_the_parts_are_healthy_and_asking_is_deprecated(cluster):
    answer = await cluster.send("list", "componentstatuses", namespace="")
    items = orjson.loads(answer.body)["items"]
    assert [item["metadata"]["name"] for item in items] == ["controller-manager", "etcd-0", "scheduler"]
    assert {item["conditions"][0]["status"] for item in items} == {"True"}
    assert answer.warnings == ("v1 ComponentStatus is deprecated in v1.19+",)
    named = await cluster.client.list(COMPONENT_STATUSES, fieldSelector="metadata.name=scheduler")
    assert len(named["items"]) == 1


async def test_an_unknown_part_is_an_internal_error(cluster):
    with pytest.raises(ApiError, match="Component not found: nope") as caught:
        await cluster.client.get(COMPONENT_STATUSES, "nope")
    assert caught.value.code == 400


async def test_a_component_status_cannot_be_written(cluster):
    with pytest.raises(ApiError) as caught:
        await cluster.client.create(COMPONENT_STATUSES, {"metadata": {"name": "x"}})
    assert caught.value.code == 405


async def test_a_binding_that_is_posted_binds_the_pod_of_its_name(cluster):
    await cluster.pod("p")
    body = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    await cluster.client.create(BINDINGS, body, "default")
    assert (await cluster.client.get(PODS, "p", "default"))["spec"]["nodeName"] == "n"
    with pytest.raises(ApiError, match='pod p is already assigned to node "n"'):
        await cluster.client.create(BINDINGS, body, "default")
    with pytest.raises(ApiError, match='pods "q" not found'):
        await cluster.client.create(BINDINGS, {**body, "metadata": {"name": "q"}}, "default")
