"""delete: at once, gracefully, or after finalizers; what it answers; and whole collections."""

from __future__ import annotations

from typing import Any

import pytest

from backend.machinery.client import CONFIGMAPS, MERGE_PATCH, NAMESPACES, NODES, PODS
from backend.meta import timefmt
from backend.meta.errors import ApiError


@pytest.fixture
async def bound(cluster):
    """A pod on a node: the only kind of object that takes its time."""
    await cluster.client.create(NODES, {"metadata": {"name": "n"}})
    await cluster.pod()
    binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    await cluster.client.create(PODS, binding, "default", "p", "binding")
    return cluster


async def test_what_is_gone_is_answered_with_a_status(cluster) -> None:
    old = await cluster.config_map("a")
    answer = await cluster.object("delete", "configmaps", "a")
    assert answer == {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {"name": "a", "kind": "configmaps", "uid": old["metadata"]["uid"]},
    }  # fmt: skip
    assert await cluster.refused(404, "delete", "configmaps", "a") == 'configmaps "a" not found'


async def test_a_pod_on_no_node_goes_at_once_and_is_answered(cluster) -> None:
    await cluster.pod()
    answer = await cluster.object("delete", "pods", "p")
    assert (answer["kind"], answer["metadata"]["name"]) == ("Pod", "p")
    await cluster.refused(404, "get", "pods", "p")


async def test_a_pod_on_a_node_gets_its_grace_period(bound) -> None:
    generation = (await bound.object("get", "pods", "p"))["metadata"]["generation"]
    meta = (await bound.object("delete", "pods", "p"))["metadata"]
    assert meta["deletionGracePeriodSeconds"] == 30
    assert meta["deletionTimestamp"] == timefmt.format_time(bound.now + 30)
    assert meta["generation"] == generation + 1


async def test_a_second_delete_may_only_shorten(bound) -> None:
    await bound.object("delete", "pods", "p", {"gracePeriodSeconds": 20})
    asked_at = bound.now
    bound.now += 3
    before = bound.store.revision
    for options in (None, {"gracePeriodSeconds": 20}, {"gracePeriodSeconds": 25}):
        meta = (await bound.object("delete", "pods", "p", options))["metadata"]
        assert meta["deletionGracePeriodSeconds"] == 20
    assert bound.store.revision == before
    meta = (await bound.object("delete", "pods", "p", query={"gracePeriodSeconds": "5"}))["metadata"]
    assert meta["deletionGracePeriodSeconds"] == 5
    assert meta["deletionTimestamp"] == timefmt.format_time(asked_at + 5)
    await bound.object("delete", "pods", "p", {"gracePeriodSeconds": 0})
    await bound.refused(404, "get", "pods", "p")


async def test_a_forced_delete_ends_a_pod_at_once(bound) -> None:
    await bound.object("delete", "pods", "p", {"gracePeriodSeconds": 0})
    await bound.refused(404, "get", "pods", "p")


async def test_a_negative_grace_period_is_one_second(bound) -> None:
    meta = (await bound.object("delete", "pods", "p", {"gracePeriodSeconds": -5}))["metadata"]
    assert meta["deletionGracePeriodSeconds"] == 1


async def test_a_pod_with_finalizers_outlives_its_grace_period(bound) -> None:
    patch = {"metadata": {"finalizers": ["example.com/x"]}}
    await bound.client.patch(PODS, "p", patch, "default")
    await bound.object("delete", "pods", "p")
    meta = (await bound.object("delete", "pods", "p", {"gracePeriodSeconds": 0}))["metadata"]
    assert meta["deletionGracePeriodSeconds"] == 0
    await bound.client.patch(PODS, "p", {"metadata": {"finalizers": None}}, "default")
    await bound.refused(404, "get", "pods", "p")


async def test_a_pod_waits_for_its_kubelet_even_without_finalizers(bound) -> None:
    patch = {"metadata": {"finalizers": ["example.com/x"]}}
    await bound.client.patch(PODS, "p", patch, "default")
    await bound.object("delete", "pods", "p")
    await bound.client.patch(PODS, "p", {"metadata": {"finalizers": None}}, "default")
    assert (await bound.object("get", "pods", "p"))["metadata"]["deletionGracePeriodSeconds"] == 30


