"""What CEL knows of a custom resource: the types that its structural schema gives, and its values in that form.

Sources: k8s.io/apiserver/pkg/cel/{common/schemas.go,common/values.go,escaping.go}.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

from backend.meta.cel.errors import EvaluationError
from backend.meta.cel.library_standard import duration, timestamp
from backend.meta.cel.types import DYN, STRING, Type, list_of, map_of, object_of
from backend.meta.types import Obj
from backend.resources.apiextensions.structural import EMBEDDED, INT_OR_STRING, child

_KEYWORDS = frozenset(
    {"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
     "let", "loop", "package", "namespace", "return"}
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPED = re.compile(r"__|[-./]")
_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_TEXTS = {"byte": "bytes", "duration": "duration", "date": "timestamp", "date-time": "timestamp"}
_SCALARS = {"boolean": "bool", "integer": "int", "number": "double"}
_META: Obj = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "generateName": {"type": "string"}},
    },
}


def escape(name: str) -> str | None:
    """A field's name as an expression has it; None if no expression can name it."""
    if name in _KEYWORDS:
        return f"__{name}__"
    escaped = _ESCAPED.sub(lambda match: _ESCAPES[match.group()], name)
    return escaped if _NAME.fullmatch(escaped) else None


def with_meta(schema: Obj) -> Obj:
    """The schema of a resource, whose apiVersion, kind and name every rule can see."""
    return {**schema, "properties": {**(schema.get("properties") or {}), **_META}}


def type_of(schema: Any, *, resource: bool = False) -> Type | None:
    """The type of a schema's values; None if nothing is known of them, and expressions cannot see them."""
    if not isinstance(schema, dict):
        return None
    if schema.get(INT_OR_STRING):
        return DYN
    kind = schema.get("type")
    if kind == "array":
        items = schema.get("items") or {}
        item = type_of(items, resource=bool(items.get(EMBEDDED)))
        return list_of(item) if item is not None else None
    if kind == "object":
        return _object_type(with_meta(schema) if resource else schema)
    if kind == "string":
        return Type(_TEXTS.get(schema.get("format") or "", "string"))
    return Type(_SCALARS[kind]) if kind in _SCALARS else None


def _object_type(schema: Obj) -> Type | None:
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict):
        value = type_of(rest, resource=bool(rest.get(EMBEDDED)))
        return map_of(STRING, value) if value is not None else None
    fields: dict[str, tuple[str, Type]] = {}
    for name, inner in (schema.get("properties") or {}).items():
        escaped, own = escape(name), type_of(inner, resource=bool(inner.get(EMBEDDED)))
        if escaped is not None and own is not None:
            fields[escaped] = (name, own)
    return object_of("object", fields)


def value_of(value: Any, schema: Any) -> Any:
    """A JSON value as CEL has it: where a schema says so, a text is a time and a number is a double.

    Shared with `value` are the parts in which nothing differs. A text that is no time stays a text.
    """
    if not isinstance(schema, dict) or value is None or schema.get(INT_OR_STRING):
        return value
    if isinstance(value, dict):
        return {key: value_of(item, child(schema, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [value_of(item, schema.get("items")) for item in value]
    kind = schema.get("type")
    if kind == "number" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind == "integer" and isinstance(value, float):
        return int(value)
    if kind == "string" and isinstance(value, str):
        convert = _CONVERSIONS.get(schema.get("format") or "")
        return convert(value) if convert is not None else value
    return value


def _convert(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            return read(text)
        except (EvaluationError, ValueError):
            return text

    return convert


_CONVERSIONS: dict[str, Callable[[str], Any]] = {
    "byte": _convert(base64.b64decode),
    "duration": _convert(duration),
    "date": _convert(lambda text: timestamp(f"{text}T00:00:00Z")),
    "date-time": _convert(timestamp),
}
