"""From a JSON document to an object, as Go's JSON decoding into the typed struct would do it.

Every definition is compiled, when first used, into one closure that copies a struct and checks it on the way. No
path is kept while all is well: a fault collects its path while it unwinds, and the paths of unknown fields are
found by a second walk. Sources: k8s.io/apiserver/pkg/endpoints/handlers (the texts around an error), sigs.k8s.io/json.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from backend.meta import gobase64, gotime, gotypes, quantity
from backend.meta.errors import ApiError, bad_request
from backend.meta.fields import Field
from backend.meta.jsonvalue import json_type
from backend.meta.types import Obj

_MAX_STRICT = 100
"""sigs.k8s.io/json reports no more strict faults than this."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded object, and what strict field validation objects to."""

    obj: Obj
    strict: list[str]


class _Fault(Exception):
    """A value that does not fit. `struct` and `path` are filled in on the way out."""

    def __init__(self, text: str, go_type: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.go_type = go_type
        self.struct = ""
        self.path: list[str] = []

    def __str__(self) -> str:
        if not self.go_type:
            return self.text
        where = ".".join((self.struct, *reversed(self.path)))
        return f"json: cannot unmarshal {self.text} into Go struct field {where} of type {self.go_type}"


_Seen = list[bool]
"""Grows by one for each unknown field that is met."""
_Decode = Callable[[Any, _Seen], Any]
"""Gives the decoded value, or None where the field is to be left out."""


def _number_text(value: float) -> str:
    """The literal, as far as it can be told after parsing."""
    return str(int(value)) if isinstance(value, float) and 1e16 <= abs(value) < 1e21 else repr(value)


def _mismatch(value: Any, go_type: str) -> _Fault:
    return _Fault(json_type(value), go_type)


class Decoder:
    """Compiles definitions on demand. `fields` gives a definition's fields."""

    def __init__(self, fields: Callable[[str], Mapping[str, Field]]) -> None:
        self._fields = fields
        self._structs: dict[str, _Decode] = {}

    def decode(self, obj: Any, definition: str, kind: str, version: str) -> Decoded:
        _check_type_meta(obj, kind)
        seen: _Seen = []
        strict: list[str] = []
        try:
            decoded = self._struct(definition)(obj, seen)
            if seen:
                self._unknown(obj, self._fields(definition), "", strict)
        except _Fault as fault:
            raise bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {fault}') from None
        except RecursionError:
            text = f'{kind} in version "{version}" cannot be handled as a {kind}: exceeded max depth'
            raise bad_request(text) from None
        return Decoded(decoded, strict)

    def _struct(self, definition: str) -> _Decode:
        decode = self._structs.get(definition)
        if decode is None:
            decode = self._structs[definition] = self._compile_struct(definition)
        return decode

    def _compile_struct(self, definition: str) -> _Decode:
        fields = self._fields(definition)
        name = gotypes.struct_name(definition)
        go_type = gotypes.type_name(definition)
        # A field of a plain type is copied without a call; `others` has its decoder for values of a wrong type.
        plain = {f.name: _PLAIN[f.kind] for f in fields.values() if f.kind in _PLAIN}
        others: dict[str, _Decode] = {}

        def compile_field(key: str) -> _Decode | None:
            # Later than the struct itself, since types contain themselves.
            field = fields.get(key)
            if field is None:
                return None
            others[key] = self._compile(field)
            return others[key]

        def decode(value: Any, seen: _Seen) -> Any:
            if not isinstance(value, dict):
                raise _mismatch(value, go_type)
            result: Obj = {}
            key = ""
            try:
                for key, item in value.items():
                    if type(item) is plain.get(key):
                        result[key] = item
                        continue
                    decode_item = others.get(key) or compile_field(key)
                    if decode_item is None:
                        seen.append(True)
                    elif item is not None:
                        decoded = decode_item(item, seen)
                        if decoded is not None:
                            result[key] = decoded
            except _Fault as fault:
                fault.struct = fault.struct or name
                fault.path.append(key)
                embedded = gotypes.embedded_in(definition, key)
                if embedded:
                    fault.path.append(embedded)
                raise
            return result

        return decode

    def _compile(self, field: Field) -> _Decode:
        if field.kind == "struct":
            return self._struct(field.definition)
        if field.kind == "list":
            return self._compile_list(field)
        if field.kind == "map":
            return self._compile_map(field)
        if field.kind == "integer":
            return _integer(field.format)
        return _SCALARS.get(field.kind) or _string(field.go_type)

    def _compile_list(self, field: Field) -> _Decode:
        assert field.element is not None
        element = self._compile(field.element)
        zero = _ZERO.get(field.element.kind)
        go_type, keep_empty = field.go_type, field.required
        strings = field.element.kind == "string"

        def decode(value: Any, seen: _Seen) -> Any:
            if not isinstance(value, list):
                raise _mismatch(value, go_type)
            if not value:
                return [] if keep_empty else None
            if strings and {*map(type, value)} == _STRINGS:
                return value[:]
            # Go leaves a null element at its zero value.
            return [element(item, seen) if item is not None else _fresh(zero) for item in value]

        return decode

    def _compile_map(self, field: Field) -> _Decode:
        assert field.element is not None
        element = self._compile(field.element)
        zero = _ZERO.get(field.element.kind)
        go_type, keep_empty = field.go_type, field.required
        strings = field.element.kind == "string"

        def decode(value: Any, seen: _Seen) -> Any:
            if not isinstance(value, dict):
                raise _mismatch(value, go_type)
            if not value:
                return {} if keep_empty else None
            if strings and {*map(type, value.values())} == _STRINGS:
                return value.copy()
            return {key: element(item, seen) if item is not None else _fresh(zero) for key, item in value.items()}

        return decode

    def _unknown(self, value: Obj, fields: Mapping[str, Field], path: str, found: list[str]) -> None:
        for key, item in value.items():
            where = f"{path}.{key}" if path else key
            field = fields.get(key)
            if field is not None:
                self._unknown_in(item, field, where, found)
            elif len(found) < _MAX_STRICT:
                found.append(f'unknown field "{where}"')

    def _unknown_in(self, value: Any, field: Field, path: str, found: list[str]) -> None:
        if not field.definition or value is None:
            return
        if field.element is None:
            self._unknown(value, self._fields(field.definition), path, found)
        elif field.kind == "list":
            for index, item in enumerate(value):
                self._unknown_in(item, field.element, f"{path}[{index}]", found)
        else:
            for key, item in value.items():
                self._unknown_in(item, field.element, f"{path}.{key}", found)


_TYPE_META = r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'


def _check_type_meta(obj: Any, kind: str) -> None:
    """kube-apiserver reads apiVersion and kind before it knows what the object is."""
    if obj is None:
        raise _unrecognized(kind, "Object 'Kind' is missing in 'null'")
    if not isinstance(obj, dict):
        fault = f"json: cannot unmarshal {json_type(obj)} into Go value of type {_TYPE_META}"
        raise _unrecognized(kind, f"couldn't get version/kind; json parse error: {fault}")
    for key in ("apiVersion", "kind"):
        value = obj.get(key)
        if value is not None and not isinstance(value, str):
            fault = f"json: cannot unmarshal {json_type(value)} into Go struct field .{key} of type string"
            raise _unrecognized(kind, f"couldn't get version/kind; json parse error: {fault}")


def _unrecognized(kind: str, why: str) -> ApiError:
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {why}")


_STRINGS = {str}
_PLAIN: dict[str, type] = {"string": str, "boolean": bool}
_ZERO: dict[str, Any] = {
    "string": "", "bytes": "", "boolean": False, "integer": 0, "number": 0, "quantity": "0",
    "int-or-string": 0, "struct": {},
}  # fmt: skip


def _fresh(zero: Any) -> Any:
    return {} if isinstance(zero, dict) else zero


def _string(go_type: str) -> _Decode:
    def decode(value: Any, _seen: _Seen) -> str:
        if not isinstance(value, str):
            raise _mismatch(value, go_type)
        return value

    return decode


def _boolean(value: Any, _seen: _Seen) -> bool:
    if not isinstance(value, bool):
        raise _mismatch(value, "bool")
    return value


def _integer(form: str) -> _Decode:
    go_type = form or "int64"
    limit = 2**31 if form == "int32" else 2**63

    def decode(value: Any, _seen: _Seen) -> int:
        if type(value) is int and -limit <= value < limit:
            return value
        raise _not_an_integer(value, go_type)

    return decode


def _not_an_integer(value: Any, go_type: str) -> _Fault:
    if json_type(value) == "number":
        return _Fault(f"number {_number_text(value)}", go_type)
    return _mismatch(value, go_type)


def _number(value: Any, _seen: _Seen) -> float:
    if json_type(value) != "number":
        raise _mismatch(value, "float64")
    return value  # type: ignore[no-any-return]


def _bytes(value: Any, _seen: _Seen) -> str:
    if isinstance(value, list):
        return _byte_list(value)
    if not isinstance(value, str):
        raise _mismatch(value, "[]uint8")
    try:
        return gobase64.canonical(value)
    except ValueError as error:
        raise _Fault(str(error)) from None


def _byte_list(value: list[Any]) -> str:
    """Go also fills a []byte from an array of numbers."""
    for item in value:
        if item is not None and (type(item) is not int or not 0 <= item < 256):
            raise _not_an_integer(item, "uint8")
    return b64encode(bytes(item or 0 for item in value)).decode()


def _quantity(value: Any, _seen: _Seen) -> str:
    if isinstance(value, str):
        text = value
    elif json_type(value) == "number":
        text = _number_text(value)
    else:
        raise _Fault(quantity.WRONG_FORMAT)
    try:
        return quantity.canonical(text.strip())
    except ValueError as error:
        raise _Fault(str(error)) from None


def _int_or_string(value: Any, _seen: _Seen) -> int | str:
    if isinstance(value, str) or (type(value) is int and -(2**31) <= value < 2**31):
        return value
    raise _not_an_integer(value, "int32")


def _time(value: Any, _seen: _Seen) -> str:
    if not isinstance(value, str):
        raise _mismatch(value, "string")
    try:
        return gotime.canonical(value)
    except ValueError as error:
        raise _Fault(str(error)) from None


def _micro_time(value: Any, _seen: _Seen) -> str:
    if not isinstance(value, str):
        raise _mismatch(value, "string")
    try:
        return gotime.canonical_micro(value)
    except ValueError as error:
        raise _Fault(str(error)) from None


def _any(value: Any, _seen: _Seen) -> Any:
    return value


_SCALARS: dict[str, _Decode] = {
    "any": _any, "boolean": _boolean, "bytes": _bytes, "int-or-string": _int_or_string, "micro-time": _micro_time,
    "number": _number, "quantity": _quantity, "time": _time,
}  # fmt: skip
