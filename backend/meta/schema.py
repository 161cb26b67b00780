"""The published OpenAPI definitions of Kubernetes: what fields there are, and how lists merge.

The definitions are package data of kubernetes-validate. They are read once at start; what is kept of them is
small, and a definition is unpacked when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import orjson

from backend.meta.decode import Decoded, Decoder
from backend.meta.duplicates import duplicate_fields
from backend.meta.fields import Field, read_fields
from backend.meta.structured.types import PublishedTypes, Type

__all__ = ["KUBERNETES_VERSION", "Decoded", "Field", "Schemas", "duplicate_fields"]

KUBERNETES_VERSION = "1.37.0"


@cache
def _path() -> Path:
    # kubernetes_validate itself is not imported: that takes 220 ms, and only its data is needed.
    spec = find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package kubernetes-validate is not installed")
    return (
        Path(spec.origin).parent / "kubernetes-json-schema" / f"v{KUBERNETES_VERSION}-local" / "_definitions.json"
    )


class CustomSchema(Protocol):
    """The schema of a kind that is not among the published definitions."""

    def decode(self, obj: Any, kind: str, version: str) -> Decoded:
        """See Schemas.decode."""

    def type(self) -> Type:
        """What server-side apply knows of the kind."""


class Schemas:
    """All definitions, by their OpenAPI names such as `io.k8s.api.core.v1.Secret`."""

    def __init__(
        self,
        packed: dict[str, bytes],
        kinds: dict[tuple[str, str, str], str],
        atomic: frozenset[str] = frozenset(),
    ) -> None:
        """`atomic` are the definitions that have one owner as a whole, wherever they are used."""
        self.types = PublishedTypes(self.fields, atomic)
        self._packed = packed
        self._kinds = kinds
        self._fields: dict[str, Mapping[str, Field]] = {}
        self._decoder = Decoder(self.fields)
        self._custom: dict[str, CustomSchema] = {}

    @classmethod
    def load(cls) -> Schemas:
        packed: dict[str, bytes] = {}
        kinds: dict[tuple[str, str, str], str] = {}
        atomic: set[str] = set()
        for name, definition in cls.raw_definitions().items():
            for kind in definition.pop("x-kubernetes-group-version-kind", ()):
                kinds[kind["group"], kind["version"], kind["kind"]] = name
            properties = definition.get("properties") or {}
            for prop in properties.values():
                prop.pop("description", None)
            if definition.get("x-kubernetes-map-type") == "atomic":
                atomic.add(name)
            packed[name] = orjson.dumps({"properties": properties, "required": definition.get("required", ())})
        return cls(packed, kinds, frozenset(atomic))

    @staticmethod
    def raw_definitions() -> dict[str, Any]:
        """Every definition as published, with descriptions; read afresh, for the caller to keep or change."""
        definitions: dict[str, Any] = orjson.loads(_path().read_bytes())["$defs"]
        return definitions

    def kinds(self) -> Mapping[tuple[str, str, str], str]:
        """(group, version, kind) -> definition."""
        return self._kinds

    def __contains__(self, definition: str) -> bool:
        """Whether it is published."""
        return definition in self._packed

    def define(self, definition: str, schema: CustomSchema) -> None:
        """Decode by `schema`, too, and own its fields."""
        self._custom[definition] = schema
        self.types.add(definition, schema.type)

    def forget(self, definition: str) -> None:
        del self._custom[definition]
        self.types.drop(definition)

    def fields(self, definition: str) -> Mapping[str, Field]:
        """The fields of a struct by their JSON names. Raises KeyError for an unknown definition."""
        fields = self._fields.get(definition)
        if fields is None:
            fields = self._fields[definition] = read_fields(definition, orjson.loads(self._packed[definition]))
        return fields

    def decode(self, obj: Any, definition: str, kind: str, version: str) -> Decoded:
        """What kube-apiserver makes of a JSON document that is to be a `kind` in `version` ("v1" of "apps/v1").

        The answer is a new object without unknown fields, nulls, and empty lists and maps that are optional, and
        with quantities, times and binary values in canonical form. `obj` is not changed; free-form parts (JSON,
        managed fields) are shared with it. Unknown fields are reported in `.strict`, in the order met. A
        required field that is absent is no fault here. Raises ApiError 400 with kube-apiserver's text.
        """
        if definition in self._custom:
            return self._custom[definition].decode(obj, kind, version)
        return self._decoder.decode(obj, definition, kind, version)
