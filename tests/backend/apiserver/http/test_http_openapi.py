from __future__ import annotations

from typing import Any

from backend.meta.types import Obj
from tests.backend.apiserver.http.conftest import Running

POD = "io.k8s.api.core.v1.Pod"


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(value) for value in node.values()))
    return set().union(*(references(value) for value in node)) if isinstance(node, list) else set()


async def core(running: Running) -> Obj:
    index = (await running.get("/openapi/v3")).json
    assert set(index["paths"]) > {"api/v1", "apis/coordination.k8s.io/v1"}
    reply = await running.get(index["paths"]["api/v1"]["serverRelativeURL"])
    assert reply.headers["cache-control"] == "public, immutable"
    document: Obj = reply.json
    return document


async def test_every_reference_is_to_a_schema_of_the_document(running: Running) -> None:
    document = await core(running)
    names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= names
    v2 = (await running.get("/openapi/v2")).json
    assert references(v2) <= {f"#/definitions/{name}" for name in v2["definitions"]}
    assert v2["swagger"] == "2.0"


async def test_schemas_are_as_kubernetes_publishes_them(running: Running) -> None:
    schemas = (await core(running))["components"]["schemas"]
    assert schemas[POD]["x-kubernetes-group-version-kind"] == [{"group": "", "kind": "Pod", "version": "v1"}]
    properties = schemas[POD]["properties"]
    assert properties["kind"]["type"] == "string"
    assert "enum" not in properties["kind"]
    assert properties["spec"]["allOf"] == [{"$ref": "#/components/schemas/io.k8s.api.core.v1.PodSpec"}]
    containers = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert (containers["type"], containers["x-kubernetes-patch-merge-key"]) == ("array", "name")
    assert schemas["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["format"] == "int-or-string"


async def test_kubectl_finds_that_the_server_validates_fields(running: Running) -> None:
    paths = (await core(running))["paths"]
    patches = {
        operation["x-kubernetes-group-version-kind"]["kind"]: [entry["name"] for entry in operation["parameters"]]
        for path, item in paths.items()
        if path.endswith("{name}") and (operation := item.get("patch"))
    }
    for kind in ("Pod", "Secret", "ConfigMap", "Namespace", "Node", "Event", "ServiceAccount"):
        assert "fieldValidation" in patches[kind]
    create = paths["/api/v1/namespaces/{namespace}/pods"]["post"]
    assert create["requestBody"]["content"]["*/*"]["schema"] == {"$ref": f"#/components/schemas/{POD}"}


async def test_what_has_not_changed_is_not_sent_again(running: Running) -> None:
    for path in ("/openapi/v3", "/openapi/v2", "/openapi/v3/api/v1"):
        etag = (await running.get(path)).headers["etag"]
        again = await running.get(path, if_none_match=etag)
        assert (again.code, again.body, again.headers["etag"]) == (304, b"", etag)


async def test_v2_has_a_protobuf_form_and_no_other(running: Running) -> None:
    protobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    answer = await running.get("/openapi/v2", accept=protobuf)
    assert answer.headers["content-type"] == protobuf.replace("@", ".")
    assert answer.body.startswith(b"\x0a\x032.0")
    assert b"/api/v1/namespaces/{namespace}/pods" in answer.body
    assert answer.headers["etag"] != (await running.get("/openapi/v2")).headers["etag"]
    assert (await running.get("/openapi/v2", accept="text/xml")).code == 406
