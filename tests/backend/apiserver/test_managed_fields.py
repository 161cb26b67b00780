"""Who owns what, as updates record it."""

import json

import pytest

from backend.machinery.client import MERGE_PATCH
from tests.backend.apiserver.conftest import pod


def fields(obj, manager, operation="Update"):
    entries = obj["metadata"].get("managedFields") or []
    return [e["fieldsV1"] for e in entries if (e["manager"], e["operation"]) == (manager, operation)]


async def merge(cluster, patch, manager, name="a", resource="configmaps", **more):
    query = {"fieldManager": manager, **more.pop("query", {})}
    return await cluster.object("patch", resource, name, patch, content_type=MERGE_PATCH, query=query, **more)


async def test_a_creator_owns_what_it_sent_and_defaults_but_nothing_of_identity(cluster):
    sent = pod(nodeSelector={"disk": "ssd"}, securityContext={})
    sent["metadata"].update(labels={"app": "web"}, annotations={})
    sent["spec"]["containers"][0]["ports"] = [{"containerPort": 80}]
    made = await cluster.object("create", "pods", "", sent, query={"fieldManager": "kubectl-create"})
    owned = fields(made, "kubectl-create")[0]
    assert owned["f:metadata"] == {"f:labels": {".": {}, "f:app": {}}}
    assert owned["f:spec"]["f:nodeSelector"] == {}  # atomic
    assert owned["f:spec"]["f:securityContext"] == {}
    container = owned["f:spec"]["f:containers"]['k:{"name":"c"}']
    assert {".", "f:image", "f:name", "f:imagePullPolicy"} <= container.keys()
    assert container["f:ports"] == {
        ".": {}, 'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}, "f:protocol": {}}
    }  # fmt: skip


async def test_who_changes_a_field_takes_it_and_who_removes_it_leaves_nobody(cluster):
    await cluster.config_map(a="1", b="2")
    changed = await merge(cluster, {"data": {"a": "3"}}, "one")
    assert fields(changed, "one") == [{"f:data": {"f:a": {}}}]
    removed = await merge(cluster, {"data": {"b": None}}, "two")
    assert fields(removed, "two") == []
    assert all("f:b" not in json.dumps(entry["fieldsV1"]) for entry in removed["metadata"]["managedFields"])


async def test_entries_past_ten_updaters_become_one_with_the_newest_time_of_the_folded(cluster):
    await cluster.config_map()
    for index in range(12):
        cluster.now += 1
        obj = await merge(cluster, {"data": {f"k{index:02}": "x"}}, f"m{index:02}")
    entries = obj["metadata"]["managedFields"]
    assert len(entries) == 10
    assert entries[0]["manager"] == "ancient-changes"
    assert {"f:k00", "f:k01", "f:k02"} <= entries[0]["fieldsV1"]["f:data"].keys()
    assert [entry["manager"] for entry in entries[1:]] == [f"m{index:02}" for index in range(3, 12)]


@pytest.mark.parametrize("sent", [[{}], []])
async def test_an_empty_entry_strips_owners_until_the_next_apply(cluster, sent):
    await cluster.config_map(a="1")
    stripped = await merge(cluster, {"metadata": {"managedFields": sent}}, "one")
    assert "managedFields" not in stripped["metadata"]
    changed = await merge(cluster, {"data": {"a": "2"}}, "two")
    assert "managedFields" not in changed["metadata"]


async def test_a_client_may_write_entries_but_only_readable_ones(cluster):
    made = await cluster.config_map(a="1")
    entries = [{**made["metadata"]["managedFields"][0], "manager": "renamed"}]
    renamed = await merge(cluster, {"metadata": {"managedFields": entries}}, "one")
    assert [entry["manager"] for entry in renamed["metadata"]["managedFields"]] == ["renamed"]
    for fields_v1 in ({"data": {}}, {"k:{": {}}, {"v:x": {}}, {"i:x": {}}, {"f:data": []}):
        broken = [{**entries[0], "manager": "other", "fieldsV1": fields_v1}]
        kept = await merge(cluster, {"metadata": {"managedFields": broken}}, "one")
        assert [entry["manager"] for entry in kept["metadata"]["managedFields"]] == ["renamed"]


async def test_a_subresource_has_entries_of_its_own(cluster):
    await cluster.pod()
    patch = {"status": {"phase": "Running"}, "spec": {"nodeName": "ignored"}}
    obj = await merge(cluster, patch, "kubelet", "p", "pods", subresource="status")
    entry = next(entry for entry in obj["metadata"]["managedFields"] if entry["manager"] == "kubelet")
    assert entry["subresource"] == "status"
    assert entry["fieldsV1"] == {"f:status": {"f:phase": {}}}
