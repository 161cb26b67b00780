"""Server-side apply, as kube-apiserver answers it."""

import copy

import orjson
import pytest

from backend.machinery.client import APPLY_PATCH, GVR, MERGE_PATCH
from backend.meta.types import User
from tests.backend.apiserver.conftest import pod

RBAC = "rbac.authorization.k8s.io"


def config(name="a", **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def pod_config(**container):
    obj = pod()
    obj["spec"]["containers"][0].update(container)
    return {"apiVersion": "v1", "kind": "Pod", **obj}


def request(body, manager="one", resource="configmaps", name="a", **query):
    more = {"subresource": query.pop("subresource")} if "subresource" in query else {}
    query = {key: str(value).lower() if isinstance(value, bool) else value for key, value in query.items()}
    return ("patch", resource, name, body), {
        "content_type": APPLY_PATCH, "query": {"fieldManager": manager, **query}, **more
    }  # fmt: skip


async def apply(cluster, *args, **more):
    sent, options = request(*args, **more)
    return await cluster.object(*sent, **options)


async def refused(cluster, code, *args, **more):
    sent, options = request(*args, **more)
    return await cluster.refused(code, *sent, **options)


def owners(obj):
    return {
        (entry["manager"], entry["operation"]): entry["fieldsV1"] for entry in obj["metadata"]["managedFields"]
    }


async def test_apply_creates_then_changes_then_changes_nothing(cluster):
    sent, options = request(config(a="1"))
    answer = await cluster.send(*sent, **options)
    assert answer.code == 201
    made = orjson.loads(answer.body)
    assert owners(made) == {("one", "Apply"): {"f:data": {"f:a": {}}}}
    cluster.now += 60
    again = await apply(cluster, config(a="1"))
    assert again == made
    changed = await apply(cluster, config(a="2"))
    assert changed["data"] == {"a": "2"}
    assert changed["metadata"]["managedFields"][0]["time"] > made["metadata"]["managedFields"][0]["time"]


async def test_a_field_that_is_applied_no_more_goes_unless_somebody_else_owns_it(cluster):
    await apply(cluster, config(a="1", b="2", c="3"))
    await apply(cluster, config(b="2"), "two")
    left = await apply(cluster, config(a="1"))
    assert left["data"] == {"a": "1", "b": "2"}
    assert owners(left) == {("one", "Apply"): {"f:data": {"f:a": {}}}, ("two", "Apply"): {"f:data": {"f:b": {}}}}


async def test_letting_go_of_an_annotation_leaves_the_rest_of_the_metadata(cluster):
    annotated = config(a="1")
    annotated["metadata"]["annotations"] = {"k": "v"}
    await apply(cluster, annotated)
    left = await apply(cluster, config(a="1"))
    assert left["metadata"]["name"] == "a"
    assert "annotations" not in left["metadata"]


async def test_what_an_update_set_is_kept_when_its_applier_lets_go(cluster):
    await apply(cluster, config(a="1", b="1"))
    patch = {"data": {"b": "2"}}
    await cluster.send("patch", "configmaps", "a", patch, content_type=MERGE_PATCH, query={"fieldManager": "edit"})
    left = await apply(cluster, config(a="1"))
    assert left["data"] == {"a": "1", "b": "2"}


async def test_conflicts_name_managers_and_fields_and_force_takes_them(cluster):
    await apply(cluster, config(a="1", b="2"))
    text = await refused(cluster, 409, config(a="x"), "two")
    assert text == 'Apply failed with 1 conflict: conflict with "one": .data.a'
    text = await refused(cluster, 409, config(a="x", b="y"), "two")
    assert text == 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b'
    forced = await apply(cluster, config(a="x"), "two", force=True)
    assert owners(forced) == {("two", "Apply"): {"f:data": {"f:a": {}}}, ("one", "Apply"): {"f:data": {"f:b": {}}}}


async def test_conflicts_with_updates_name_their_version_and_subresource(cluster):
    await cluster.pod()
    for subresource, patch in (
        ("", {"metadata": {"labels": {"x": "1"}}}),
        ("status", {"status": {"phase": "Running"}}),
    ):
        await cluster.send(
            "patch", "pods", "p", patch, content_type=MERGE_PATCH, subresource=subresource,
            query={"fieldManager": "kubectl-label"},
        )  # fmt: skip
    labelled = pod_config()
    labelled["metadata"]["labels"] = {"x": "2"}
    text = await refused(cluster, 409, labelled, "two", "pods", "p")
    assert text == 'Apply failed with 1 conflict: conflict with "kubectl-label" using v1: .metadata.labels.x'
    status = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "status": {"phase": "Failed"}}
    text = await refused(cluster, 409, status, "two", "pods", "p", subresource="status")
    who = '"kubectl-label" with subresource "status" using v1'
    assert text == f"Apply failed with 1 conflict: conflict with {who}: .status.phase"


