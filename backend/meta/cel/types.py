"""The types of expressions, as the checker works with them.

A type is written as cel-go prints it: `list(string)`, `map(string, dyn)`. One capital letter is a parameter of an
overload. Source: cel-go's common/types and checker.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache


@dataclass(frozen=True, slots=True)
class Type:
    """`name` with its `parameters`. An object has fields: by the names that expressions use, (name, type)."""

    name: str
    parameters: tuple[Type, ...] = ()
    fields: Mapping[str, tuple[str, Type]] | None = field(default=None, compare=False, hash=False)

    def __str__(self) -> str:
        if self.parameters:
            return f"{self.name}({', '.join(map(str, self.parameters))})"
        return "null" if self.name == "null_type" else self.name

    @property
    def is_parameter(self) -> bool:
        return len(self.name) == 1


_PART = re.compile(r"\s*([A-Za-z_.0-9]+|[(),])")
DYN, BOOL, STRING = Type("dyn"), Type("bool"), Type("string")
_NULLABLE = frozenset({"null_type", "timestamp", "duration", "object"})


@cache
def parse_type(text: str) -> Type:
    parts = _PART.findall(text)
    found, rest = _parse(parts)
    assert not rest, text
    return found


def _parse(parts: list[str]) -> tuple[Type, list[str]]:
    name, rest = parts[0], parts[1:]
    parameters: list[Type] = []
    if rest[:1] == ["("]:
        while rest[0] != ")":
            parameter, rest = _parse(rest[1:])
            parameters.append(parameter)
        rest = rest[1:]
    return Type(name, tuple(parameters)), rest


def list_of(item: Type) -> Type:
    return Type("list", (item,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", (key, value))


def object_of(name: str, fields: Mapping[str, tuple[str, Type]]) -> Type:
    """`name` tells objects apart; `fields` is by the names that expressions use: (name in the value, type)."""
    return Type(name, (), fields)


Bindings = dict[str, Type]


def assignable(given: Type, wanted: Type, bound: Bindings) -> bool:
    """Whether a value of type `given` can be where `wanted` is; parameters of `wanted` are bound by it."""
    if wanted.is_parameter:
        known = bound.get(wanted.name)
        if known is None or known.name == "dyn":
            bound[wanted.name] = given
            return True
        if assignable(given, known, bound):
            return True
        if assignable(known, given, bound):
            bound[wanted.name] = given
            return True
        return False
    if given.name == "dyn" or wanted.name == "dyn" or given.is_parameter:
        return True
    if given.name == "null_type":
        return wanted.name in _NULLABLE or wanted.fields is not None or wanted.name[:1].isupper()
    if given.name != wanted.name or len(given.parameters) != len(wanted.parameters):
        return False
    return all(
        assignable(one, other, bound) for one, other in zip(given.parameters, wanted.parameters, strict=True)
    )


def substitute(wanted: Type, bound: Bindings) -> Type:
    """With its parameters as they are bound; dyn where they are not."""
    if wanted.is_parameter:
        return bound.get(wanted.name, DYN)
    if not wanted.parameters:
        return wanted
    return Type(wanted.name, tuple(substitute(parameter, bound) for parameter in wanted.parameters))


def joined(one: Type, other: Type) -> Type | None:
    """The type that has both, if there is one."""
    if assignable(other, one, {}):
        return one
    return other if assignable(one, other, {}) else None
