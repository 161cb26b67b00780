"""The OpenAPI v2 document in protobuf form, the only one that kubectl reads of v2.

kubectl asks for it whenever a kind is not in v3, and for the items of a List. Source of the messages and their field
numbers: gnostic's openapiv2/OpenAPIv2.proto, as it is compiled into kubectl.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from backend.meta.types import Obj

MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
CONTENT_TYPE = b"application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
VARINT, BYTES = 0, 2
NAME, VALUE = 1, 2
"""Fields of the messages that stand for one entry of a map."""
ANY_YAML = 2


class _Field(NamedTuple):
    """`shape` is str, int (of bool, too), any (a value as YAML) or a message's name. `wraps` are the numbers of the
    fields of the messages between the field and its value. A `named` field holds a map, whose entries are messages."""

    number: int
    shape: str
    wraps: tuple[int, ...] = ()
    named: tuple[int, ...] = ()


_QUERY_OR_PATH = {
    "required": _Field(1, "int"), "in": _Field(2, "str"), "description": _Field(3, "str"), "name": _Field(4, "str"),
}  # fmt: skip
_MESSAGES: dict[str, dict[str, _Field]] = {
    "Document": {
        "swagger": _Field(1, "str"), "info": _Field(2, "Info"), "paths": _Field(8, "PathItem", named=(2,)),
        "definitions": _Field(9, "Schema", named=(1,)),
    },
    "Info": {"title": _Field(1, "str"), "version": _Field(2, "str")},
    "PathItem": {
        "get": _Field(2, "Operation"), "put": _Field(3, "Operation"), "post": _Field(4, "Operation"),
        "delete": _Field(5, "Operation"), "patch": _Field(8, "Operation"),
        "parameters": _Field(9, "Parameter", wraps=(1,)),
    },
    "Operation": {
        "tags": _Field(1, "str"), "description": _Field(3, "str"), "operationId": _Field(5, "str"),
        "produces": _Field(6, "str"), "consumes": _Field(7, "str"),
        "parameters": _Field(8, "Parameter", wraps=(1,)), "responses": _Field(9, "Response", wraps=(1,), named=(1,)),
    },
    "Body": {
        "description": _Field(1, "str"), "name": _Field(2, "str"), "in": _Field(3, "str"),
        "required": _Field(4, "int"), "schema": _Field(5, "Schema"),
    },
    "Query": _QUERY_OR_PATH | {"type": _Field(6, "str"), "uniqueItems": _Field(20, "int")},
    "Path": _QUERY_OR_PATH | {"type": _Field(5, "str"), "uniqueItems": _Field(19, "int")},
    "Response": {"description": _Field(1, "str"), "schema": _Field(2, "Schema", wraps=(1,))},
    "Schema": {
        "$ref": _Field(1, "str"), "format": _Field(2, "str"), "description": _Field(4, "str"),
        "default": _Field(5, "any"), "required": _Field(19, "str"), "enum": _Field(20, "any"),
        "additionalProperties": _Field(21, "Schema", wraps=(1,)), "type": _Field(22, "str", wraps=(1,)),
        "items": _Field(23, "Schema", wraps=(1,)), "properties": _Field(25, "Schema", named=(1,)),
    },
}  # fmt: skip
_PARAMETERS = {"body": ("Body", (1,)), "query": ("Query", (2, 3)), "path": ("Path", (2, 4))}
_EXTENSIONS = {"PathItem": 10, "Operation": 13, "Schema": 31}


def encode(document: Obj) -> bytes:
    """The whole document, as openapi_document.build makes it."""
    return _message("Document", document)


def _message(shape: str, value: Obj) -> bytes:
    if shape == "Parameter":
        shape, wraps = _PARAMETERS[value["in"]]
        return _wrapped(wraps, _message(shape, value))
    fields = _MESSAGES[shape]
    parts = []
    for key, item in value.items():
        if key.startswith("x-"):
            parts.append(_sized(_EXTENSIONS[shape], _sized(NAME, key.encode()) + _sized(VALUE, _any(item))))
        elif key in fields:
            parts.append(_field(fields[key], item))
    return b"".join(parts)


def _field(field: _Field, value: Any) -> bytes:
    if field.named:
        entries = (
            _sized(NAME, name.encode()) + _sized(VALUE, _wrapped(field.wraps, _message(field.shape, item)))
            for name, item in value.items()
        )
        return _sized(field.number, b"".join(_wrapped(field.named, entry) for entry in entries))
    items = value if isinstance(value, list) else [value]
    return b"".join(_item(field, item) for item in items)


def _item(field: _Field, value: Any) -> bytes:
    if field.shape == "int":
        return _varint(field.number << 3 | VARINT) + _varint(int(value))
    if field.shape == "str":
        payload = value.encode()
    elif field.shape == "any":
        payload = _any(value)
    else:
        payload = _message(field.shape, value)
    return _sized(field.number, _wrapped(field.wraps, payload))


def _any(value: Any) -> bytes:
    return _sized(ANY_YAML, orjson.dumps(value))


def _wrapped(wraps: tuple[int, ...], payload: bytes) -> bytes:
    for number in reversed(wraps):
        payload = _sized(number, payload)
    return payload


def _sized(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | BYTES) + _varint(len(payload)) + payload


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)
