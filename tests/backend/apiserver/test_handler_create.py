"""create: what the server fills in, and what it refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest

from backend.machinery.client import CONFIGMAPS, NAMESPACES, PODS, SECRETS, Client
from backend.meta.errors import ApiError
from backend.meta.types import ADMIN, User


def config_map(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", **metadata}, "data": {"k": "v"}}


async def test_create_fills_in_identity_and_stores_what_it_answers(cluster) -> None:
    answer = await cluster.send("create", "configmaps", body=config_map())
    assert answer.code == 201
    created = await cluster.object("get", "configmaps", "a")
    assert answer.body == (await cluster.send("get", "configmaps", "a")).body
    assert created["apiVersion"] == "v1"
    assert created["kind"] == "ConfigMap"
    meta = created["metadata"]
    assert meta["namespace"] == "default"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", meta["uid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", meta["creationTimestamp"])
    assert meta["resourceVersion"] == str(cluster.store.revision)


async def test_create_takes_nothing_from_the_client_that_is_the_servers(cluster) -> None:
    body = config_map(
        uid="mine", creationTimestamp="2001-01-01T00:00:00Z", deletionTimestamp="2001-01-01T00:00:00Z",
        deletionGracePeriodSeconds=3, generation=7, selfLink="/x", managedFields=[{"manager": "me"}],
    )  # fmt: skip
    meta = (await cluster.object("create", "configmaps", body=body))["metadata"]
    assert meta["uid"] != "mine"
    assert meta["creationTimestamp"] > "2020"
    assert not {"deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"} & meta.keys()
    assert [entry["manager"] for entry in meta["managedFields"]] != ["me"]


async def test_a_resource_version_in_a_new_object_is_refused(cluster) -> None:
    text = await cluster.refused(400, "create", "configmaps", body=config_map(resourceVersion="5"))
    assert text == "resourceVersion should not be set on objects to be created"


async def test_an_existing_name_is_refused(cluster) -> None:
    await cluster.config_map("a")
    assert await cluster.refused(409, "create", "configmaps", body=config_map()) == 'configmaps "a" already exists'


async def test_a_name_that_is_being_deleted_says_so(cluster) -> None:
    await cluster.send("create", "configmaps", body=config_map(finalizers=["example.com/wait"]))
    await cluster.send("delete", "configmaps", "a")
    text = await cluster.refused(409, "create", "configmaps", body=config_map())
    assert text == 'object is being deleted: configmaps "a" already exists'


async def test_generate_name_adds_five_letters_to_a_base_of_58(cluster) -> None:
    for base, kept in (("job-", "job-"), ("x" * 70, "x" * 58)):
        body = {"metadata": {"generateName": base}}
        meta = (await cluster.object("create", "configmaps", body=body))["metadata"]
        assert re.fullmatch(kept + "[bcdfghjklmnpqrstvwxz2456789]{5}", meta["name"])
        assert meta["generateName"] == base


async def test_generate_name_gives_up_after_eight_names_that_are_taken(cluster, monkeypatch) -> None:
    suffixes = iter([*["bbbbb"] * 8, "bbbbb", "ccccc", *["bbbbb"] * 8])
    monkeypatch.setattr("backend.apiserver.creating.random.choices", lambda _letters, k: next(suffixes))
    await cluster.config_map("n-bbbbb")
    text = await cluster.refused(409, "create", "configmaps", body={"metadata": {"generateName": "n-"}})
    why = "the server was not able to generate a unique name for the object"
    assert text == f'configmaps "n-bbbbb" already exists, {why}'
    created = await cluster.object("create", "configmaps", body={"metadata": {"generateName": "n-"}})
    assert created["metadata"]["name"] == "n-ccccc"


async def test_an_object_without_a_name_is_invalid(cluster) -> None:
    text = await cluster.refused(422, "create", "configmaps", body={"metadata": {}})
    assert text == 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'


async def test_an_illegal_name_is_invalid(cluster) -> None:
    text = await cluster.refused(422, "create", "configmaps", body=config_map(name="rest_service"))
    assert text.startswith('ConfigMap "rest_service" is invalid: metadata.name: Invalid value: "rest_service": ')


async def test_another_namespace_in_the_object_is_refused(cluster) -> None:
    text = await cluster.refused(400, "create", "configmaps", body=config_map(namespace="kube-system"))
    assert text == "the namespace of the provided object does not match the namespace sent on the request"


async def test_a_namespace_in_a_cluster_scoped_object_is_dropped(cluster) -> None:
    body = {"metadata": {"name": "n", "namespace": "default"}}
    assert "namespace" not in (await cluster.object("create", "namespaces", body=body))["metadata"]


async def test_a_missing_namespace_is_not_found(cluster) -> None:
    text = await cluster.refused(404, "create", "configmaps", body=config_map(), namespace="nope")
    assert text == 'namespaces "nope" not found'


async def test_a_terminating_namespace_takes_nothing_new(cluster) -> None:
    await cluster.client.create(NAMESPACES, {"metadata": {"name": "going"}})
    await cluster.client.delete(NAMESPACES, "going")
    with pytest.raises(ApiError) as caught:
        await cluster.client.create(CONFIGMAPS, config_map(), "going")
    assert caught.value.code == 403
    assert caught.value.message == (
        'configmaps "a" is forbidden: unable to create new content in namespace going '
        "because it is being terminated"
    )
    cause = {
        "reason": "NamespaceTerminating", "message": "namespace going is being terminated",
        "field": "metadata.namespace",
    }  # fmt: skip
    assert caught.value.details["causes"] == [cause]


@pytest.mark.parametrize(
    ("identity", "text"),
    [
        (
            {"kind": "Secret"},
            'Secret in version "v1" cannot be handled as a ConfigMap: '
            "converting (v1.Secret) to (core.ConfigMap): unknown conversion",
        ),
        (
            {"apiVersion": "v2"},
            'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for '
            'version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30"',
        ),
        (
            {"apiVersion": 1.0},
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; "
            "json parse error: json: cannot unmarshal number into Go struct field .apiVersion of type string "
            '({"metadata":{"name":"a"},"data ...)',
        ),
    ],
)
async def test_an_object_of_another_kind_is_refused(cluster, identity: dict[str, Any], text: str) -> None:
    assert await cluster.refused(400, "create", "configmaps", body={**config_map(), **identity}) == text


async def test_the_version_of_another_endpoint_is_refused(cluster) -> None:
    event = {
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e"},
    }  # fmt: skip
    text = await cluster.refused(400, "create", "events", body=event)
    assert text == "the API version in the data (events.k8s.io/v1) does not match the expected API version (v1)"


async def test_unknown_fields_are_refused_reported_or_dropped(cluster) -> None:
    body = {**config_map(), "spec": {"foo": 1}, "metadata": {"name": "a", "lables": {}}}
    text = await cluster.refused(400, "create", "configmaps", body=body, query={"fieldValidation": "Strict"})
    assert text == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: '
        'strict decoding error: unknown field "metadata.lables", unknown field "spec"'
    )
    warned = await cluster.send("create", "configmaps", body=body)
    assert set(warned.warnings) == {'unknown field "metadata.lables"', 'unknown field "spec"'}
    body["metadata"]["name"] = "b"
    ignored = await cluster.send("create", "configmaps", body=body, query={"fieldValidation": "Ignore"})
    assert ignored.warnings == ()
    assert b"lables" not in ignored.body


@pytest.mark.parametrize("spelled", [b'"k"', b'"\\u006b"'])
async def test_duplicate_fields_are_refused_or_reported(cluster, spelled: bytes) -> None:
    raw = b'{"metadata":{"name":"a"},"data":{"k":"v:1",%b:"w"}}' % spelled
    body = {"metadata": {"name": "a"}, "data": {"k": "w"}}
    query = {"fieldValidation": "Strict"}
    text = await cluster.refused(400, "create", "configmaps", body=body, raw_body=raw, query=query)
    assert text.endswith('strict decoding error: duplicate field "data.k"')
    warned = await cluster.send("create", "configmaps", body=body, raw_body=raw)
    assert warned.warnings == ('duplicate field "data.k"',)


async def test_colons_in_values_are_no_duplicates(cluster) -> None:
    body = {"metadata": {"name": "a"}, "data": {"k": "a:b", "l": '"x": "y"'}}
    assert (await cluster.send("create", "configmaps", body=body)).warnings == ()


async def test_a_wrong_type_is_refused(cluster) -> None:
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "ports": [{"containerPort": "x"}]}]}}
    assert await cluster.refused(400, "create", "pods", body=body) == (
        'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field '
        "ContainerPort.spec.containers.ports.containerPort of type int32"
    )


async def test_a_body_that_is_no_object_is_refused(cluster) -> None:
    text = await cluster.refused(400, "create", "configmaps", body=["a"])
    assert text.startswith(
        "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind"
    )
    assert text.endswith("(5b2261225d)")


async def test_a_dry_run_answers_as_if_and_stores_nothing(cluster) -> None:
    before = cluster.store.revision
    dry = await cluster.object("create", "configmaps", body=config_map(), query={"dryRun": "All"})
    assert dry["metadata"]["uid"]
    assert "resourceVersion" not in dry["metadata"]
    assert cluster.store.revision == before
    await cluster.config_map("a")
    text = await cluster.refused(409, "create", "configmaps", body=config_map(), query={"dryRun": "All"})
    assert text == 'configmaps "a" already exists'


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"dryRun": "Some"}, 'dryRun: Unsupported value: []string{"Some"}: supported values: "All"'),
        (
            {"fieldValidation": "Loose"},
            'fieldValidation: Unsupported value: "Loose": supported values: "", "Ignore", "Strict", "Warn"',
        ),
        ({"fieldManager": "m" * 129}, "fieldManager: Too long: may not be more than 128 bytes"),
    ],
)
async def test_bad_options_are_refused(cluster, query: dict[str, str], text: str) -> None:
    message = await cluster.refused(422, "create", "configmaps", body=config_map(), query=query)
    assert message == f'CreateOptions.meta.k8s.io "" is invalid: {text}'


async def test_a_pod_runs_as_the_default_account_and_bears_a_lost_node_for_five_minutes(cluster) -> None:
    spec = (await cluster.pod())["spec"]
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"
    assert spec["priority"] == 0
    assert spec["preemptionPolicy"] == "PreemptLowerPriority"
    assert [(t["key"], t["effect"], t["tolerationSeconds"]) for t in spec["tolerations"]] == [
        ("node.kubernetes.io/not-ready", "NoExecute", 300),
        ("node.kubernetes.io/unreachable", "NoExecute", 300),
    ]


async def test_a_pod_that_tolerates_everything_gets_no_other_toleration(cluster) -> None:
    spec = (await cluster.pod(tolerations=[{"operator": "Exists"}]))["spec"]
    assert spec["tolerations"] == [{"operator": "Exists"}]


async def test_a_pod_whose_account_is_missing_is_forbidden(cluster) -> None:
    body = {
        "metadata": {"name": "p"},
        "spec": {"serviceAccountName": "x", "containers": [{"name": "c", "image": "i"}]},
    }
    assert await cluster.refused(403, "create", "pods", body=body) == (
        'pods "p" is forbidden: error looking up service account default/x: serviceaccount "x" not found'
    )


async def test_a_pod_waits_for_the_default_account_of_a_new_namespace(cluster) -> None:
    import asyncio

    await cluster.client.create(NAMESPACES, {"metadata": {"name": "new"}})
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    creating = asyncio.ensure_future(cluster.client.create(PODS, body, "new"))
    await asyncio.sleep(0.02)
    assert not creating.done()
    from backend.machinery.client import SERVICE_ACCOUNTS

    await cluster.client.create(
        SERVICE_ACCOUNTS, {"metadata": {"name": "default"}, "imagePullSecrets": [{"name": "pull"}]}, "new"
    )
    async with asyncio.timeout(1):
        created = await creating
    assert created["spec"]["imagePullSecrets"] == [{"name": "pull"}]


async def test_an_unknown_priority_class_is_forbidden(cluster) -> None:
    body = {
        "metadata": {"name": "p"},
        "spec": {"priorityClassName": "vip", "containers": [{"name": "c", "image": "i"}]},
    }
    text = await cluster.refused(403, "create", "pods", body=body)
    assert text == 'pods "p" is forbidden: no PriorityClass with name vip was found'


@pytest.mark.parametrize(
    ("more", "manager"),
    [
        ({"query": {"fieldManager": "kubectl-create"}, "user_agent": "kubectl/v1.37.1 (linux)"}, "kubectl-create"),
        ({"user_agent": "kubectl/v1.37.1 (linux)"}, "kubectl"),
        ({"user": User("system:kube-scheduler")}, "kube-scheduler"),
        ({"user": User("system:node:box")}, "kubelet"),
    ],
)
async def test_managed_fields_name_who_wrote(cluster, more: dict[str, Any], manager: str) -> None:
    created = await cluster.object("create", "configmaps", body=config_map(labels={"l": "1"}), **more)
    (entry,) = created["metadata"]["managedFields"]
    assert entry.pop("time") == created["metadata"]["creationTimestamp"]
    assert entry == {
        "manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:l": {}}}, "f:data": {".": {}, "f:k": {}}},
    }  # fmt: skip


async def test_an_unknown_resource_is_not_found(cluster) -> None:
    text = await cluster.refused(404, "list", "widgets")
    assert text == "the server could not find the requested resource"


async def test_the_transport_needs_a_namespace_to_create_in(cluster) -> None:
    with pytest.raises(ApiError) as caught:
        await Client(cluster.handler, ADMIN).create(SECRETS, {"metadata": {"name": "s"}})
    assert caught.value.message == "an empty namespace may not be set during creation"
