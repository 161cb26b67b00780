"""The schemas of custom resources as OpenAPI publishes them.

Source: builder/builder.go and v2/conversion.go of k8s.io/apiextensions-apiserver/pkg/controller/openapi. Version 2 of
OpenAPI knows neither alternatives nor null, and clients take what it does not list for unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from backend.meta.types import Obj
from backend.resources.apiextensions.structural import EMBEDDED, INT_OR_STRING, PRESERVE
from backend.resources.resource import Resource

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_POD = "io.k8s.api.core.v1.Pod"
"""Where the descriptions of fields that all kinds have are taken from."""
_ONLY_V3 = frozenset({"allOf", "anyOf", "oneOf", "not", "nullable"})


def definitions_of(
    resource: Resource, published: Mapping[str, Any], dialect: Literal["v2", "v3"], prefix: str
) -> dict[str, Obj]:
    """The kind and its list, by the names of their definitions. `published` are those of Kubernetes' own kinds;
    `prefix` is that of references."""
    writer = _Writer(published, dialect, prefix)
    schema = writer.schema(resource.published)
    schema["properties"] = {**(schema.get("properties") or {}), **writer.meta(_POD, "ObjectMeta")}
    schema["x-kubernetes-group-version-kind"] = [_gvk(resource, resource.kind)]
    schema["type"] = "object"
    items: Obj = {
        "description": f"List of {resource.plural}",
        "type": "array",
        "items": {"$ref": prefix + resource.schema},
    }
    listed: Obj = {
        "description": f"{resource.kind}List is a list of {resource.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {**writer.meta(f"{_POD}List", "ListMeta"), "items": items},
        "x-kubernetes-group-version-kind": [_gvk(resource, f"{resource.kind}List")],
    }
    return {resource.schema: schema, f"{resource.schema}List": listed}


def _gvk(resource: Resource, kind: str) -> Obj:
    return {"group": resource.group, "kind": kind, "version": resource.version}


class _Writer:
    def __init__(self, published: Mapping[str, Any], dialect: Literal["v2", "v3"], prefix: str) -> None:
        self._published = published
        self._v2 = dialect == "v2"
        self._prefix = prefix

    def meta(self, like: str, meta: str) -> dict[str, Obj]:
        """apiVersion, kind and metadata, with the descriptions that they have in the definition `like`."""
        described = {name: field["description"] for name, field in self._published[like]["properties"].items()
                     if "description" in field}  # fmt: skip
        reference = {"$ref": f"{self._prefix}{META}{meta}"}
        about = {"description": described["metadata"]}
        return {
            "apiVersion": {"description": described["apiVersion"], "type": "string"},
            "kind": {"description": described["kind"], "type": "string"},
            "metadata": {**about, **reference} if self._v2 else {**about, "allOf": [reference]},
        }

    def schema(self, schema: Any) -> Any:
        """A structural schema in this version of OpenAPI; `schema` is not changed."""
        if not isinstance(schema, dict):
            return schema
        found = {key: self._keyword(key, value) for key, value in schema.items()}
        if self._v2:
            found = {key: value for key, value in found.items() if key not in _ONLY_V3}
            if schema.get("nullable") or schema.get(PRESERVE):
                found = {key: value for key, value in found.items() if key not in ("properties", "items", "type")}
            if schema.get(INT_OR_STRING):
                found.pop("type", None)
        if schema.get(EMBEDDED) and "properties" in found:
            found["properties"] = {**found["properties"], **self.meta(_POD, "ObjectMeta")}
        return found

    def _keyword(self, key: str, value: Any) -> Any:
        if key == "properties":
            return {name: self.schema(inner) for name, inner in value.items()}
        if key in ("items", "additionalProperties", "not"):
            return self.schema(value)
        if key in ("allOf", "anyOf", "oneOf"):
            return [self.schema(inner) for inner in value]
        return value
