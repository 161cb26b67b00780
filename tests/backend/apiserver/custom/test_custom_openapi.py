"""Custom resources are documented as soon as they are served, in both versions of OpenAPI."""

from backend.apiserver.http.openapi_document import build
from backend.meta.schema import Schemas
from tests.backend.apiserver.custom.conftest import served as served

NAME = "com.example.v1.Widget"
SPEC = {
    "type": "object",
    "description": "What is wanted",
    "properties": {
        "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        "note": {"type": "string", "nullable": True},
        "free": {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {"a": {"type": "string"}},
        },
    },
}  # fmt: skip


async def test_openapi_describes_what_is_served(served):
    await served.define(SPEC, subresources={"status": {}})
    kinds = [kind for kind in served.catalog if kind.group == "example.com"]
    v3 = build(Schemas.raw_definitions(), kinds, "v3")
    schema = v3["components"]["schemas"][NAME]
    assert schema["x-kubernetes-group-version-kind"] == [
        {"group": "example.com", "kind": "Widget", "version": "v1"}
    ]
    assert schema["properties"]["spec"]["description"] == "What is wanted"
    assert schema["properties"]["spec"]["properties"]["note"]["nullable"] is True
    meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    assert schema["properties"]["metadata"]["allOf"] == [{"$ref": f"#/components/schemas/{meta}"}]
    assert meta in v3["components"]["schemas"]
    assert f"{NAME}List" in v3["components"]["schemas"]
    patch = v3["paths"]["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]
    assert "/apis/example.com/v1/namespaces/{namespace}/widgets/{name}/status" in v3["paths"]


async def test_version_2_leaves_out_what_it_cannot_say(served):
    await served.define(SPEC)
    kinds = [kind for kind in served.catalog if kind.group == "example.com"]
    schema = build(Schemas.raw_definitions(), kinds, "v2")["definitions"][NAME]
    spec = schema["properties"]["spec"]["properties"]
    assert spec["port"] == {"x-kubernetes-int-or-string": True}
    assert spec["note"] == {}
    assert spec["free"] == {"x-kubernetes-preserve-unknown-fields": True}
