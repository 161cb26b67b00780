"""The OpenAPI paths of resources, as kube-apiserver lists them.

kubectl reads them: it asks the server to validate fields only if the PATCH operation of a kind, found by its
x-kubernetes-group-version-kind, has a `fieldValidation` query parameter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from backend.apiserver.http.bodies import PATCH_TYPES
from backend.apiserver.http.subresources import DEFAULT, SUBRESOURCES
from backend.meta.types import Obj
from backend.resources.resource import Resource

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
METHODS = {"get": "get", "create": "post", "update": "put", "patch": "patch", "delete": "delete"}
JSON = ("application/json", "application/yaml")
LIST_PARAMETERS = {
    "allowWatchBookmarks": "boolean", "continue": "string", "fieldSelector": "string", "labelSelector": "string",
    "limit": "integer", "resourceVersion": "string", "resourceVersionMatch": "string",
    "sendInitialEvents": "boolean", "timeoutSeconds": "integer", "watch": "boolean",
}  # fmt: skip
WRITE_PARAMETERS = {"dryRun": "string", "fieldManager": "string", "fieldValidation": "string"}
DELETE_PARAMETERS = {
    "dryRun": "string", "gracePeriodSeconds": "integer", "orphanDependents": "boolean",
    "propagationPolicy": "string",
}  # fmt: skip
LOG_PARAMETERS = {
    "container": "string", "follow": "boolean", "limitBytes": "integer", "previous": "boolean",
    "sinceSeconds": "integer", "tailLines": "integer", "timestamps": "boolean",
}  # fmt: skip
EXEC_PARAMETERS = {
    "command": "string", "container": "string", "stderr": "boolean", "stdin": "boolean", "stdout": "boolean",
    "tty": "boolean",
}  # fmt: skip
STREAM_PARAMETERS = {
    "log": LOG_PARAMETERS, "exec": EXEC_PARAMETERS, "attach": EXEC_PARAMETERS, "portforward": {"ports": "integer"},
    "proxy": {"path": "string"},
}  # fmt: skip

Dialect = Literal["v2", "v3"]


def paths(resources: Iterable[Resource], dialect: Dialect) -> Obj:
    """Path -> path item."""
    found: Obj = {}
    for resource in resources:
        root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
        scope = f"{root}/namespaces/{{namespace}}" if resource.namespaced else root
        if resource.namespaced:
            found[f"{root}/{resource.plural}"] = _Item(resource, dialect, scoped=False).collection(("list",))
        item = _Item(resource, dialect, scoped=resource.namespaced)
        collection = f"{scope}/{resource.plural}"
        found[collection] = item.collection(("list", "create", "deletecollection"))
        found[f"{collection}/{{name}}"] = item.named(resource.verbs, "")
        for name in sorted(resource.subresources):
            found[f"{collection}/{{name}}/{name}"] = item.named(SUBRESOURCES.get(name, DEFAULT).verbs, name)
    return {path: found[path] for path in sorted(found)}


class _Item:
    """Writes the path items of one resource in one dialect."""

    def __init__(self, resource: Resource, dialect: Dialect, *, scoped: bool) -> None:
        self.resource = resource
        self.dialect = dialect
        self.scoped = scoped
        self.prefix = "#/definitions/" if dialect == "v2" else "#/components/schemas/"

    def collection(self, verbs: tuple[str, ...]) -> Obj:
        served = [verb for verb in verbs if verb in self.resource.verbs]
        methods = {"list": "get", "create": "post", "deletecollection": "delete"}
        item = {methods[verb]: self._operation(verb, "") for verb in served}
        return item | {"parameters": self._path_parameters(named=False)}

    def named(self, verbs: Iterable[str], subresource: str) -> Obj:
        own = [verb for verb in verbs if verb in METHODS and (subresource or verb != "create")]
        item = {METHODS[verb]: self._operation(verb, subresource) for verb in own}
        return item | {"parameters": self._path_parameters(named=True)}

    def _path_parameters(self, *, named: bool) -> list[Obj]:
        names = ["name"] if named else []
        names += ["namespace"] if self.scoped else []
        return [{**self._typed("string"), "in": "path", "name": name, "required": True} for name in names]

    def _operation(self, verb: str, subresource: str) -> Obj:
        resource = self.resource
        known = SUBRESOURCES.get(subresource, DEFAULT)
        group, version = (known.group, known.version) if known.version else (resource.group, resource.version)
        owner = f"{resource.group.split('.')[0].capitalize() or 'Core'}{resource.version.capitalize()}"
        scope = "Namespaced" if self.scoped else ""
        name = f"{verb}{owner}{scope}{resource.kind}{subresource.capitalize()}"
        if verb == "list" and resource.namespaced and not self.scoped:
            name += "ForAllNamespaces"
        schema = self._answer(verb, subresource)
        operation: Obj = {
            "operationId": name,
            "tags": [f"{resource.group.split('.')[0] or 'core'}_{resource.version}"],
            "parameters": [
                {**self._typed(type_), "in": "query", "name": parameter, "uniqueItems": True}
                for parameter, type_ in _parameters(verb, subresource).items()
            ],
            "x-kubernetes-action": {"create": "post", "update": "put"}.get(verb, verb),
            "x-kubernetes-group-version-kind": {
                "group": group, "version": version, "kind": known.kind_below(resource.kind),
            },
        }  # fmt: skip
        self._add_body(operation, verb, schema)
        self._add_responses(operation, schema)
        return operation

    def _answer(self, verb: str, subresource: str) -> str:
        """The definition of what an operation answers (and, for a write, takes); "" for text."""
        known = SUBRESOURCES.get(subresource, DEFAULT)
        if subresource in STREAM_PARAMETERS:
            return ""
        if known.kind:
            own = self.resource.schema.rpartition(".")[0]
            package = _package(known.group, known.version) if known.version else own
            return f"{package}.{known.kind}"
        if verb == "list":
            return f"{self.resource.schema}List"
        return f"{META}Status" if verb == "deletecollection" else self.resource.schema

    def _add_body(self, operation: Obj, verb: str, schema: str) -> None:
        options = f"{META}DeleteOptions"
        body = {"patch": f"{META}Patch", "delete": options, "deletecollection": options}
        if verb in ("create", "update"):
            body[verb] = schema
        if not body.get(verb):
            return
        types = self._patch_types() if verb == "patch" else ("*/*",)
        reference = {"$ref": self.prefix + body[verb]}
        if self.dialect == "v3":
            operation["requestBody"] = {"content": {media: {"schema": reference} for media in types}}
            return
        operation["consumes"] = list(types)
        required = {"required": True} if verb in ("create", "update", "patch") else {}
        operation["parameters"].append({"in": "body", "name": "body", "schema": reference, **required})

    def _patch_types(self) -> tuple[str, ...]:
        if self.resource.published is None:
            return PATCH_TYPES
        return tuple(media for media in PATCH_TYPES if "strategic" not in media)

    def _add_responses(self, operation: Obj, schema: str) -> None:
        shape: Obj = {"$ref": self.prefix + schema} if schema else {"type": "string"}
        types = JSON if schema else ("text/plain",)
        response: Obj = {"description": "OK"}
        if self.dialect == "v3":
            response["content"] = {media: {"schema": shape} for media in types}
        else:
            response["schema"] = shape
            operation["produces"] = list(types)
        operation["responses"] = {"200": response, "401": {"description": "Unauthorized"}}

    def _typed(self, type_: str) -> Obj:
        return {"schema": {"type": type_, "uniqueItems": True}} if self.dialect == "v3" else {"type": type_}


def _package(group: str, version: str) -> str:
    return f"io.k8s.api.{group.split('.')[0] or 'core'}.{version}"


def _parameters(verb: str, subresource: str) -> dict[str, str]:
    if subresource in STREAM_PARAMETERS:
        return STREAM_PARAMETERS[subresource]
    if verb in ("create", "update"):
        return {"pretty": "string", **WRITE_PARAMETERS}
    if verb == "patch":
        return {"pretty": "string", **WRITE_PARAMETERS, "force": "boolean"}
    if verb == "delete":
        return {"pretty": "string", **DELETE_PARAMETERS}
    if verb == "deletecollection":
        return {"pretty": "string", **LIST_PARAMETERS, **DELETE_PARAMETERS}
    return {"pretty": "string", **(LIST_PARAMETERS if verb == "list" else {})}
