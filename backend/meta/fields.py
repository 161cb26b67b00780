"""One field of a Kubernetes type, as its OpenAPI definition describes it."""

from __future__ import annotations

from typing import Any

from backend.meta import gotypes

_META = "io.k8s.apimachinery.pkg."
_EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."

SPECIAL = {
    _META + "api.resource.Quantity": "quantity",
    _META + "util.intstr.IntOrString": "int-or-string",
    _META + "apis.meta.v1.Time": "time",
    _META + "apis.meta.v1.MicroTime": "micro-time",
    _META + "apis.meta.v1.FieldsV1": "any",
    _META + "apis.meta.v1.Patch": "any",
    _META + "runtime.RawExtension": "any",
    _EXTENSIONS + "JSON": "any",
    _EXTENSIONS + "JSONSchemaPropsOrArray": "any",
    _EXTENSIONS + "JSONSchemaPropsOrBool": "any",
    _EXTENSIONS + "JSONSchemaPropsOrStringArray": "any",
    _EXTENSIONS + "CustomResourceSubresourceStatus": "any",
}
"""Definitions that are values of their own kind rather than structs."""


class Field:
    """A field, or the element of a list or a map (which then has no name).

    `kind` is one of string, boolean, integer, number, bytes (base64), quantity, int-or-string, time, micro-time,
    any, struct, list and map. `format` is int32 or int64 for an integer. `definition` names the struct, for a
    struct and for a list or map of structs. `element` describes the elements of a list or map. `go_type` is how Go
    prints the type. The rest is about merging: `patch_strategy` may contain merge, replace and retainKeys;
    `list_type` is atomic, set, map or ""; `map_type` is what the field itself says, not the struct that it refers to.
    """

    __slots__ = (
        "definition", "element", "format", "go_type", "kind", "list_map_keys", "list_type", "map_type",
        "merge_key", "name", "patch_strategy", "required",
    )  # fmt: skip

    def __init__(self, owner: str, name: str, schema: dict[str, Any], *, required: bool = False) -> None:
        self.name = name
        self.required = required
        self.format: str = schema.get("format", "")
        self.definition: str = schema.get("$ref", "").rpartition("/")[2]
        self.element: Field | None = None
        self.patch_strategy = tuple(filter(None, schema.get("x-kubernetes-patch-strategy", "").split(",")))
        self.merge_key: str = schema.get("x-kubernetes-patch-merge-key", "")
        self.list_type: str = schema.get("x-kubernetes-list-type", "")
        self.list_map_keys: tuple[str, ...] = tuple(schema.get("x-kubernetes-list-map-keys", ()))
        self.map_type: str = schema.get("x-kubernetes-map-type", "")
        self.kind = self._kind(owner, schema)
        self.go_type = self._go_type(owner, name)

    def _kind(self, owner: str, schema: dict[str, Any]) -> str:
        if self.definition:
            special = SPECIAL.get(self.definition)
            if special is None:
                return "struct"
            self.definition = ""
            return special
        declared = schema["type"]
        kind: str = declared if isinstance(declared, str) else declared[0]
        if kind == "array":
            self.element = Field(owner, self.name, schema["items"])
        elif kind == "object":
            # An object that says nothing of its values is free-form.
            if "additionalProperties" not in schema:
                return "any"
            self.element = Field(owner, self.name, schema["additionalProperties"])
        elif kind == "string" and self.format == "byte":
            return "bytes"
        if self.element is not None:
            self.definition = self.element.definition
            return "list" if kind == "array" else "map"
        return kind

    def _go_type(self, owner: str, name: str) -> str:
        kind = self.kind
        if kind == "struct":
            return gotypes.type_name(self.definition)
        if kind == "string":
            return gotypes.string_type(owner, name)
        if self.element is not None:
            if kind == "list":
                return f"[]{self.element.go_type}"
            return "v1.ResourceList" if self.element.kind == "quantity" else f"map[string]{self.element.go_type}"
        return {
            "boolean": "bool", "integer": self.format or "int64", "number": "float64", "bytes": "[]uint8",
            "int-or-string": "int32", "time": "string", "micro-time": "string",
        }.get(kind, kind)  # fmt: skip


def read_fields(definition: str, schema: dict[str, Any]) -> dict[str, Field]:
    """The fields of one definition."""
    required = frozenset(schema["required"])
    return {
        name: Field(definition, name, prop, required=name in required)
        for name, prop in schema["properties"].items()
    }
