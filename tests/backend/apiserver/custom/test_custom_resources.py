"""A CustomResourceDefinition is served at once; its objects are pruned, defaulted, validated and counted."""

import json

import pytest

from backend.meta.errors import ApiError
from tests.backend.apiserver.custom.conftest import DEFINITIONS, WIDGETS, definition, widget
from tests.support.control_plane import eventually

SPEC = {
    "type": "object",
    "required": ["image"],
    "properties": {
        "image": {"type": "string", "minLength": 1},
        "replicas": {"type": "integer", "default": 1, "minimum": 0, "maximum": 10},
        "port": {"x-kubernetes-int-or-string": True},
        "mode": {"type": "string", "enum": ["fast", "slow"], "default": "slow"},
        "note": {"type": "string", "nullable": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "labels": {"type": "object", "additionalProperties": {"type": "string", "pattern": "^[a-z]+$"}},
        "ports": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "protocol": {"type": "string", "default": "TCP"}},
            },
        },
    },
}


async def test_a_definition_is_established_and_served_at_once(served):
    made = await served.define(SPEC)
    assert made["spec"]["names"] == {
        "plural": "widgets", "kind": "Widget", "shortNames": ["wd"], "singular": "widget", "listKind": "WidgetList",
    }  # fmt: skip
    assert made["spec"]["conversion"] == {"strategy": "None"}
    assert made["status"]["storedVersions"] == ["v1"]
    created = await served.widget(spec={"image": "a"})
    assert created["spec"] == {"image": "a", "replicas": 1, "mode": "slow"}
    assert created["metadata"]["generation"] == 1

    async def established():
        conditions = (await served.client.get(DEFINITIONS, "widgets.example.com"))["status"]["conditions"]
        return {c["type"]: (c["status"], c["reason"], c["message"]) for c in conditions}

    assert await eventually(established) == {
        "NamesAccepted": ("True", "NoConflicts", "no conflicts found"),
        "Established": ("True", "InitialNamesAccepted", "the initial names have been accepted"),
    }
    assert served.catalog.find("example.com", "v1", "widgets").short_names == ("wd",)


async def test_values_are_validated_in_the_words_of_kubernetes(served):
    await served.define(SPEC)
    body = widget(
        spec={
            "replicas": "three", "port": True, "mode": "warp", "labels": {"a": "B"},
            "ports": [{"name": "a"}, {"name": "a"}, {"protocol": "UDP"}],
        }
    )  # fmt: skip
    message = await served.refused(422, "create", "", body)
    assert message.startswith('Widget.example.com "w" is invalid: [')
    for text in (
        'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"',
        'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
        'spec.mode: Unsupported value: "warp": supported values: "fast", "slow"',
        """spec.labels.a: Invalid value: "B": spec.labels.a in body should match '^[a-z]+$'""",
        "spec.ports[2].name: Required value",
        "spec.image: Required value",
        'spec.ports[1]: Duplicate value: {"name":"a"}',
    ):
        assert text in message
    message = await served.refused(422, "create", "", widget(spec={"image": "", "replicas": 11}))
    assert 'spec.image: Invalid value: "": spec.image in body should be at least 1 chars long' in message
    assert "spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10" in message
    message = await served.refused(422, "create", "", widget("Bad_Name", spec={"image": "a"}))
    assert 'metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain' in message


async def test_unknown_fields_are_pruned_warned_of_or_refused(served):
    await served.define(SPEC)
    body = widget(spec={"image": "a", "imag": "b", "free": {"x": {"y": 1}}, "ports": [{"name": "p", "z": 1}]})
    body["metadata"]["nope"] = 1
    answer = await served.send("create", "", body)
    made = json.loads(answer.body)
    assert made["spec"] == {
        "image": "a", "free": {"x": {"y": 1}}, "ports": [{"name": "p", "protocol": "TCP"}], "replicas": 1,
        "mode": "slow",
    }  # fmt: skip
    assert "nope" not in made["metadata"]
    assert set(answer.warnings) == {
        'unknown field "spec.imag"', 'unknown field "spec.ports[0].z"', 'unknown field "metadata.nope"',
    }  # fmt: skip
    body["metadata"]["name"] = "other"
    message = await served.refused(400, "create", "", body, query={"fieldValidation": "Strict"})
    assert 'strict decoding error: unknown field "spec.imag"' in message


async def test_nulls_are_dropped_defaulted_or_kept(served):
    await served.define(SPEC)
    made = await served.widget(spec={"image": "a", "replicas": None, "note": None, "labels": None})
    assert made["spec"] == {"image": "a", "replicas": 1, "note": None, "mode": "slow"}


async def test_the_generation_counts_what_the_user_wants(served):
    await served.define(SPEC, subresources={"status": {}})
    made = await served.widget(spec={"image": "a"}, status={"ready": True})
    assert "status" not in made
    status = await served.client.patch(WIDGETS, "w", {"status": {"ready": True}}, "default", "status")
    assert (status["status"], status["metadata"]["generation"]) == ({"ready": True}, 1)
    patched = await served.client.patch(
        WIDGETS, "w", {"spec": {"image": "b"}, "status": {"ready": False}}, "default"
    )
    assert (patched["status"], patched["metadata"]["generation"]) == ({"ready": True}, 2)
    labelled = await served.client.patch(WIDGETS, "w", {"metadata": {"labels": {"a": "b"}}}, "default")
    assert labelled["metadata"]["generation"] == 2


