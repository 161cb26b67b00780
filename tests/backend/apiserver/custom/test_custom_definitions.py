"""Which definitions are refused, and in which words; names that others have; what survives a restart."""

import copy

import pytest

from backend.apiserver.handler import Handler
from backend.machinery.client import GVR, Client
from backend.meta.errors import ApiError
from backend.meta.types import ADMIN
from backend.resources.catalog import Catalog
from tests.backend.apiserver.conftest import schemas
from tests.backend.apiserver.custom.conftest import DEFINITIONS, WIDGETS, definition
from tests.support.control_plane import eventually

SCHEMA = "spec.validation.openAPIV3Schema"
AT = f"{SCHEMA}.properties[spec]"


def changed(**spec):
    body = definition()
    body["spec"].update(spec)
    return body


def with_version(**version):
    return definition(None, **version)


def named(**names):
    return changed(names={**definition()["spec"]["names"], **names})


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (changed(group="nodots"), [
            'metadata.name: Invalid value: "widgets.example.com": must be spec.names.plural+"."+spec.group',
            'spec.group: Invalid value: "nodots": should be a domain with at least one dot',
        ]),
        (changed(scope="World"), ['spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"']),
        (named(kind="widget", listKind="widget"),
         ["spec.names.listKind: Invalid value: \"widget\": kind and listKind may not be the same"]),
        (named(shortNames=["Bad_Name"]),
         ['spec.names.shortNames[0]: Invalid value: "Bad_Name": a DNS-1035 label must']),
        (named(kind="Wid get"),
         ['spec.names.kind: Invalid value: "Wid get": may have mixed case, but should otherwise match:']),
        (with_version(storage=False), ["must have exactly one version marked as storage version"]),
        (with_version(schema=None), ["spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required"]),
        (with_version(name="1v"), ['spec.versions[0].name: Invalid value: "1v"']),
        (changed(preserveUnknownFields=True), ["spec.preserveUnknownFields: Invalid value: true: cannot set to true"]),
        (changed(conversion={"strategy": "Webhook"}),
         ["spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook"]),
        (with_version(subresources={"scale": {"specReplicasPath": "spec.x", "statusReplicasPath": ".spec.y"}}), [
            'spec.subresources.scale.specReplicasPath: Invalid value: "spec.x": must be a simple json path',
            'spec.subresources.scale.statusReplicasPath: Invalid value: ".spec.y": should be a json path under .status',
        ]),
        (with_version(additionalPrinterColumns=[{"name": "", "type": "text", "jsonPath": ".a["}]), [
            "spec.additionalPrinterColumns[0].name: Required value",
            'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,',
            'spec.additionalPrinterColumns[0].jsonPath: Invalid value: ".a[": unterminated array',
        ]),
        (with_version(selectableFields=[{"jsonPath": ".spec.nope"}]), [
            'spec.selectableFields[0].jsonPath: Invalid value: ".spec.nope": is an invalid path: does not',
        ]),
    ],
    ids=str,
)  # fmt: skip
async def test_definitions_that_cannot_be_are_refused(served, body, texts):
    if body["spec"]["versions"][0].get("schema", 1) is None:
        del body["spec"]["versions"][0]["schema"]
    message = await served.not_defined(body)
    for text in texts:
        assert text in message


