"""The kinds that a CustomResourceDefinition declares: one Resource for each version that is served.

Source: crdHandler of k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go, and
pkg/registry/customresource/strategy.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backend.meta import names
from backend.meta.api_versions import version_priority
from backend.meta.schema import Schemas
from backend.meta.types import Obj
from backend.resources.apiextensions import column_path
from backend.resources.apiextensions.custom_schema import CustomSchema
from backend.resources.apiextensions.printer_columns import table_of
from backend.resources.resource import ALL_VERBS, Resource, Scale

_TERMINATING_VERBS = tuple(verb for verb in ALL_VERBS if verb != "create")


@dataclass(frozen=True, slots=True)
class CustomKind:
    """One version: its declaration, and the schema that it is decoded by."""

    resource: Resource
    schema: CustomSchema


def kinds_of(definition: Obj, schemas: Schemas) -> list[CustomKind]:
    """The served versions under their accepted names, the preferred one first."""
    spec = definition["spec"]
    accepted = definition["status"]["acceptedNames"]
    terminating = bool(definition["metadata"].get("deletionTimestamp"))
    versions: list[Obj] = sorted(spec["versions"], key=lambda version: version_priority(version["name"]))
    storage = next(version for version in versions if version.get("storage"))
    stored = Resource(
        group=spec["group"], version=storage["name"], kind=accepted["kind"], plural=accepted["plural"],
        singular=accepted["singular"], namespaced=spec["scope"] == "Namespaced",
        schema=_definition_name(spec["group"], storage["name"], accepted["kind"]),
    )  # fmt: skip
    served = [version for version in versions if version.get("served")]
    return [_kind(spec, accepted, version, stored, schemas, terminating=terminating) for version in served]


def _definition_name(group: str, version: str, kind: str) -> str:
    """As OpenAPI names it: com.example.stable.v1.CronTab."""
    return ".".join([*reversed(group.split(".")), version, kind])


def _kind(
    spec: Obj, accepted: Obj, version: Obj, stored: Resource, schemas: Schemas, *, terminating: bool
) -> CustomKind:
    schema: Obj = version["schema"]["openAPIV3Schema"]
    custom = CustomSchema(schema, schemas)
    columns, row = table_of(version)
    subresources: Obj = version.get("subresources") or {}
    status = "status" in subresources
    fields = _selectable(version)
    resource = Resource(
        group=spec["group"],
        version=version["name"],
        kind=accepted["kind"],
        plural=accepted["plural"],
        singular=accepted["singular"],
        namespaced=stored.namespaced,
        schema=_definition_name(spec["group"], version["name"], accepted["kind"]),
        short_names=tuple(accepted.get("shortNames") or ()),
        categories=tuple(accepted.get("categories") or ()),
        verbs=_TERMINATING_VERBS if terminating else ALL_VERBS,
        subresources=tuple(name for name in ("scale", "status") if name in subresources),
        columns=columns,
        row=row,
        validate_name=names.dns1123_subdomain,
        prepare_create=_drop_status if status else _nothing,
        validate=custom.validate,
        validate_update=custom.validate_update,
        validate_status_update=custom.validate_update,
        selectable=fields,
        selectable_names=frozenset(fields.names),
        generation=True,
        counted=_content_without_status if status else _content,
        scale=_scale(subresources.get("scale")),
        published=schema,
        deprecated=_deprecation(spec["group"], version, accepted["kind"]),
        stored_as=stored,
        from_stored=custom.from_stored,
        conversion=spec["conversion"] if spec["conversion"]["strategy"] == "Webhook" else None,
    )
    return CustomKind(resource, custom)


def _nothing(_obj: Obj) -> None:
    return None


def _drop_status(obj: Obj) -> None:
    obj.pop("status", None)


def _content(obj: Obj) -> Any:
    return {name: value for name, value in obj.items() if name != "metadata"}


def _content_without_status(obj: Obj) -> Any:
    return {name: value for name, value in obj.items() if name not in ("metadata", "status")}


def _scale(scale: Obj | None) -> Scale | None:
    if scale is None:
        return None
    return Scale(
        scale["specReplicasPath"].removeprefix("."),
        scale["statusReplicasPath"].removeprefix("."),
        (scale.get("labelSelectorPath") or "").removeprefix("."),
    )


def _deprecation(group: str, version: Obj, kind: str) -> str:
    if not version.get("deprecated"):
        return ""
    text: str = version.get("deprecationWarning") or f"{group}/{version['name']} {kind} is deprecated"
    return text


class _Selectable:
    """The fields that a field selector can name, as texts."""

    def __init__(self, paths: list[str]) -> None:
        self.names = [path.removeprefix(".") for path in paths]
        self._steps = [(name, column_path.parse(f".{name}")) for name in self.names]

    def __call__(self, obj: Obj) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, steps in self._steps:
            values = column_path.find(steps, obj)
            value = values[0] if values else ""
            found[name] = str(value).lower() if isinstance(value, bool) else str(value)
        return found


def _selectable(version: Obj) -> _Selectable:
    return _Selectable([field["jsonPath"] for field in version.get("selectableFields") or ()])
