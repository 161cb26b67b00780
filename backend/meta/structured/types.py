"""What server-side apply knows of a value: what is in it, and which of its parts may have owners of their own.

Two sources give types: the published definitions (PublishedTypes), and the structural schema of a custom resource
(structural_type). Sources: sigs.k8s.io/structured-merge-diff/schema, k8s.io/kube-openapi/pkg/schemaconv.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Literal

from backend.meta.fields import Field
from backend.meta.types import Obj

_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

_ALWAYS_THERE = {
    "apps.v1.DaemonSetSpec": ("updateStrategy",),
    "apps.v1.DeploymentSpec": ("strategy",),
    "apps.v1.ReplicaSetSpec": ("template",),
    "apps.v1.StatefulSetSpec": ("updateStrategy",),
    "batch.v1.JobTemplateSpec": ("metadata", "spec"),
    "core.v1.Container": ("resources",),
    "core.v1.ContainerStatus": ("lastState", "state"),
    "core.v1.Event": ("source",),
    "core.v1.NodeDaemonEndpoints": ("kubeletEndpoint",),
    "core.v1.NodeStatus": ("daemonEndpoints", "nodeInfo"),
    "core.v1.PersistentVolumeClaimSpec": ("resources",),
    "core.v1.PersistentVolumeClaimTemplate": ("metadata",),
    "core.v1.PodTemplate": ("template",),
    "core.v1.PodTemplateSpec": ("metadata", "spec"),
    "core.v1.ServiceStatus": ("loadBalancer",),
    "discovery.v1.Endpoint": ("conditions",),
    "events.v1.Event": ("deprecatedSource", "regarding"),
    "networking.v1.IngressServiceBackend": ("port",),
    "networking.v1.IngressStatus": ("loadBalancer",),
    "networking.v1.NetworkPolicySpec": ("podSelector",),
    "resource.v1.AllocationResult": ("devices",),
    "resource.v1.ResourceClaimSpec": ("devices",),
    "resource.v1.ResourceClaimTemplateSpec": ("metadata", "spec"),
}
"""Optional fields that are structs in Go, not pointers: an object has them even if nobody set them."""

_KEY_DEFAULTS = {
    "core.v1.ContainerPort": {"protocol": "TCP"},
    "core.v1.ServicePort": {"protocol": "TCP"},
}
"""Defaults of fields that are keys of lists. The published definitions leave defaults out."""

_SCALARS: dict[str, Scalar] = {
    "string": "string", "boolean": "boolean", "integer": "numeric", "number": "numeric", "bytes": "string",
}  # fmt: skip
"""Quantities, times and int-or-strings may be any scalar."""

Scalar = Literal["string", "boolean", "numeric", "untyped"]
Form = Literal["scalar", "list", "map", "any"]


class Type:
    """The type of one value.

    `form` "any" is told from the value: maps have parts, lists are atomic. A struct is a map with named `fields`;
    `element` is the type of other keys, None where there may be none. A list that is not `atomic` is a map by `keys`,
    or a set if it has none; `defaults` are of keys. An `atomic` value has one owner as a whole. `always` names the
    fields that an object has even if nobody set them.
    """

    def __init__(
        self, form: Form, *, scalar: Scalar = "untyped", atomic: bool = False, keys: tuple[str, ...] = (),
        defaults: Mapping[str, Any] | None = None, element: Type | None = None,
        read: Callable[[], Mapping[str, Type]] | None = None, always: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self.form = form
        self.scalar: Scalar = scalar
        self.atomic = atomic
        self.keys = keys
        self.defaults = defaults or {}
        self.element = element
        self.always = always
        self._read = read

    @cached_property
    def fields(self) -> Mapping[str, Type]:
        """Read when first asked for, since types contain themselves."""
        return self._read() if self._read is not None else {}

    def at(self, name: str) -> Type | None:
        """The type of a map's value; None if the map can have no such key."""
        return self.fields.get(name) or self.element

    def resolved(self, value: Any) -> Type:
        """This type, or what it is for `value` if only the value can tell."""
        if self.form != "any":
            return self
        if isinstance(value, dict):
            return _ANY_MAP
        return _ANY_LIST if isinstance(value, list) else _UNTYPED

    def as_atomic(self) -> Type:
        """The same, with one owner for all."""
        return (
            self if self.atomic else Type(self.form, atomic=True, element=self.element, read=lambda: self.fields)
        )


ANY = Type("any")
_ANY_MAP = Type("map", element=ANY)
_ANY_LIST = Type("list", atomic=True, element=ANY)
_UNTYPED = Type("scalar")