async def test_finalizers_keep_an_object(cluster) -> None:
    body = {"metadata": {"name": "a", "finalizers": ["example.com/x"]}}
    await cluster.send("create", "configmaps", body=body)
    meta = (await cluster.object("delete", "configmaps", "a"))["metadata"]
    assert meta["deletionTimestamp"] == timefmt.format_time(cluster.now)
    assert meta["deletionGracePeriodSeconds"] == 0
    before = cluster.store.revision
    assert (await cluster.object("delete", "configmaps", "a"))["metadata"] == meta
    assert cluster.store.revision == before


async def test_preconditions_must_hold(cluster) -> None:
    meta = (await cluster.config_map("a"))["metadata"]
    uid, version = meta["uid"], meta["resourceVersion"]
    text = await cluster.refused(409, "delete", "configmaps", "a", {"preconditions": {"uid": "other"}})
    assert text == (
        f'Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (other) does not match the '
        f"UID in record ({uid}). The object might have been deleted and then recreated"
    )
    text = await cluster.refused(409, "delete", "configmaps", "a", {"preconditions": {"resourceVersion": "1"}})
    assert text == (
        'Operation cannot be fulfilled on ConfigMap "a": the ResourceVersion in the precondition (1) does not match '
        f"the ResourceVersion in record ({version}). The object might have been modified"
    )
    await cluster.send("delete", "configmaps", "a", {"preconditions": {"uid": uid, "resourceVersion": version}})
    await cluster.refused(404, "get", "configmaps", "a")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"propagationPolicy": "Sideways"},
            'propagationPolicy: Unsupported value: "Sideways": supported values: '
            '"Foreground", "Background", "Orphan", "nil"',
        ),
        (
            {"propagationPolicy": "Orphan", "orphanDependents": True},
            'propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
        ),
        ({"dryRun": ["No"]}, 'dryRun: Unsupported value: []string{"No"}: supported values: "All"'),
    ],
)
async def test_bad_delete_options_are_refused(cluster, options: dict[str, Any], text: str) -> None:
    await cluster.config_map("a")
    message = await cluster.refused(422, "delete", "configmaps", "a", options)
    assert message == f'DeleteOptions.meta.k8s.io "" is invalid: {text}'


@pytest.mark.parametrize("how", [{"body": {"dryRun": ["All"]}}, {"query": {"dryRun": "All"}}])
async def test_a_dry_run_deletes_nothing(cluster, how: dict[str, Any]) -> None:
    await cluster.config_map("a")
    before = cluster.store.revision
    answer = await cluster.object("delete", "configmaps", "a", **how)
    assert answer["status"] == "Success"
    assert cluster.store.revision == before


@pytest.mark.parametrize("kind", ["DeleteOptions"])
@pytest.mark.parametrize("version", ["v1", "meta.k8s.io/v1", "apps/v1"])
async def test_delete_options_come_under_any_group(cluster, kind: str, version: str) -> None:
    await cluster.config_map("a")
    await cluster.send("delete", "configmaps", "a", {"kind": kind, "apiVersion": version})
    await cluster.refused(404, "get", "configmaps", "a")


async def test_a_namespace_terminates_until_it_is_finalized(cluster) -> None:
    await cluster.client.create(NAMESPACES, {"metadata": {"name": "n"}})
    going = await cluster.object("delete", "namespaces", "n")
    assert going["kind"] == "Namespace"
    assert going["status"]["phase"] == "Terminating"
    assert "deletionGracePeriodSeconds" not in going["metadata"]
    before = cluster.store.revision
    assert await cluster.object("delete", "namespaces", "n") == going
    assert cluster.store.revision == before
    # Not through the main endpoint, and no other way.
    main = await cluster.object("update", "namespaces", "n", {**going, "spec": {"finalizers": []}})
    assert main["spec"]["finalizers"] == ["kubernetes"]
    await cluster.object("update", "namespaces", "n", {**going, "spec": {}}, subresource="finalize")
    await cluster.refused(404, "get", "namespaces", "n")


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
async def test_the_systems_namespaces_stay(cluster, name: str) -> None:
    text = await cluster.refused(403, "delete", "namespaces", name)
    assert text == f'namespaces "{name}" is forbidden: this namespace may not be deleted'


