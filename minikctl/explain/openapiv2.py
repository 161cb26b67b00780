"""`explain -o plaintext-openapiv2`, from the OpenAPI v2 document.

Source: k8s.io/kubectl/pkg/explain (model_printer.go and its neighbours), k8s.io/kube-openapi/pkg/util/proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minikctl.client.errors import Failure
from minikctl.explain.wrap import fill

Schema = dict[str, Any]

_WIDTH = 80


class ExplainerV2:
    """The definitions of a v2 document, and how deep nested fields are listed: `depth` levels, 0 for all."""

    def __init__(self, document: dict[str, Any], *, recursive: bool, depth: int) -> None:
        self._definitions: dict[str, Schema] = document.get("definitions") or {}
        self._recursive = recursive
        self._depth = depth

    def find(self, kind: dict[str, str]) -> Schema | None:
        """The definition of a group, version and kind."""
        for schema in self._definitions.values():
            if kind in (schema.get("x-kubernetes-group-version-kind") or []):
                return schema
        return None

    def explain(self, schema: Schema, kind: str, api_version: str, fields: list[str]) -> str:
        """The description of `schema`, or of what `fields` lead to in it. Failure for an unknown field."""
        found = self._look_up(schema, fields)
        descriptions, leaf = self._descend(found)
        text = f"KIND:     {kind}\nVERSION:  {api_version}\n\n"
        name = fields[-1] if fields else ""
        if _is_kind(leaf):
            if name:
                text += f"RESOURCE: {name} <{self._type(found)}>\n\n"
            text += _descriptions(descriptions) + "\nFIELDS:\n"
            return text + "".join(self._fields(leaf, 1, frozenset()))
        if not _is_arbitrary(leaf):
            text += f"FIELD:    {name} <{self._type(found)}>\n\n"
        return text + _descriptions(descriptions)

    def _resolve(self, schema: Schema) -> Schema:
        return self._definitions[schema["$ref"].rpartition("/")[2]]

    def _inner(self, schema: Schema) -> Schema | None:
        """What a reference, an array or a map is of; None for anything else."""
        if "$ref" in schema:
            return self._resolve(schema)
        if schema.get("type") == "array":
            items: Schema = schema["items"]
            return items
        if schema.get("type") == "object" and not schema.get("properties"):
            values = schema.get("additionalProperties")
            return values if isinstance(values, dict) else {"description": schema.get("description", "")}
        return None

    def _look_up(self, schema: Schema, fields: list[str]) -> Schema:
        """A value without fields of its own ends the way, wherever `fields` would go on to."""
        rest = list(fields)
        while rest:
            inner = self._inner(schema)
            if inner is not None:
                schema = inner
            elif _is_kind(schema):
                name = rest.pop(0)
                if name not in schema["properties"]:
                    raise Failure(f'field "{name}" does not exist')
                schema = schema["properties"][name]
            else:
                break
        return schema

    def _descend(self, schema: Schema) -> tuple[list[str], Schema]:
        """(the descriptions on the way through references, arrays and maps; what is at its end)."""
        descriptions = [schema.get("description", "")]
        while (inner := self._inner(schema)) is not None:
            schema = inner
            descriptions.append(schema.get("description", ""))
        return descriptions, schema

    def _type(self, schema: Schema) -> str:
        if "$ref" in schema:
            return self._type(self._resolve(schema))
        inner = self._inner(schema)
        if inner is not None:
            return ("[]" if schema["type"] == "array" else "map[string]") + self._type(inner)
        return "Object" if _is_kind(schema) else str(schema.get("type", ""))

    def _fields(self, schema: Schema, level: int, seen: frozenset[str]) -> Iterator[str]:
        """Each field of a kind; `seen` has the references that are open."""
        amount = 3 * level
        pad = " " * amount
        for name in sorted(schema["properties"]):
            value = schema["properties"][name]
            required = " -required-" if name in (schema.get("required") or []) and not self._recursive else ""
            yield f"{pad}{name}\t<{self._type(value)}>{required}\n"
            if self._recursive:
                if not self._depth or level < self._depth:
                    yield from self._nested(value, level + 1, seen)
            else:
                yield _filled(value.get("description", ""), amount + 2) + "\n"

    def _nested(self, schema: Schema, level: int, seen: frozenset[str]) -> Iterator[str]:
        while (inner := self._inner(schema)) is not None:
            if "$ref" in schema:
                if schema["$ref"] in seen:
                    return
                seen |= {schema["$ref"]}
            schema = inner
        if _is_kind(schema):
            yield from self._fields(schema, level, seen)


def _is_kind(schema: Schema) -> bool:
    return bool(schema.get("properties")) and schema.get("type", "object") == "object"


def _is_arbitrary(schema: Schema) -> bool:
    return "type" not in schema and not schema.get("properties")


def _descriptions(texts: list[str]) -> str:
    shown = [(at, text) for at, text in enumerate(texts) if text]
    if not shown:
        return "DESCRIPTION:\n     <empty>\n"
    return "DESCRIPTION:\n" + "".join(("\n" if at else "") + _filled(text, 5) for at, text in shown)


def _filled(text: str, amount: int) -> str:
    pad = " " * amount
    return "".join(f"{pad}{line}\n" if line else "\n" for line in fill(text, _WIDTH - amount))
