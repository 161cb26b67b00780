"""The functions that expressions can call: each has overloads, which are told apart by the types of their arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from backend.meta.cel.types import Type, parse_type

Run = TypeVar("Run", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Overload:
    """`parameters` begin with the receiver, where there is one. `run` gets the arguments as they are."""

    parameters: tuple[Type, ...]
    result: Type
    run: Callable[..., Any]


Functions = dict[tuple[str, bool], list[Overload]]
"""By name, and by whether they have a receiver."""


class Library:
    """Collects declarations. A signature is `string charAt(int) -> string` with a receiver, `size(string) -> int`
    without one."""

    def __init__(self) -> None:
        self.functions: Functions = {}

    def declare(self, *signatures: str) -> Callable[[Run], Run]:
        def decorate(run: Run) -> Run:
            for signature in signatures:
                self.add(signature, run)
            return run

        return decorate

    def add(self, signature: str, run: Callable[..., Any]) -> None:
        head, _, result = signature.rpartition(" -> ")
        opening = _opening(head)
        target, _, name = head[:opening].rpartition(" ")
        inner = parse_type(f"_{head[opening:]}").parameters if head[opening:] != "()" else ()
        parameters = (parse_type(target), *inner) if target else inner
        overload = Overload(parameters, parse_type(result), run)
        self.functions.setdefault((name, bool(target)), []).append(overload)


def _opening(head: str) -> int:
    """Where the parenthesis opens that closes at the end."""
    depth = 0
    for index in reversed(range(len(head))):
        depth += {")": 1, "(": -1}.get(head[index], 0)
        if depth == 0:
            return index
    raise ValueError(head)
