"""Objects in Kubernetes' protobuf form, which kubectl's create commands send. Answers are JSON in any case.

`protobuf_fields.txt` has the numbers and names of the fields of every message, one message a line:
`NUMBER JSON-NAME SHAPE` joined by `|`. A shape is a letter (s string, i integer, b boolean, y bytes, d double,
f float) or a message's name, after `*` for a list, `%` for a map by string, `?` for a pointer, and `!` where JSON has
the field even when it is empty. The JSON name is `-` where the message's fields are the parent's own. A test keeps the
table equal to kubectl's types.

Sources: protobuf's encoding; k8s.io/apimachinery pkg/runtime/generated.proto (Unknown); the Go types' own encodings.
"""

from __future__ import annotations

import base64
import datetime
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from backend.apiserver.http.bodies import parse_json
from backend.meta.types import Obj

MAGIC = b"k8s\x00"
META_KINDS = frozenset(("DeleteOptions", "CreateOptions", "UpdateOptions", "PatchOptions", "Status"))
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MAX_DEPTH = 100


class ProtobufError(Exception):
    """The bytes are no object that we know; the message is in kube-apiserver's words where it has some."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    always: bool
    pointer: bool
    collection: str
    shape: str


def decode(body: bytes) -> Obj:
    """The JSON form of an object in its envelope. Raises ProtobufError."""
    if not body.startswith(MAGIC):
        prefix = " ".join(str(byte) for byte in MAGIC)
        raise ProtobufError(f"provided data does not appear to be a protobuf message, expected prefix [{prefix}]")
    try:
        envelope = dict(_fields(body[len(MAGIC) :]))
        type_meta = dict(_fields(envelope.get(1, b"")))
        api_version, kind = (bytes(type_meta.get(number, b"")).decode() for number in (1, 2))
        obj = _message(_message_name(api_version, kind), bytes(envelope.get(2, b"")), MAX_DEPTH)
    except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise ProtobufError(f"proto: illegal wireType or unexpected EOF ({type(error).__name__})") from None
    return {"kind": kind, "apiVersion": api_version, **obj}


def _message_name(api_version: str, kind: str) -> str:
    group, _, version = api_version.rpartition("/")
    name = f"{group.partition('.')[0] or 'core'}.{version}.{kind}"
    if kind in META_KINDS:
        name = f"meta.v1.{kind}"
    if name not in _table():
        raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}"')
    return name


@cache
def _table() -> dict[str, str]:
    text = files(__package__).joinpath("protobuf_fields.txt").read_text()
    return dict(line.split(" ", 1) for line in text.splitlines())


@cache
def _message_fields(name: str) -> dict[int, _Field]:
    found: dict[int, _Field] = {}
    for entry in _table()[name].split("|"):
        number, json_name, shape = entry.split(" ")
        always, shape = shape.startswith("!"), shape.removeprefix("!")
        pointer, shape = shape.startswith("?"), shape.removeprefix("?")
        collection = shape[0] if shape[0] in "*%" else ""
        found[int(number)] = _Field(json_name, always, pointer, collection, shape.removeprefix(collection))
    return found


def _message(name: str, data: bytes, depth: int) -> Obj:
    """What is empty is left out, as Go's encoder does, unless it is a pointer or JSON always has it."""
    if depth == 0:
        raise ProtobufError("exceeded max depth")
    known = _message_fields(name)
    obj: Obj = {}
    for number, value in _fields(data):
        field = known.get(number)
        if field is None:
            continue
        if field.name == "-":
            obj.update(_value(field.shape, value, depth))
        elif field.collection == "*":
            obj.setdefault(field.name, []).append(_value(field.shape, value, depth))
        elif field.collection == "%":
            key, item = _entry(field.shape, value, depth)
            obj.setdefault(field.name, {})[key] = item
        else:
            decoded = _value(field.shape, value, depth)
            if field.always or field.pointer or decoded not in ("", 0, False, None, {}):
                obj[field.name] = decoded
    return obj


def _entry(shape: str, data: Any, depth: int) -> tuple[str, Any]:
    """One entry of a map: a message of a key and a value. A list in a map is a message of its items."""
    pair = dict(_fields(data))
    key = bytes(pair.get(1, b"")).decode()
    if shape.startswith("*"):
        return key, [_value(shape[1:], item, depth) for _, item in _fields(pair.get(2, b""))]
    return key, _value(shape, pair.get(2, b""), depth)


def _value(shape: str, value: Any, depth: int) -> Any:
    special = _SPECIAL.get(shape)
    return special(value) if special is not None else _message(shape, value, depth - 1)


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) in the order of the wire: an int for a varint or a fixed width, bytes for the rest."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        kind = tag & 7
        value: Any
        if kind == VARINT:
            value, at = _varint(data, at)
        elif kind == BYTES:
            length, at = _varint(data, at)
            if at + length > end:
                raise ProtobufError("unexpected EOF")
            value, at = data[at : at + length], at + length
        elif kind in (FIXED64, FIXED32):
            width = 8 if kind == FIXED64 else 4
            value, at = struct.unpack_from("<d" if width == 8 else "<f", data, at)[0], at + width
        else:
            raise ProtobufError(f"proto: illegal wireType {kind}")
        yield tag >> 3, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ProtobufError("proto: integer overflow")


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def _time(data: bytes) -> str | None:
    """A zero time is an empty message."""
    parts = dict(_fields(data))
    if not parts:
        return None
    moment = EPOCH + datetime.timedelta(seconds=_signed(parts.get(1, 0)))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _micro_time(data: bytes) -> str | None:
    seconds = _time(data)
    nanos = _signed(dict(_fields(data)).get(2, 0))
    return None if seconds is None else f"{seconds[:-1]}.{nanos // 1000:06d}Z"


def _int_or_string(data: bytes) -> int | str:
    parts = dict(_fields(data))
    return bytes(parts.get(3, b"")).decode() if parts.get(1) else _signed(parts.get(2, 0))


def _raw(data: bytes) -> Any:
    inner = dict(_fields(data)).get(1, b"")
    return parse_json(inner) if inner else None


def _quantity(data: bytes) -> str:
    return bytes(dict(_fields(data)).get(1, b"")).decode()


_SPECIAL: dict[str, Callable[[Any], Any]] = {
    "s": lambda value: value.decode(),
    "i": _signed,
    "b": bool,
    "y": lambda value: base64.b64encode(value).decode(),
    "d": float,
    "f": float,
    "Time": _time,
    "MicroTime": _micro_time,
    "IntOrString": _int_or_string,
    "Raw": _raw,
    "Quantity": _quantity,
}