async def test_a_collection_is_deleted_by_selector_and_answered(cluster) -> None:
    for number in range(150):
        labels = {"odd": str(number % 2)}
        await cluster.client.create(
            CONFIGMAPS, {"metadata": {"name": f"c{number:03}", "labels": labels}}, "default"
        )
    answer = await cluster.object("deletecollection", "configmaps", query={"labelSelector": "odd=1"})
    assert answer["kind"] == "ConfigMapList"
    assert len(answer["items"]) == 75
    left = await cluster.client.list(CONFIGMAPS, "default")
    assert [item["metadata"]["labels"]["odd"] for item in left["items"]] == ["0"] * 75


async def test_a_dry_run_deletes_no_collection(cluster) -> None:
    await cluster.config_map("a")
    before = cluster.store.revision
    await cluster.object("deletecollection", "configmaps", query={"dryRun": "All"})
    assert cluster.store.revision == before


async def test_a_collection_across_namespaces_is_deleted_where_it_is(cluster) -> None:
    for namespace in ("default", "kube-public"):
        await cluster.client.create(CONFIGMAPS, {"metadata": {"name": "a"}}, namespace)
    await cluster.send("deletecollection", "configmaps", namespace="")
    assert (await cluster.client.list(CONFIGMAPS))["items"] == []


async def test_namespaces_are_not_deleted_as_a_collection(cluster) -> None:
    await cluster.refused(405, "deletecollection", "namespaces")


async def test_binding_assigns_once(bound) -> None:
    pod = await bound.object("get", "pods", "p")
    assert pod["spec"]["nodeName"] == "n"
    (condition,) = [c for c in pod["status"]["conditions"] if c["type"] == "PodScheduled"]
    assert condition["status"] == "True"
    binding = {"metadata": {"name": "p"}, "target": {"name": "m"}}
    text = await bound.refused(409, "create", "pods", "p", binding, subresource="binding")
    assert text == ('Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n"')


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({}, "target.name: Required value"),
        (
            {"kind": "Pod", "name": "n"},
            'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"',
        ),
    ],
)
async def test_a_binding_names_a_node(cluster, target: dict[str, str], text: str) -> None:
    await cluster.pod()
    body = {"metadata": {"name": "p"}, "target": target}
    message = await cluster.refused(422, "create", "pods", "p", body, subresource="binding")
    assert message == f'Binding "p" is invalid: {text}'


async def test_a_pod_that_is_being_deleted_is_not_bound(cluster) -> None:
    await cluster.pod()
    await cluster.client.patch(PODS, "p", {"metadata": {"finalizers": ["example.com/x"]}}, "default")
    await cluster.send("delete", "pods", "p")
    body = {"metadata": {"name": "p"}, "target": {"name": "n"}}
    text = await cluster.refused(409, "create", "pods", "p", body, subresource="binding")
    assert text.endswith('"p": pod p is being deleted, cannot be assigned to a host')


async def test_binding_answers_a_status(cluster) -> None:
    await cluster.pod()
    answer = await cluster.send(
        "create", "pods", "p", {"metadata": {"name": "p"}, "target": {"name": "n"}}, subresource="binding"
    )
    assert answer.code == 201
    assert answer.body == b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201}'


async def test_status_of_a_missing_pod_is_not_found(cluster) -> None:
    with pytest.raises(ApiError) as caught:
        await cluster.client.patch(PODS, "p", {"status": {}}, "default", "status", MERGE_PATCH)
    assert caught.value.message == 'pods "p" not found'


async def test_an_unknown_subresource_is_not_found(cluster) -> None:
    await cluster.config_map("a")
    await cluster.refused(404, "get", "configmaps", "a", subresource="status")