async def test_equal_values_are_owned_by_both(cluster):
    await apply(cluster, config(a="1"))
    shared = await apply(cluster, config(a="1"), "two")
    assert set(owners(shared)) == {("one", "Apply"), ("two", "Apply")}
    left = await apply(cluster, config(), "two")
    assert left["data"] == {"a": "1"}


async def test_items_of_lists_are_told_apart_by_keys_with_their_defaults(cluster):
    await apply(cluster, pod_config(ports=[{"containerPort": 80, "name": "a"}]), "one", "pods", "p")
    text = await refused(
        cluster, 400, pod_config(ports=[{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}]),
        "one", "pods", "p",
    )  # fmt: skip
    assert text == (
        'failed to create typed patch object (/p; /v1, Kind=Pod): .spec.containers[name="c"].ports: duplicate entries'
        ' for key [containerPort=80,protocol="TCP"]'
    )


async def test_items_that_others_own_stay_where_they_are(cluster):
    one = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "finalizers": ["x.io/b", "x.io/d"]}}
    await apply(cluster, {**one, "spec": pod()["spec"]}, "one", "pods", "p")
    two = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "finalizers": ["x.io/a", "x.io/d"]}}
    both = await apply(cluster, two, "two", "pods", "p")
    assert both["metadata"]["finalizers"] == ["x.io/b", "x.io/a", "x.io/d"]
    two["metadata"]["finalizers"] = []
    assert (await apply(cluster, two, "two", "pods", "p"))["metadata"]["finalizers"] == ["x.io/b", "x.io/d"]


async def test_a_value_in_another_spelling_is_no_change(cluster):
    sent = pod_config(resources={"limits": {"cpu": "1000m"}})
    made = await apply(cluster, sent, "one", "pods", "p")
    cluster.now += 60
    assert await apply(cluster, copy.deepcopy(sent), "one", "pods", "p") == made


UNTYPED = "failed to create typed patch object (/a; /v1, Kind=ConfigMap): "
OTHER_NAMESPACE = "the namespace of the provided object does not match the namespace sent on the request"
NO_SUCH_UID = (
    'Operation cannot be fulfilled on configmaps "a": uid mismatch: the provided object specified uid 1, and no'
    " existing object was found"
)


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"foo": 1}, 400, f"{UNTYPED}.foo: field not declared in schema"),
        ({"data": {"a": 1}}, 400, f"{UNTYPED}.data.a: expected string, got &value.valueUnstructured{{Value:1}}"),
        ({"data": ["a"]}, 400, f"{UNTYPED}.data: expected map, got &{{[a]}}"),
        ({"kind": "Secret"}, 400, "invalid object type: /v1, Kind=Secret"),
        ({"apiVersion": "apps/v1"}, 400, "invalid object type: apps/v1, Kind=ConfigMap"),
        ({"metadata": {"name": "a", "managedFields": []}}, 400, "metadata.managedFields must be nil"),
        ({"metadata": {"name": "b"}}, 400, "the name of the object (b) does not match the name on the URL (a)"),
        ({"metadata": {"name": "a", "namespace": "x"}}, 400, OTHER_NAMESPACE),
        ({"metadata": {"name": "a", "uid": "1"}}, 409, NO_SUCH_UID),
    ],
)
async def test_a_body_that_cannot_be_applied_is_refused(cluster, change, code, text):
    assert await refused(cluster, code, {**config(a="1"), **change}) == text


