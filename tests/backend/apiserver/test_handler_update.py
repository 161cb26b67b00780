"""update and patch: what may change, and who wins a race."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest

from backend.machinery.client import CONFIGMAPS, JSON_PATCH, MERGE_PATCH, NODES, PODS, STRATEGIC_MERGE_PATCH
from backend.meta.errors import ApiError


async def changed(cluster, obj: dict[str, Any], **data: str) -> dict[str, Any]:
    return await cluster.object("update", "configmaps", obj["metadata"]["name"], {**obj, "data": data})


async def test_an_update_replaces_the_state(cluster) -> None:
    old = await cluster.config_map("a", k="1", l="1")
    new = await changed(cluster, old, k="2")
    assert new["data"] == {"k": "2"}
    assert int(new["metadata"]["resourceVersion"]) > int(old["metadata"]["resourceVersion"])
    assert new == await cluster.client.get(CONFIGMAPS, "a", "default")
    assert old["data"] == {"k": "1", "l": "1"}


async def test_a_stale_resource_version_is_a_conflict(cluster) -> None:
    old = await cluster.config_map("a", k="1")
    await changed(cluster, old, k="2")
    text = await cluster.refused(409, "update", "configmaps", "a", {**old, "data": {"k": "3"}})
    assert text == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )


async def test_without_a_resource_version_every_writer_wins(cluster) -> None:
    await cluster.config_map("a")
    body = {"metadata": {"name": "a"}}
    answers = await asyncio.gather(
        *(cluster.object("update", "configmaps", "a", {**body, "data": {"k": str(n)}}) for n in range(20))
    )
    assert len({answer["metadata"]["resourceVersion"] for answer in answers}) == 20


async def test_with_a_resource_version_one_writer_wins(cluster) -> None:
    old = await cluster.config_map("a")
    results = await asyncio.gather(*(changed(cluster, old, k=str(n)) for n in range(10)), return_exceptions=True)
    failed = [result for result in results if isinstance(result, ApiError)]
    assert [error.code for error in failed] == [409] * 9


async def test_an_update_of_nothing_writes_nothing(cluster) -> None:
    old = await cluster.config_map("a", k="1")
    before = cluster.store.revision
    assert await changed(cluster, old, k="1") == old
    assert cluster.store.revision == before


async def test_another_uid_is_a_conflict(cluster) -> None:
    old = await cluster.config_map("a", k="1")
    body = copy.deepcopy(old)
    uid, body["metadata"]["uid"] = old["metadata"]["uid"], "other"
    assert await cluster.refused(409, "update", "configmaps", "a", body) == (
        'Operation cannot be fulfilled on configmaps "a": StorageError: invalid object, Code: 4, '
        "Key: /registry/configmaps/default/a, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: UID in precondition: other, UID in object meta: {uid}"
    )


async def test_what_the_server_set_stays(cluster) -> None:
    old = await cluster.config_map("a", k="1")
    meta = {"name": "a", "creationTimestamp": "2001-01-01T00:00:00Z", "deletionTimestamp": "2001-01-01T00:00:00Z"}
    new = await cluster.object("update", "configmaps", "a", {"metadata": meta, "data": {"k": "2"}})
    for name in ("uid", "creationTimestamp", "namespace"):
        assert new["metadata"][name] == old["metadata"][name]
    assert "deletionTimestamp" not in new["metadata"]


@pytest.mark.parametrize(
    ("meta", "text"),
    [
        ({}, "the name of the object (a based on URL) was undeterminable: name must be provided"),
        ({"name": "b"}, "the name of the object (b) does not match the name on the URL (a)"),
        (
            {"name": "a", "namespace": "kube-system"},
            "the namespace of the object (kube-system) does not match the namespace on the request (default)",
        ),
    ],
)
async def test_another_name_or_namespace_is_refused(cluster, meta: dict[str, str], text: str) -> None:
    await cluster.config_map("a")
    assert await cluster.refused(400, "update", "configmaps", "a", {"metadata": meta}) == text


async def test_a_missing_object_is_not_found(cluster) -> None:
    text = await cluster.refused(404, "update", "configmaps", "a", {"metadata": {"name": "a"}})
    assert text == 'configmaps "a" not found'


async def test_an_immutable_field_is_invalid(cluster) -> None:
    await cluster.object("create", "secrets", body={"metadata": {"name": "s"}, "data": {"k": "dg=="}})
    body = {"metadata": {"name": "s"}, "type": "other", "data": {"k": "dg=="}}
    text = await cluster.refused(422, "update", "secrets", "s", body)
    assert text == 'Secret "s" is invalid: type: Invalid value: "other": field is immutable'


async def test_a_dry_run_update_stores_nothing(cluster) -> None:
    old = await cluster.config_map("a", k="1")
    new = await cluster.object("update", "configmaps", "a", {**old, "data": {"k": "2"}}, query={"dryRun": "All"})
    assert new["data"] == {"k": "2"}
    assert await cluster.client.get(CONFIGMAPS, "a", "default") == old


async def test_status_changes_only_through_its_endpoint(cluster) -> None:
    pod = await cluster.pod()
    body = copy.deepcopy(pod)
    body["metadata"]["labels"] = {"l": "1"}
    body["status"]["phase"] = "Running"
    main = await cluster.object("update", "pods", "p", body)
    assert main["metadata"]["labels"] == {"l": "1"}
    assert main["status"]["phase"] == "Pending"
    body = copy.deepcopy(main)
    body["status"]["phase"] = "Running"
    body["spec"]["containers"][0]["image"] = "other"
    status = await cluster.object("update", "pods", "p", body, subresource="status")
    assert status["status"]["phase"] == "Running"
    assert status["spec"] == main["spec"]
    assert "f:phase" in status["metadata"]["managedFields"][-1]["fieldsV1"]["f:status"]
    assert status["metadata"]["managedFields"][-1]["subresource"] == "status"


async def test_the_last_finalizer_of_a_deleted_object_ends_it(cluster) -> None:
    body = {"metadata": {"name": "a", "finalizers": ["example.com/x", "example.com/y"]}}
    await cluster.send("create", "configmaps", body=body)
    await cluster.send("delete", "configmaps", "a")
    for left in (["example.com/x"], []):
        assert (await cluster.client.get(CONFIGMAPS, "a", "default"))["metadata"]["deletionTimestamp"]
        patch = {"metadata": {"finalizers": left}}
        await cluster.object("patch", "configmaps", "a", patch, content_type=MERGE_PATCH)
    await cluster.refused(404, "get", "configmaps", "a")


async def test_a_deleted_object_takes_no_new_finalizer(cluster) -> None:
    body = {"metadata": {"name": "a", "finalizers": ["example.com/x"]}}
    await cluster.send("create", "configmaps", body=body)
    await cluster.send("delete", "configmaps", "a")
    patch = {"metadata": {"finalizers": ["example.com/x", "example.com/y"]}}
    text = await cluster.refused(422, "patch", "configmaps", "a", patch, content_type=MERGE_PATCH)
    assert "no new finalizers can be added if the object is being deleted" in text


async def test_generation_counts_changes_of_spec(cluster) -> None:
    assert (await cluster.pod())["metadata"]["generation"] == 1
    patch: dict[str, Any] = {"metadata": {"labels": {"l": "1"}}}
    pod = await cluster.client.patch(PODS, "p", patch, "default")
    assert pod["metadata"]["generation"] == 1
    patch = {"spec": {"activeDeadlineSeconds": 5}}
    pod = await cluster.client.patch(PODS, "p", patch, "default")
    assert pod["metadata"]["generation"] == 2


async def test_a_merge_patch_removes_with_null(cluster) -> None:
    await cluster.config_map("a", k="1", l="1")
    new = await cluster.object(
        "patch", "configmaps", "a", {"data": {"k": None, "m": "1"}}, content_type=MERGE_PATCH
    )
    assert new["data"] == {"l": "1", "m": "1"}


async def test_a_json_patch_tests_and_replaces(cluster) -> None:
    await cluster.config_map("a", k="1")
    ops = [{"op": "test", "path": "/data/k", "value": "1"}, {"op": "replace", "path": "/data/k", "value": "2"}]
    assert (await cluster.object("patch", "configmaps", "a", ops, content_type=JSON_PATCH))["data"] == {"k": "2"}
    await cluster.refused(422, "patch", "configmaps", "a", ops, content_type=JSON_PATCH)


async def test_a_strategic_patch_merges_lists_by_key(cluster) -> None:
    await cluster.pod(containers=[{"name": "a", "image": "i"}, {"name": "b", "image": "i"}])
    patch = {"spec": {"containers": [{"name": "b", "image": "other"}]}}
    pod = await cluster.object("patch", "pods", "p", patch, content_type=STRATEGIC_MERGE_PATCH)
    assert {c["name"]: c["image"] for c in pod["spec"]["containers"]} == {"a": "i", "b": "other"}


async def test_a_patch_that_changes_nothing_writes_nothing(cluster) -> None:
    old = await cluster.config_map("a", k="1")
    before = cluster.store.revision
    assert await cluster.client.patch(CONFIGMAPS, "a", {"data": {"k": "1"}}, "default") == old
    assert cluster.store.revision == before


async def test_a_patch_wins_every_race_unless_it_names_a_version(cluster) -> None:
    old = await cluster.config_map("a")
    await asyncio.gather(
        *(cluster.client.patch(CONFIGMAPS, "a", {"data": {f"k{n}": "1"}}, "default") for n in range(20))
    )
    new = await cluster.client.get(CONFIGMAPS, "a", "default")
    assert len(new["data"]) == 20
    patch = {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}, "data": {"z": "1"}}
    text = await cluster.refused(409, "patch", "configmaps", "a", patch, content_type=MERGE_PATCH)
    assert "the object has been modified" in text


async def test_a_patch_of_the_name_is_invalid(cluster) -> None:
    await cluster.config_map("a")
    text = await cluster.refused(
        422, "patch", "configmaps", "a", {"metadata": {"name": "b"}}, content_type=MERGE_PATCH
    )
    assert text == 'ConfigMap "a" is invalid: metadata.name: Invalid value: "b": field is immutable'


async def test_an_unknown_patch_type_is_unsupported(cluster) -> None:
    await cluster.config_map("a")
    text = await cluster.refused(415, "patch", "configmaps", "a", {}, content_type="application/patch+json")
    assert text == (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, "
        "application/apply-patch+yaml"
    )


async def test_a_patch_to_a_wrong_type_shows_the_patched_object(cluster) -> None:
    await cluster.config_map("a")
    text = await cluster.refused(422, "patch", "configmaps", "a", {"data": "x"}, content_type=MERGE_PATCH)
    assert text.startswith(' "" is invalid: patch: Invalid value: "{\\"apiVersion\\":\\"v1\\",\\"data\\":\\"x\\"')
    assert text.endswith(
        "json: cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string"
    )


async def test_strict_validation_applies_to_what_was_patched(cluster) -> None:
    await cluster.config_map("a")
    patch = {"dta": {"k": "1"}}
    query = {"fieldValidation": "Strict"}
    text = await cluster.refused(
        422, "patch", "configmaps", "a", patch, content_type=STRATEGIC_MERGE_PATCH, query=query
    )
    assert text == (
        ' "" is invalid: patch: Invalid value: "map[dta:map[k:1]]": strict decoding error: unknown field "dta"'
    )
    answer = await cluster.send("patch", "configmaps", "a", patch, content_type=MERGE_PATCH)
    assert answer.warnings == ('unknown field "dta"',)


async def test_managed_fields_follow_the_last_writer(cluster) -> None:
    await cluster.object("create", "configmaps", body={"metadata": {"name": "a"}, "data": {"k": "1", "l": "1"}})
    cluster.now += 60
    new = await cluster.object(
        "patch", "configmaps", "a", {"data": {"k": "2", "m": "1"}}, content_type=MERGE_PATCH,
        query={"fieldManager": "other"},
    )  # fmt: skip
    first, second = new["metadata"]["managedFields"]
    assert first["fieldsV1"] == {"f:data": {".": {}, "f:l": {}}}
    assert second["manager"] == "other"
    assert second["fieldsV1"] == {"f:data": {"f:k": {}, "f:m": {}}}
    assert second["time"] > first["time"]
    cluster.now += 60
    new = await cluster.object(
        "patch", "configmaps", "a", {"data": None}, content_type=MERGE_PATCH, query={"fieldManager": "third"}
    )
    assert new["metadata"].get("managedFields", []) == []


async def test_managed_fields_know_list_items_by_their_keys(cluster) -> None:
    pod = await cluster.pod(containers=[{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}])
    (entry,) = pod["metadata"]["managedFields"]
    containers = entry["fieldsV1"]["f:spec"]["f:containers"]
    assert "." not in containers
    container = containers['k:{"name":"c"}']
    assert container["."] == {}
    assert container["f:ports"] == {
        ".": {},
        'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}, "f:protocol": {}},
    }
    assert entry["fieldsV1"]["f:spec"]["f:securityContext"] == {}


async def test_what_the_server_adds_at_admission_has_no_owner(cluster) -> None:
    (entry,) = (await cluster.pod())["metadata"]["managedFields"]
    assert entry["fieldsV1"].keys() == {"f:spec"}
    assert not {"f:tolerations", "f:priority", "f:serviceAccountName"} & entry["fieldsV1"]["f:spec"].keys()


async def test_at_most_ten_managers_are_remembered(cluster) -> None:
    await cluster.config_map("a")
    for number in range(14):
        cluster.now += 1
        await cluster.object(
            "patch", "configmaps", "a", {"data": {f"k{number:02}": "1"}}, content_type=MERGE_PATCH,
            query={"fieldManager": f"m{number:02}"},
        )  # fmt: skip
    entries = (await cluster.client.get(CONFIGMAPS, "a", "default"))["metadata"]["managedFields"]
    assert [entry["manager"] for entry in entries] == ["ancient-changes", *(f"m{n:02}" for n in range(5, 14))]
    assert entries[0]["fieldsV1"]["f:data"].keys() == {".", *(f"f:k{n:02}" for n in range(5))}


async def test_the_caller_keeps_what_it_passed_to_update(cluster) -> None:
    node = await cluster.client.create(NODES, {"metadata": {"name": "n"}})
    body = {**node, "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}}
    before = copy.deepcopy(body)
    await cluster.client.update(NODES, body)
    assert body == before
