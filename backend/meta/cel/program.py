"""An expression that is ready to be evaluated, again and again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.meta.cel.checker import Checker
from backend.meta.cel.environment import kubernetes_functions
from backend.meta.cel.errors import EvaluationError, Issues
from backend.meta.cel.interpreter import COST_LIMIT, Budget, Frame, build
from backend.meta.cel.parser import TOO_DEEP, parse
from backend.meta.cel.tree import Bind, Call, Comprehension, ListOf, MapOf, Name, Node, Select
from backend.meta.cel.types import Type


class Program:
    """`type` is that of the result; `names` are the variables that the expression mentions."""

    def __init__(self, source: str, variables: Mapping[str, Type]) -> None:
        issues = Issues(source)
        self.source = source
        try:
            tree = parse(source)
            self.type = Checker(variables, kubernetes_functions(), issues).check(tree)
            self.names = frozenset(_names(tree))
            self._run = build(tree)
        except RecursionError:
            issues.add(0, TOO_DEEP)
        if issues.found:
            raise issues.error()

    def evaluate(self, variables: Mapping[str, Any], budget: Budget | None = None) -> Any:
        """The value; raises EvaluationError, also after too many steps. Values given are not changed."""
        limit = COST_LIMIT if budget is None else max(0, min(COST_LIMIT, budget.left))
        frame = Frame(dict(variables), limit)
        try:
            return self._run(frame)
        except (TypeError, ValueError, ArithmeticError) as error:
            # Values of types that nobody could check before, such as a list as the key of a map.
            raise EvaluationError("no such overload") from error
        except RecursionError:
            raise EvaluationError("max recursion depth exceeded") from None
        finally:
            if budget is not None:
                budget.left -= limit - frame.left


def _names(node: Node) -> set[str]:
    if isinstance(node, Name):
        return {node.name}
    if isinstance(node, Select):
        return _names(node.operand)
    parts: list[Node] = []
    if isinstance(node, Call):
        parts = [*([node.target] if node.target is not None else []), *node.arguments]
    elif isinstance(node, ListOf):
        parts = node.items
    elif isinstance(node, MapOf):
        parts = [part for entry in node.entries for part in entry]
    elif isinstance(node, Bind):
        parts = [node.value, node.body]
    elif isinstance(node, Comprehension):
        parts = [node.range, node.body, *([node.condition] if node.condition is not None else [])]
    return set().union(*map(_names, parts))