async def test_patches_of_custom_resources_are_all_but_strategic(served):
    await served.define(SPEC)
    await served.widget(spec={"image": "a", "ports": [{"name": "p"}]})
    message = await served.refused(
        415, "patch", "w", {"spec": {}}, content_type="application/strategic-merge-patch+json"
    )
    assert message == (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    )
    test = [{"op": "replace", "path": "/spec/image", "value": 5}]
    message = await served.refused(422, "patch", "w", test, content_type="application/json-patch+json")
    assert 'spec.image in body must be of type string: "integer"' in message
    applied = {"apiVersion": "example.com/v1", "kind": "Widget", "spec": {"ports": [{"name": "q"}]},
               "metadata": {"name": "w"}}  # fmt: skip
    answer = await served.send(
        "patch", "w", applied, content_type="application/apply-patch+yaml", query={"fieldManager": "me"}
    )
    assert [port["name"] for port in json.loads(answer.body)["spec"]["ports"]] == ["p", "q"]


async def test_columns_are_paths_into_the_object(served):
    columns = [
        {"name": "Image", "type": "string", "jsonPath": ".spec.image", "description": "What runs"},
        {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
        {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas", "priority": 1},
        {"name": "Since", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
    await served.define(SPEC, additionalPrinterColumns=columns)
    conditions = [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}]
    await served.widget("a", spec={"image": "x"}, status={"conditions": conditions})
    await served.widget("b", spec={"image": "y"})
    table = json.loads((await served.send("list", form="table")).body)
    shown = [(column["name"], column["type"], column["priority"]) for column in table["columnDefinitions"]]
    assert shown == [
        ("Name", "string", 0), ("Image", "string", 0), ("Ready", "string", 0), ("Replicas", "integer", 1),
        ("Since", "date", 0),
    ]  # fmt: skip
    path = '.status.conditions[?(@.type=="Ready")].status'
    assert [column["description"] for column in table["columnDefinitions"][1:3]] == [
        "What runs",
        f"Custom resource definition column (in JSONPath format): {path}",
    ]
    assert [row["cells"] for row in table["rows"]] == [["a", "x", "True", 1, "0s"], ["b", "y", None, 1, "0s"]]


async def test_selectable_fields_select(served):
    await served.define(SPEC, selectableFields=[{"jsonPath": ".spec.mode"}])
    await served.widget("a", spec={"image": "x", "mode": "fast"})
    await served.widget("b", spec={"image": "x"})
    found = await served.client.list(WIDGETS, "default", fieldSelector="spec.mode=slow")
    assert [item["metadata"]["name"] for item in found["items"]] == ["b"]
    with pytest.raises(ApiError, match=r"field label not supported: spec\.image"):
        await served.client.list(WIDGETS, "default", fieldSelector="spec.image=x")


async def test_versions_share_their_objects_and_defaults_are_read(served):
    old = definition(SPEC)
    other = json.loads(json.dumps(old["spec"]["versions"][0]))
    other.update(name="v1beta1", storage=False, deprecated=True)
    other["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["extra"] = {
        "type": "string",
        "default": "e",
    }
    old["spec"]["versions"].append(other)
    await served.client.create(DEFINITIONS, old)
    await served.widget(spec={"image": "a"})
    answer = await served.send("get", "w", version="v1beta1")
    assert json.loads(answer.body)["apiVersion"] == "example.com/v1beta1"
    assert json.loads(answer.body)["spec"]["extra"] == "e"
    assert answer.warnings == ("example.com/v1beta1 Widget is deprecated",)
    assert "extra" not in json.loads((await served.send("get", "w")).body)["spec"]


async def test_a_deleted_definition_takes_its_objects_along(served):
    await served.define(SPEC)
    await served.widget("a", spec={"image": "x"})
    held = widget("b", spec={"image": "x"})
    held["metadata"]["finalizers"] = ["example.com/hold"]
    await served.client.create(WIDGETS, held, "default")
    gone = await served.client.delete(DEFINITIONS, "widgets.example.com")
    assert gone["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]

    async def only_held():
        left = (await served.client.list(WIDGETS, "default"))["items"]
        return [item["metadata"]["name"] for item in left] == ["b"]

    await eventually(only_held)
    with pytest.raises(ApiError) as caught:
        await served.client.create(WIDGETS, widget("c", spec={"image": "x"}), "default")
    assert caught.value.code == 405
    release = [{"op": "remove", "path": "/metadata/finalizers"}]
    held = await served.client.get(WIDGETS, "b", "default")
    assert held["metadata"]["deletionTimestamp"]
    terminating = await served.client.get(DEFINITIONS, "widgets.example.com")
    assert terminating["status"]["conditions"][-1]["reason"] == "InstanceDeletionInProgress"
    await served.client.patch(WIDGETS, "b", release, "default", content_type="application/json-patch+json")

    async def everything_gone():
        return not (await served.client.list(DEFINITIONS))["items"]

    await eventually(everything_gone)
    with pytest.raises(ApiError, match="could not find the requested resource"):
        await served.client.list(WIDGETS, "default")