async def test_the_query_of_an_apply_is_checked(cluster):
    text = await refused(cluster, 422, config(), "")
    why = "fieldManager: Required value: is required for apply patch"
    assert text == f'PatchOptions.meta.k8s.io "" is invalid: {why}'
    text = await cluster.refused(
        422, "patch", "configmaps", "a", {}, content_type=MERGE_PATCH, query={"force": "true"}
    )
    assert text.endswith("force: Forbidden: may not be specified for non-apply patch")


async def test_who_may_not_create_applies_only_to_what_is_there(cluster):
    role = {"metadata": {"name": "patcher"}, "rules": [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]}
    ]}  # fmt: skip
    binding = {
        "metadata": {"name": "patcher"}, "roleRef": {"kind": "Role", "name": "patcher", "apiGroup": RBAC},
        "subjects": [{"kind": "User", "name": "jane", "apiGroup": RBAC}],
    }  # fmt: skip
    for plural, obj in (("roles", role), ("rolebindings", binding)):
        await cluster.client.create(GVR(RBAC, "v1", plural), obj, "default")
    jane = User("jane", ("system:authenticated",))
    sent, options = request(config(a="1"))
    assert await cluster.refused(403, *sent, **options, user=jane) == 'configmaps "a" is forbidden: '
    await apply(cluster, config(b="1"), "two")
    assert (await cluster.object(*sent, **options, user=jane))["data"] == {"a": "1", "b": "1"}


async def test_keys_that_are_repeated_are_refused_by_strict_validation_alone(cluster):
    raw = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: '1'\n  a: '2'\n"
    sent, options = request(config(a="2"), fieldValidation="Strict")
    text = await cluster.refused(400, *sent, **options, raw_body=raw)
    why = 'yaml: unmarshal errors:\n  line 6: key "a" already set in map'
    assert text == f"error strict decoding YAML: error converting YAML to JSON: {why}"
    sent, options = request(config(a="2"), fieldValidation="Warn")
    assert (await cluster.object(*sent, **options, raw_body=raw))["data"] == {"a": "2"}


async def test_preconditions_in_the_body_hold(cluster):
    made = await apply(cluster, config(a="1"))
    stale = config(a="2")
    stale["metadata"]["resourceVersion"] = "1"
    assert "the object has been modified" in await refused(cluster, 409, stale)
    stale["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"]
    assert (await apply(cluster, stale))["data"] == {"a": "2"}


async def test_a_dry_run_answers_and_keeps_nothing(cluster):
    before = cluster.store.revision
    assert (await apply(cluster, config(a="1"), dryRun="All"))["data"] == {"a": "1"}
    assert cluster.store.revision == before


async def test_the_status_endpoint_applies_status_alone_and_creates_nothing(cluster):
    status = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "status": {"phase": "Running"}}
    assert await refused(cluster, 404, status, "one", "pods", "p", subresource="status") == 'pods "p" not found'
    await cluster.pod()
    sent = {**status, "spec": {"nodeName": "n"}}
    after = await apply(cluster, sent, "one", "pods", "p", subresource="status")
    assert after["status"]["phase"] == "Running"
    assert owners(after)["one", "Apply"] == {"f:status": {"f:phase": {}}}
    assert "nodeName" not in after["spec"]


async def test_owners_that_were_stripped_come_back_as_one_from_before(cluster):
    await cluster.config_map(a="1")
    strip = {"metadata": {"managedFields": [{}]}}
    await cluster.send("patch", "configmaps", "a", strip, content_type=MERGE_PATCH)
    text = await refused(cluster, 409, config(a="2"))
    assert text == 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a'


async def test_kubectl_takes_over_what_its_annotation_says_it_applied(cluster):
    applied = config(a="1", b="1")
    annotation = {"kubectl.kubernetes.io/last-applied-configuration": orjson.dumps(applied).decode()}
    made = {**applied, "metadata": {"name": "a", "annotations": annotation}}
    await cluster.send("create", "configmaps", "", made, query={"fieldManager": "kubectl-client-side-apply"})
    await refused(cluster, 409, config(a="2"), "other")
    after = await apply(cluster, config(a="2"), "kubectl")
    assert after["data"]["a"] == "2"
    kept = orjson.loads(after["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"])
    assert kept == config(a="2")
