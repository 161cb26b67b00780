"""The published definitions in OpenAPI form, v2 and v3, with the paths of the resources that are served.

kubernetes-validate ships the definitions as a JSON schema in which fields may be null, references go to `$defs`,
and apiVersion and kind are constants. Here that is undone: plain types, references to the document's own schemas.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from backend.apiserver.http.openapi_custom import definitions_of
from backend.apiserver.http.openapi_paths import paths
from backend.apiserver.http.version import GIT_VERSION
from backend.meta.types import Obj
from backend.resources.resource import Resource

Dialect = Literal["v2", "v3"]

SOURCE_PREFIX = "#/$defs/"
PREFIXES: dict[Dialect, str] = {"v2": "#/definitions/", "v3": "#/components/schemas/"}
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
ALWAYS = tuple(META + name for name in ("APIResourceList", "DeleteOptions", "Patch", "Status", "WatchEvent"))
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
SPECIAL: dict[Dialect, dict[str, Obj]] = {
    "v2": {INT_OR_STRING: {"type": "string", "format": "int-or-string"}, QUANTITY: {"type": "string"}},
    "v3": {
        INT_OR_STRING: {"oneOf": [{"type": "integer"}, {"type": "string"}], "format": "int-or-string"},
        QUANTITY: {"oneOf": [{"type": "string"}, {"type": "number"}]},
    },
}


def build(definitions: Obj, resources: Iterable[Resource], dialect: Dialect) -> Obj:
    """One document for the resources (of one group version in v3), with every schema that they reach."""
    resources = list(resources)
    served = paths(resources, dialect)
    wanted = [*ALWAYS, *(name for r in resources for name in (r.schema, f"{r.schema}List"))]
    custom: Obj = {}
    for resource in resources:
        if resource.published is not None:
            custom |= definitions_of(resource, definitions, dialect, PREFIXES[dialect])
    names = _closure(definitions, [*wanted, *_referenced([served, custom], PREFIXES[dialect])])
    schemas = {name: _schema(name, definitions[name], dialect) for name in names} | custom
    schemas = {name: schemas[name] for name in sorted(schemas)}
    info = {"title": "Kubernetes", "version": GIT_VERSION}
    if dialect == "v2":
        return {"swagger": "2.0", "info": info, "paths": served, "definitions": schemas}
    return {"openapi": "3.0.0", "info": info, "paths": served, "components": {"schemas": schemas}}


def _referenced(node: Any, prefix: str) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value.removeprefix(prefix)
            else:
                yield from _referenced(value, prefix)
    elif isinstance(node, list):
        for value in node:
            yield from _referenced(value, prefix)


def _closure(definitions: Obj, wanted: Iterable[str]) -> set[str]:
    """What the wanted definitions reach; names that no definition has are left out."""
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in found and name in definitions:
            found.add(name)
            waiting.extend(_referenced(definitions[name], SOURCE_PREFIX))
    return found


def _schema(name: str, definition: Obj, dialect: Dialect) -> Obj:
    special = SPECIAL[dialect].get(name)
    if special is not None:
        return {**special, "description": definition["description"]} if "description" in definition else special
    schema = _restored(definition, dialect)
    for constant in ("apiVersion", "kind"):
        field = schema.get("properties", {}).get(constant)
        if field is not None and "x-kubernetes-group-version-kind" in definition:
            field.pop("enum", None)
    return schema


def _restored(node: Obj, dialect: Dialect) -> Obj:
    schema: Obj = {}
    for key, value in node.items():
        if key == "type" and isinstance(value, list):
            schema["type"] = value[0]
        elif key == "$ref":
            schema["$ref"] = PREFIXES[dialect] + value.removeprefix(SOURCE_PREFIX)
        elif key == "properties":
            schema[key] = {name: _restored(field, dialect) for name, field in value.items()}
        elif isinstance(value, dict):
            schema[key] = _restored(value, dialect)
        elif key in ("oneOf", "anyOf", "allOf"):
            schema[key] = [_restored(choice, dialect) for choice in value]
        else:
            schema[key] = value
    if dialect == "v3" and "$ref" in schema and len(schema) > 1:
        schema["allOf"] = [{"$ref": schema.pop("$ref")}]
    return schema