class PublishedTypes:
    """Types of the published definitions, made when first asked for. `fields` gives a definition's fields."""

    def __init__(self, fields: Callable[[str], Mapping[str, Field]], atomic: frozenset[str]) -> None:
        """`atomic` are the definitions that have one owner wherever they are used."""
        self._source = fields
        self._atomic = atomic
        self._types: dict[str, Type] = {}
        self._custom: dict[str, Callable[[], Type]] = {}

    def add(self, definition: str, make: Callable[[], Type]) -> None:
        """A type that is not of the published definitions, made when it is first asked for."""
        self.drop(definition)
        self._custom[definition] = make

    def drop(self, definition: str) -> None:
        self._custom.pop(definition, None)
        self._types.pop(definition, None)

    def of(self, definition: str) -> Type:
        """Raises KeyError, on first use of the fields, for an unknown definition."""
        found = self._types.get(definition)
        if found is None:
            make = self._custom.get(definition)
            found = self._types[definition] = make() if make is not None else self._struct(definition)
        return found

    def object_meta(self) -> Type:
        return self.of(_META)

    def _struct(self, definition: str) -> Type:
        fields = self._source(definition)
        always = set(_ALWAYS_THERE.get(definition.removeprefix("io.k8s.api."), ()))
        always.update(f.name for f in fields.values() if f.required and f.kind in ("struct", "list", "map"))
        if {"apiVersion", "kind"} <= fields.keys():
            always.update(name for name in ("metadata", "spec", "status") if name in fields)

        def read() -> Mapping[str, Type]:
            return {name: self._field(field) for name, field in fields.items()}

        return Type("map", atomic=definition in self._atomic, read=read, always=frozenset(always))

    def _field(self, field: Field) -> Type:
        if field.kind == "any":
            return ANY
        atomic = field.map_type == "atomic"
        if field.kind == "struct":
            struct = self.of(field.definition)
            return struct.as_atomic() if atomic else struct
        if field.element is None:
            return Type("scalar", scalar=_SCALARS.get(field.kind, "untyped"))
        element = self._field(field.element)
        if field.kind == "map":
            return Type("map", atomic=atomic, element=element)
        keyed = field.list_type == "map"
        return Type(
            "list",
            atomic=field.list_type not in ("map", "set"),
            keys=tuple(sorted(field.list_map_keys)) if keyed else (),
            defaults=_KEY_DEFAULTS.get(field.definition.removeprefix("io.k8s.api.")) if keyed else None,
            element=element,
        )


def structural_type(schema: Obj | None, object_meta: Type) -> Type:
    """The type of a custom resource whose version has this structural schema; None: nothing is known of it."""
    root = _structural(schema or {"x-kubernetes-preserve-unknown-fields": True, "type": "object"}, object_meta)
    own = {**root.fields, **_type_meta(object_meta)}
    return Type("map", element=root.element, read=lambda: own, always=frozenset({"metadata"}))


def _type_meta(object_meta: Type) -> dict[str, Type]:
    text = Type("scalar", scalar="string")
    return {"apiVersion": text, "kind": text, "metadata": object_meta}


def _structural(schema: Obj, object_meta: Type) -> Type:
    kind = schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        return _UNTYPED
    if kind == "object":
        return _structural_map(schema, object_meta)
    if kind == "array":
        list_type = schema.get("x-kubernetes-list-type", "atomic")
        items = schema.get("items") or {}
        keys = tuple(sorted(schema.get("x-kubernetes-list-map-keys") or ())) if list_type == "map" else ()
        properties = items.get("properties") or {}
        defaults = {key: properties[key]["default"] for key in keys if "default" in properties.get(key, {})}
        element = _structural(items, object_meta)
        return Type("list", atomic=list_type not in ("map", "set"), keys=keys, defaults=defaults, element=element)
    return Type("scalar", scalar=_SCALARS[kind]) if kind in _SCALARS else ANY


def _structural_map(schema: Obj, object_meta: Type) -> Type:
    atomic = schema.get("x-kubernetes-map-type") == "atomic"
    properties = schema.get("properties") or {}
    additional = schema.get("additionalProperties")
    element = None
    if isinstance(additional, dict):
        element = _structural(additional, object_meta)
    elif additional or schema.get("x-kubernetes-preserve-unknown-fields") or not properties:
        element = ANY
    fields = {name: _structural(prop, object_meta) for name, prop in properties.items()}
    if schema.get("x-kubernetes-embedded-resource"):
        fields.update(_type_meta(object_meta))
    return Type("map", atomic=atomic, element=element, read=lambda: fields)