@pytest.mark.parametrize(
    ("spec", "texts"),
    [
        ({"type": "array"}, [f"{AT}.items: Required value: must be specified"]),
        ({"type": "object", "properties": {"a": {}}},
         [f"{AT}.properties[a].type: Required value: must not be empty for specified object fields"]),
        ({"type": "thing"}, [f'{AT}.type: Unsupported value: "thing": supported values: "array", "boolean", ']),
        ({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}},
         [f"{AT}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"]),
        ({"type": "object", "anyOf": [{"type": "object", "description": "x"}]}, [
            f"{AT}.anyOf[0].type: Forbidden: must be empty to be structural",
            f"{AT}.anyOf[0].description: Forbidden: must be empty to be structural",
        ]),
        ({"type": "object", "oneOf": [{"properties": {"a": {"minimum": 1}}}]},
         [f"{AT}.properties[a]: Required value: because it is defined in {AT}.oneOf[0].properties[a]"]),
        ({"type": "string", "pattern": "("},
         [f'{AT}.pattern: Invalid value: "(": must be a valid regular expression, but isn\'t: error']),
        ({"type": "integer", "default": "x"},
         [f'{AT}.default: Invalid value: "string": {AT}.default in body must be of type integer: "string"']),
        ({"type": "object", "default": {"a": 1}},
         [f'{AT}.default: Invalid value: {{"a":1}}: must not have unknown fields']),
        ({"type": "array", "items": {"type": "object", "properties": {"k": {"type": "string"}}},
          "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]},
         [f"{AT}.items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys"]),
        ({"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "set"},
         [f"{AT}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list"]),
        ({"type": "object", "x-kubernetes-embedded-resource": True},
         [f"{AT}.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without"]),
        ({"type": "string", "$ref": "#/x"}, [f"{AT}.$ref: Forbidden: $ref is not supported"]),
        ({"type": "array", "items": {"type": 5}}, [f"{AT}.items.type: Invalid value: 5"]),
    ],
    ids=str,
)  # fmt: skip
async def test_schemas_that_are_not_structural_are_refused(served, spec, texts):
    message = await served.not_defined(definition(spec))
    for text in texts:
        assert text in message


async def test_faults_of_versions_that_differ_name_the_version(served):
    body = definition()
    other = copy.deepcopy(body["spec"]["versions"][0])
    other.update(name="v2", storage=False)
    other["schema"]["openAPIV3Schema"]["properties"]["spec"] = {"type": "array"}
    body["spec"]["versions"].append(other)
    message = await served.not_defined(body)
    assert (
        "spec.versions[1].schema.openAPIV3Schema.properties[spec].items: Required value: must be specified"
        in message
    )


async def test_groups_of_the_community_need_an_approval(served):
    body = changed(group="things.k8s.io")
    body["metadata"]["name"] = "widgets.things.k8s.io"
    message = await served.not_defined(body)
    assert (
        "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have" in message
    )
    body["metadata"]["annotations"] = {"api-approved.kubernetes.io": "https://example.com/pull/1"}
    await served.client.create(DEFINITIONS, body)


async def test_what_identifies_objects_cannot_change(served):
    await served.define()

    async def established():
        found = await served.client.get(DEFINITIONS, "widgets.example.com")
        return found if found["status"]["conditions"] else None

    made = await eventually(established)
    for path, value in (("scope", "Cluster"), ("group", "other.com")):
        body = copy.deepcopy(made)
        body["spec"][path] = value
        with pytest.raises(ApiError, match=rf"spec\.{path}: Invalid value: .*: field is immutable"):
            await served.client.update(DEFINITIONS, body)
    body = copy.deepcopy(made)
    body["spec"]["versions"][0]["name"] = "v9"
    with pytest.raises(
        ApiError, match=r"status.storedVersions\[0\]: Invalid value: .v1.: missing from spec.versions"
    ):
        await served.client.update(DEFINITIONS, body)
    body["spec"]["versions"].append({**made["spec"]["versions"][0], "storage": False})
    updated = await served.client.update(DEFINITIONS, body)
    assert updated["status"]["storedVersions"] == ["v1", "v9"]
    assert updated["metadata"]["generation"] == 2
    assert (await served.client.list(GVR("example.com", "v9", "widgets")))["items"] == []


async def test_a_name_is_used_once_in_a_group(served):
    await served.define()
    other = named(plural="gadgets", kind="Gadget", shortNames=["wd"])
    other["metadata"]["name"] = "gadgets.example.com"
    await served.client.create(DEFINITIONS, other)

    async def conditions():
        found = await served.client.get(DEFINITIONS, "gadgets.example.com")
        return {c["type"]: (c["status"], c["reason"], c["message"]) for c in found["status"]["conditions"]}

    assert await eventually(conditions) == {
        "NamesAccepted": ("False", "ShortNamesConflict", '"wd" is already in use'),
        "Established": ("False", "NotAccepted", "not all names are accepted"),
    }
    assert served.catalog.find("example.com", "v1", "gadgets") is None
    await served.client.delete(DEFINITIONS, "widgets.example.com")

    async def accepted():
        return (await conditions())["Established"][0] == "True"

    await eventually(accepted)
    assert served.catalog.find("example.com", "v1", "gadgets") is not None


async def test_definitions_are_served_again_after_a_restart(served, cluster):
    await served.define({"type": "object", "properties": {"a": {"type": "integer", "default": 4}}})
    await served.widget(spec={})
    again = Handler(cluster.store, Catalog.builtin(), schemas())
    again.definitions.load()
    client = Client(again, ADMIN)
    assert (await client.get(WIDGETS, "w", "default"))["spec"] == {"a": 4}
    with pytest.raises(ApiError, match="must be of type integer"):
        await client.patch(WIDGETS, "w", {"spec": {"a": "x"}}, "default")
