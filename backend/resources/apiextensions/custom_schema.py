"""One version of a custom resource as its structural schema describes it: decoding, validation, types.

Sources: schemaCoercingDecoder and unstructuredDefaulter of pkg/apiserver/customresource_handler.go, and strategy.go and
validator.go of pkg/registry/customresource, all in k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from backend.meta import causes
from backend.meta.decode import Decoded
from backend.meta.errors import Cause, bad_request
from backend.meta.jsonvalue import json_type
from backend.meta.structured.types import Type, structural_type
from backend.meta.types import Obj
from backend.resources.apiextensions.list_types import validate_list_types
from backend.resources.apiextensions.schema_validation import validate_schema
from backend.resources.apiextensions.structural import (
    EMBEDDED,
    VALIDATIONS,
    child,
    children,
    drop_nulls,
    has_defaults,
    prune,
    set_defaults,
)

if TYPE_CHECKING:
    from backend.meta.schema import Schemas
    from backend.resources.apiextensions.rules import Rules

_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


class CustomSchema:
    """See backend.meta.schema.CustomSchema, which this is. Also the hooks of a custom resource's declaration."""

    def __init__(self, schema: Obj, schemas: Schemas) -> None:
        self.schema = schema
        self._schemas = schemas
        self.has_defaults = has_defaults(schema)
        self._has_embedded = _any_has(schema, EMBEDDED)
        self._validated: Obj = _without_meta(schema)

    def decode(self, obj: Any, kind: str, version: str) -> Decoded:
        if not isinstance(obj, dict):
            text = f"json: cannot unmarshal {json_type(obj)} into Go value of type map[string]interface {{}}"
            raise bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {text}')
        pruned, unknown = prune(obj, self.schema)
        strict = [f'unknown field "{path}"' for path in unknown]
        meta = obj.get("metadata")
        if meta is not None:
            decoded = self._schemas.decode(meta, _OBJECT_META, kind, version)
            pruned["metadata"] = decoded.obj
            strict += [text.replace('"', '"metadata.', 1) for text in decoded.strict]
        else:
            pruned.pop("metadata", None)
        self.complete(pruned)
        return Decoded(pruned, strict)

    def complete(self, obj: Obj) -> None:
        """Take out nulls that mean nothing, and fill in defaults, in place. Shared are only parts that stay."""
        drop_nulls(obj, self.schema)
        if self.has_defaults:
            set_defaults(obj, self.schema)

    def from_stored(self, obj: Obj) -> Obj:
        """What is read has the defaults and the fields of the schema as it is now, whatever it was when written."""
        pruned: Obj = prune(obj, self.schema)[0]
        if self.has_defaults:
            set_defaults(pruned, self.schema)
        return pruned

    def type(self) -> Type:
        return structural_type(self.schema, self._schemas.types.object_meta())

    @cached_property
    def _rules(self) -> Rules | None:
        """The CEL rules, compiled with the first object that they are for."""
        if not _any_has(self.schema, VALIDATIONS):
            return None
        from backend.resources.apiextensions.rules import Rules

        return Rules(self.schema)

    def validate(self, obj: Obj) -> Sequence[Cause]:
        return self._faults(obj, None)

    def validate_update(self, obj: Obj, old: Obj) -> Sequence[Cause]:
        return self._faults(obj, old)

    def _faults(self, obj: Obj, old: Obj | None) -> list[Cause]:
        found = validate_schema(obj, self._validated)
        if old is not None and found:
            # What was wrong before, and is not touched, stays (CRDValidationRatcheting).
            found = _ratcheted(found, obj, old)
        if self._has_embedded:
            found += _validate_embedded(obj, self.schema, "")
        found += validate_list_types(obj, self.schema)
        if not found and self._rules is not None:
            found += self._rules.evaluate(obj, old)
        return found


def _any_has(schema: Obj, keyword: str) -> bool:
    return bool(schema.get(keyword)) or any(_any_has(inner, keyword) for inner in children(schema))


def _without_meta(schema: Obj) -> Obj:
    """The root's metadata is validated for all kinds alike, but for a restriction of its name."""
    properties = schema.get("properties") or {}
    metadata = properties.get("metadata")
    if metadata is None or metadata.get("properties"):
        return schema
    return {**schema, "properties": {name: inner for name, inner in properties.items() if name != "metadata"}}


def _ratcheted(found: list[Cause], obj: Obj, old: Obj) -> list[Cause]:
    return [cause for cause in found if _changed(cause.field, obj, old)]


def _changed(path: str, obj: Obj, old: Obj) -> bool:
    """Whether the value at a fault's path is another than it was; what cannot be told counts as changed."""
    new_value: Any = obj
    old_value: Any = old
    for name in path.split("."):
        if "[" in name or not isinstance(new_value, dict) or not isinstance(old_value, dict):
            return bool(new_value != old_value)
        if name not in new_value:
            return name in old_value or new_value != old_value
        new_value, old_value = new_value[name], old_value.get(name)
    return bool(new_value != old_value)


def _validate_embedded(value: Any, schema: Any, path: str) -> list[Cause]:
    """A resource inside a resource says what it is. Source: pkg/apiserver/schema/objectmeta/validation.go."""
    if not isinstance(schema, dict):
        return []
    found: list[Cause] = []
    if isinstance(value, list):
        for index, item in enumerate(value):
            found += _validate_embedded(item, schema.get("items"), f"{path}[{index}]")
    elif isinstance(value, dict):
        if schema.get(EMBEDDED):
            found += [
                causes.required(f"{path}.{name}", "must not be empty")
                for name in ("apiVersion", "kind")
                if not value.get(name)
            ]
        for key, item in value.items():
            found += _validate_embedded(item, child(schema, key), f"{path}.{key}" if path else key)
    return found
