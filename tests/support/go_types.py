"""The Go types that are compiled into kubectl: for each API type its fields' protobuf numbers and JSON names.

kubectl is the authority on what it sends, and Go keeps struct tags in the binary for reflection. The layouts read here
are those of internal/abi (Type, StructType, StructField, Name) on 64-bit little-endian machines.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

EXTRA_STAR = 2
UNCOMMON = 1
MAP, POINTER, SLICE, STRING, STRUCT = 21, 22, 23, 24, 25
SCALARS = {1: "b", 2: "i", 3: "i", 4: "i", 5: "i", 6: "i", 8: "y", 13: "f", 14: "d", STRING: "s"}
SPECIAL = {
    "resource.Quantity": "Quantity", "intstr.IntOrString": "IntOrString", "runtime.RawExtension": "Raw",
    "v1.FieldsV1": "Raw", "v1.Time": "Time", "v1.MicroTime": "MicroTime",
}  # fmt: skip
PACKAGES = (("k8s.io/api/", ""), ("k8s.io/apimachinery/pkg/apis/meta/v1", "meta/v1"))


@dataclass(frozen=True)
class GoType:
    address: int
    offset: int
    flags: int
    kind: int
    name: str


class Binary:
    """An ELF file made by Go."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        self._sections = dict(self._read_sections())
        self._base = self._sections[".rodata"][0]

    def structs(self) -> Iterator[GoType]:
        """Every struct type to which the program has a pointer type."""
        _, offset, size = self._sections[".typelink"]
        for link in struct.unpack_from(f"<{size // 4}i", self._data, offset):
            pointer = self.type(self._base + link)
            if pointer.kind == POINTER:
                target = self.element(pointer)
                if target.kind == STRUCT:
                    yield target

    def type(self, address: int) -> GoType:
        offset = self._offset(address)
        flags, _, _, kind, _, _, name = struct.unpack_from("<BBBBQQi", self._data, offset + 20)
        text = self._name(self._offset(self._base + name))[0]
        return GoType(address, offset, flags, kind & 31, text[1:] if flags & EXTRA_STAR else text)

    def element(self, of: GoType) -> GoType:
        """What a pointer points to, or what a slice or a map holds."""
        at = of.offset + 48 + (8 if of.kind == MAP else 0)
        return self.type(struct.unpack_from("<Q", self._data, at)[0])

    def package(self, of: GoType) -> str:
        if not of.flags & UNCOMMON:
            return ""
        return self._name(self._offset(self._base + struct.unpack_from("<i", self._data, of.offset + 80)[0]))[0]

    def fields(self, of: GoType) -> Iterator[tuple[str, GoType]]:
        """(tag, type) of a struct's fields."""
        first, count = struct.unpack_from("<QQ", self._data, of.offset + 56)
        for index in range(count):
            name, type_ = struct.unpack_from("<QQ", self._data, self._offset(first) + 24 * index)
            yield self._name(self._offset(name))[1], self.type(type_)

    def _read_sections(self) -> Iterator[tuple[str, tuple[int, int, int]]]:
        headers = struct.unpack_from("<Q", self._data, 0x28)[0]
        size, count, names = struct.unpack_from("<HHH", self._data, 0x3A)
        raw = [struct.unpack_from("<IIQQQQ", self._data, headers + index * size) for index in range(count)]
        for section in raw:
            start = raw[names][4] + section[0]
            yield self._data[start : self._data.index(0, start)].decode(), (section[3], section[4], section[5])

    def _offset(self, address: int) -> int:
        for start, offset, size in self._sections.values():
            if start and start <= address < start + size:
                return address - start + offset
        raise ValueError(f"{address:#x} is in no section")

    def _name(self, at: int) -> tuple[str, str]:
        """(name, tag)."""
        flags = self._data[at]
        name, at = self._text(at + 1)
        return name, self._text(at)[0] if flags & 2 else ""

    def _text(self, at: int) -> tuple[str, int]:
        length = shift = 0
        while True:
            byte = self._data[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 128:
                return self._data[at : at + length].decode(errors="replace"), at + length


class ProtobufTable:
    """One line per message: its name, and `NUMBER JSON-NAME SHAPE` of its fields, as protobuf_fields.txt has them.

    A shape is a letter (s string, i integer, b boolean, y bytes, d double) or a message's name, after `*` for a list,
    `%` for a map by string, `?` for a pointer, and `!` where JSON has the field even when it is empty. The JSON name is
    `-` where the message's fields are the parent's own.
    """

    def __init__(self, binary: Binary, versions: re.Pattern[str]) -> None:
        self._binary = binary
        self._versions = versions

    @cached_property
    def lines(self) -> list[str]:
        found: dict[str, str] = {}
        for type_ in self._binary.structs():
            name = self._message(type_)
            if name and self._versions.search(name) and type_.name not in SPECIAL:
                fields = [
                    field
                    for tag, field_type in self._binary.fields(type_)
                    if (field := self._field(tag, field_type))
                ]
                if fields:
                    found[name] = f"{name} " + "|".join(text for _, text in sorted(fields))
        return [found[name] for name in sorted(found)]

    def _message(self, type_: GoType) -> str:
        package = self._binary.package(type_)
        for prefix, root in PACKAGES:
            if package.startswith(prefix):
                return ".".join([*(root + package.removeprefix(prefix)).split("/"), type_.name.rpartition(".")[2]])
        return ""

    def _field(self, tag: str, type_: GoType) -> tuple[int, str] | None:
        protobuf = re.search(r'protobuf:"\w+,(\d+),', tag)
        json = re.search(r'json:"([^"]*)"', tag)
        if protobuf is None or json is None:
            return None
        name, *options = json[1].split(",")
        mark = "" if "omitempty" in options or not name or "inline" in options else "!"
        return int(protobuf[1]), f"{protobuf[1]} {name or '-'} {mark}{self._shape(type_)}"

    def _shape(self, type_: GoType) -> str:
        if type_.name in SPECIAL:
            return SPECIAL[type_.name]
        if type_.kind == POINTER:
            return "?" + self._shape(self._binary.element(type_))
        if type_.kind == SLICE:
            element = self._binary.element(type_)
            return "y" if element.kind == 8 else "*" + self._shape(element)
        if type_.kind == MAP:
            return "%" + self._shape(self._binary.element(type_))
        return self._message(type_) if type_.kind == STRUCT else SCALARS[type_.kind]
