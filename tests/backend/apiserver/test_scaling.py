"""The scale subresource, in every form in which it is read and written."""

import pytest

from backend.machinery.client import APPLY_PATCH, GVR, JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH
from backend.meta.errors import ApiError
from backend.meta.types import ApiRequest

DEPLOYMENTS = GVR("apps", "v1", "deployments")
CONTROLLERS = GVR("", "v1", "replicationcontrollers")
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "busybox:1"}]}}
SCALE = {"apiVersion": "autoscaling/v1", "kind": "Scale"}


@pytest.fixture
async def deployment(cluster):
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE}
    return await cluster.client.create(DEPLOYMENTS, {"metadata": {"name": "d"}, "spec": spec}, "default")


def scale(replicas, **meta):
    return {**SCALE, "metadata": {"name": "d", "namespace": "default", **meta}, "spec": {"replicas": replicas}}


async def refused(code, coroutine):
    with pytest.raises(ApiError) as caught:
        await coroutine
    assert caught.value.code == code, caught.value.message
    return caught.value.message


async def test_a_scale_shows_what_there_is_and_what_there_should_be(cluster, deployment):
    meta = deployment["metadata"]
    assert await cluster.client.get(DEPLOYMENTS, "d", "default", "scale") == {
        **SCALE,
        "metadata": {
            name: meta[name] for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        },
        "spec": {"replicas": 2},
        "status": {"replicas": 0, "selector": "app=a"},
    }


async def test_a_selector_that_is_a_map_is_shown_as_text(cluster):
    spec = {"replicas": 0, "template": TEMPLATE}
    await cluster.client.create(CONTROLLERS, {"metadata": {"name": "r"}, "spec": spec}, "default")
    found = await cluster.client.get(CONTROLLERS, "r", "default", "scale")
    assert (found["spec"], found["status"]) == ({}, {"replicas": 0, "selector": "app=a"})


async def test_an_update_scales_and_counts_as_a_change_of_the_spec(cluster, deployment):
    answer = await cluster.client.update(DEPLOYMENTS, scale(5), "scale")
    assert answer["spec"] == {"replicas": 5}
    after = await cluster.client.get(DEPLOYMENTS, "d", "default")
    assert (after["spec"]["replicas"], after["metadata"]["generation"]) == (5, 2)
    assert after["spec"]["template"] == deployment["spec"]["template"]
    entry = after["metadata"]["managedFields"][-1]
    assert (entry["subresource"], entry["fieldsV1"]) == ("scale", {"f:spec": {"f:replicas": {}}})


@pytest.mark.parametrize(
    ("content_type", "patch"),
    [
        (MERGE_PATCH, {"spec": {"replicas": 4}}),
        (STRATEGIC_MERGE_PATCH, {"spec": {"replicas": 4}}),
        (JSON_PATCH, [{"op": "replace", "path": "/spec/replicas", "value": 4}]),
    ],
)
async def test_patches_are_patches_of_the_scale(cluster, deployment, content_type, patch):
    await cluster.client.patch(DEPLOYMENTS, "d", patch, "default", "scale", content_type)
    assert (await cluster.client.get(DEPLOYMENTS, "d", "default"))["spec"]["replicas"] == 4


async def test_an_applied_scale_owns_the_replicas(cluster, deployment):
    request = ApiRequest(
        "patch", "apps", "v1", "deployments", "default", "d", "scale", {"fieldManager": "me", "force": "true"},
        scale(6), None, APPLY_PATCH,
    )  # fmt: skip
    await cluster.handler.request(request)
    after = await cluster.client.get(DEPLOYMENTS, "d", "default")
    assert after["spec"]["replicas"] == 6
    mine = [entry for entry in after["metadata"]["managedFields"] if entry["manager"] == "me"]
    assert [(entry["operation"], entry["subresource"], entry["fieldsV1"]) for entry in mine] == [
        ("Apply", "scale", {"f:spec": {"f:replicas": {}}})
    ]


async def test_what_a_scale_is_refused_for(cluster, deployment):
    text = await refused(422, cluster.client.update(DEPLOYMENTS, scale(-1), "scale"))
    assert text == (
        'Scale.autoscaling "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'
    )
    text = await refused(409, cluster.client.update(DEPLOYMENTS, scale(1, uid="other"), "scale"))
    assert "Precondition failed: UID in precondition: other" in text
    await refused(409, cluster.client.update(DEPLOYMENTS, scale(1, resourceVersion="1"), "scale"))
    text = await refused(400, cluster.client.update(DEPLOYMENTS, deployment, "scale"))
    assert "Scale" in text
    wrong = {**scale(1), "metadata": {"name": "e"}}
    request = ApiRequest("update", "apps", "v1", "deployments", "default", "d", "scale", body=wrong)
    assert await refused(400, cluster.handler.request(request)) == (
        "the name of the object (e) does not match the name on the URL (d)"
    )
    assert (await cluster.client.get(DEPLOYMENTS, "d", "default"))["spec"]["replicas"] == 2


async def test_a_change_of_nothing_writes_nothing(cluster, deployment):
    before = cluster.store.revision
    await cluster.client.update(DEPLOYMENTS, scale(2), "scale")
    assert cluster.store.revision == before


async def test_what_cannot_be_scaled_has_no_scale(cluster):
    await refused(404, cluster.client.get(GVR("apps", "v1", "daemonsets"), "d", "default", "scale"))
    await refused(404, cluster.client.get(DEPLOYMENTS, "nothing", "default", "scale"))


async def test_a_scale_in_a_table(cluster, deployment):
    request = ApiRequest("get", "apps", "v1", "deployments", "default", "d", "scale")
    body = (await cluster.handler.answer(request, "table")).body
    assert b'"cells":["d",2,0,"0s"]' in body
