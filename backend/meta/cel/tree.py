"""The parts of a parsed expression. `at` is where each begins in the source, as cel-go counts it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Literal:
    at: int
    value: Any


@dataclass(slots=True)
class Name:
    at: int
    name: str


@dataclass(slots=True)
class Select:
    """`operand.name`; `test` is has(operand.name). An `optional` one (`operand.?name`) has no fault."""

    at: int
    operand: Node
    name: str
    test: bool = False
    optional: bool = False
    key: str = ""
    """The field's name in the value, where the checker knows it to be another: names are escaped."""


@dataclass(slots=True)
class Call:
    """`target.function(arguments)`, or without a target. Operators are functions such as `_+_`."""

    at: int
    function: str
    target: Node | None
    arguments: list[Node]
    checked: list[Any] = field(default_factory=list)
    """The overloads that the types leave, once checked."""


@dataclass(slots=True)
class ListOf:
    at: int
    items: list[Node]
    optional: set[int]
    """The items that are left out where they are optional.none()."""


@dataclass(slots=True)
class MapOf:
    at: int
    entries: list[tuple[Node, Node]]
    optional: set[int]


@dataclass(slots=True)
class Comprehension:
    """A macro over a range: `all`, `exists`, `exists_one`, `map`, `filter`, and their forms with two variables."""

    at: int
    macro: str
    range: Node
    variables: list[str]
    condition: Node | None
    body: Node


@dataclass(slots=True)
class Bind:
    """cel.bind(name, value, body)"""

    at: int
    name: str
    value: Node
    body: Node


Node = Literal | Name | Select | Call | ListOf | MapOf | Comprehension | Bind
