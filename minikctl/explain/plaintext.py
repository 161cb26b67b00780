"""`explain -o plaintext`, from an OpenAPI v3 document.

Source: k8s.io/kubectl/pkg/explain/v2/templates/plaintext.tmpl.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minikctl.client.errors import Failure
from minikctl.explain.wrap import indent, wrap

Schema = dict[str, Any]

_LISTED_ENUMS = 4


class Explainer:
    """One document, and how deep nested fields are listed: `depth` levels (1 is none nested), 0 for all."""

    def __init__(self, document: dict[str, Any], *, recursive: bool, depth: int) -> None:
        self._schemas: dict[str, Schema] = (document.get("components") or {}).get("schemas") or {}
        self._paths: dict[str, Any] = document.get("paths") or {}
        self._recursive = recursive
        self._depth = depth

    def kind_of(self, group: str, version: str, resource: str) -> dict[str, str]:
        """The group, version and kind that the paths of a resource say; Failure if the document has none."""
        base = f"/apis/{group}/{version}" if group else f"/api/{version}"
        for collection in (f"{base}/{resource}", f"{base}/namespaces/{{namespace}}/{resource}"):
            for path in (collection, f"{collection}/{{name}}"):
                operations = self._paths.get(path) or {}
                for method in ("get", "post", "put", "patch", "delete"):
                    found: dict[str, str] = (operations.get(method) or {}).get(
                        "x-kubernetes-group-version-kind", {}
                    )
                    if found:
                        return found
        where = f"{group}/{version}" if group else f"/{version}"
        raise Failure(f"GVR ({where}, Resource={resource}) not found in OpenAPI schema")

    def explain(self, kind: dict[str, str], fields: list[str]) -> str:
        """The description of the kind, or of the field that `fields` lead to. Failure if there is none."""
        for name in sorted(self._schemas):
            if kind in (self._schemas[name].get("x-kubernetes-group-version-kind") or []):
                text = self._output(self._schemas[name], fields, frozenset())
                if not text:
                    raise Failure(f'field "{fields[-1]}" does not exist')
                return text + "\n"
        shown = " ".join(f"{key}:{value}" for key, value in sorted(kind.items()))
        raise Failure(f"GVK map[{shown}] not found in OpenAPI schema")

    def _resolve(self, schema: Schema) -> Schema:
        return self._schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)

    def _output(self, schema: Schema, fields: list[str], seen: frozenset[str]) -> str:
        """Follow `fields`; "" if they lead nowhere. `seen` has the references of this step."""
        reference = schema.get("$ref", "")
        resolved = self._resolve(schema)
        if not fields:
            return self._whole(resolved)
        if reference and reference in seen:
            return ""
        seen |= {reference}
        properties = resolved.get("properties") or {}
        if fields[0] in properties:
            found = properties[fields[0]]
            head = ""
            if len(fields) == 1:
                head = f"FIELD: {fields[0]} <{self._type(found)}>\n{_long_enum(found)}\n\n"
            return head + self._output(found, fields[1:], frozenset())
        if "items" in resolved:
            return self._output(resolved["items"], fields, seen)
        if isinstance(resolved.get("additionalProperties"), dict):
            return self._output(resolved["additionalProperties"], fields, seen)
        alternatives = (self._output(part, fields, seen) for part in resolved.get("allOf") or [])
        return next((text for text in alternatives if text), "")

    def _whole(self, schema: Schema) -> str:
        text = "DESCRIPTION:\n" + indent(wrap(self._description(schema) or "<empty>", 76), 4) + "\n"
        listed = "".join(self._fields(schema, 1, frozenset()))
        return f"{text}FIELDS:\n{listed}" if listed else text

    def _description(self, schema: Schema) -> str:
        """Its own, and those of what it refers to, a line each."""
        resolved = self._resolve(schema)
        text = f"{resolved['description']}\n" if resolved.get("description") else ""
        text += "".join(self._description(part) for part in resolved.get("allOf") or [])
        if "items" in resolved:
            text += self._description(resolved["items"])
        if isinstance(resolved.get("additionalProperties"), dict):
            text += self._description(resolved["additionalProperties"])
        return text

    def _fields(self, schema: Schema, level: int, seen: frozenset[str]) -> Iterator[str]:
        """Each field's lines, nested ones after their parent; a reference inside itself is not opened again."""
        reference = schema.get("$ref", "")
        if reference and reference in seen:
            return
        seen |= {reference}
        resolved = self._resolve(schema)
        properties = resolved.get("properties") or {}
        for name in sorted(properties):
            yield self._field(name, properties[name], name in (resolved.get("required") or []), level)
            if self._recursive and (not self._depth or level < self._depth):
                yield from self._fields(properties[name], level + 1, seen)
        for part in resolved.get("allOf") or []:
            yield from self._fields(part, level, seen)
        if "items" in resolved:
            yield from self._fields(resolved["items"], level, seen)
        if isinstance(resolved.get("additionalProperties"), dict):
            yield from self._fields(resolved["additionalProperties"], level, seen)

    def _field(self, name: str, schema: Schema, required: bool, level: int) -> str:
        amount = 2 * level
        mark = " -required-" if required else ""
        line = f"{' ' * amount}{name}\t<{self._type(schema)}>{mark}{_short_enum(schema, amount)}\n"
        if self._recursive:
            return line
        return (
            line + indent(wrap(schema.get("description") or "<no description>", 78 - amount), amount + 2) + "\n\n"
        )

    def _type(self, schema: Schema) -> str:
        """`string`, `PodSpec`, `[]Container`, `map[string]Quantity`."""
        if "items" in schema:
            return f"[]{self._type(schema['items'])}"
        if isinstance(schema.get("additionalProperties"), dict):
            return f"map[string]{self._type(schema['additionalProperties'])}"
        if len(schema.get("allOf") or []) == 1 and not schema.get("properties"):
            return self._type(schema["allOf"][0])
        if "$ref" in schema:
            kind = self._resolve(schema).get("type", "object")
            return schema["$ref"].rpartition("/")[2].rpartition(".")[2] if kind == "object" else str(kind)
        kind = schema.get("type", "object")
        return "Object" if kind == "object" else str(kind)


def _long_enum(schema: Schema) -> str:
    values = schema.get("enum")
    return "ENUM:" + "".join(f"\n    {_enum_value(value)}" for value in values) if values else ""


def _short_enum(schema: Schema, amount: int) -> str:
    values = schema.get("enum")
    if not values:
        return ""
    shown = ", ".join(_enum_value(value) for value in values[:_LISTED_ENUMS])
    more = ", ...." if len(values) > _LISTED_ENUMS else ""
    return f"\n{' ' * amount}enum: {shown}{more}"


def _enum_value(value: Any) -> str:
    return '""' if value == "" else str(value)
