"""Gives every part of an expression its type, and tells what does not fit. Source: cel-go's checker."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend.meta.cel.errors import EvaluationError, Issues
from backend.meta.cel.functions import Functions, Overload
from backend.meta.cel.library_standard import duration, timestamp
from backend.meta.cel.tree import Bind, Call, Comprehension, ListOf, Literal, MapOf, Name, Node, Select
from backend.meta.cel.types import (
    BOOL,
    DYN,
    Bindings,
    Type,
    assignable,
    joined,
    list_of,
    map_of,
    substitute,
)
from backend.meta.cel.values import type_name
from backend.meta.regex import RegexError, compile_regex

_INT = Type("int")
_TYPE_NAMES = frozenset(
    {"bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type", "dyn",
     "google.protobuf.Timestamp", "google.protobuf.Duration", "timestamp", "duration", "optional_type"}
)  # fmt: skip


_READERS: dict[str, Callable[[str], object]] = {
    "matches": compile_regex, "duration": duration, "timestamp": timestamp,
}  # fmt: skip


class Checker:
    """Checks one expression. Calls get the overloads that fit, and fields their names in the value."""

    def __init__(self, variables: Mapping[str, Type], functions: Functions, issues: Issues) -> None:
        self._scopes: list[Mapping[str, Type]] = [variables]
        self._functions = functions
        self._issues = issues

    def check(self, node: Node) -> Type:
        if isinstance(node, Literal):
            return Type(type_name(node.value))
        if isinstance(node, Name):
            return self._name(node)
        if isinstance(node, Select):
            return self._select(node)
        if isinstance(node, Call):
            return self._call(node)
        if isinstance(node, ListOf):
            return self._list(node)
        if isinstance(node, MapOf):
            return self._map(node)
        if isinstance(node, Bind):
            return self._scoped({node.name: self.check(node.value)}, node.body)
        return self._comprehension(node)

    def _find(self, name: str) -> Type | None:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return None

    def _scoped(self, variables: Mapping[str, Type], node: Node) -> Type:
        self._scopes.append(variables)
        found = self.check(node)
        self._scopes.pop()
        return found

    def _name(self, node: Name) -> Type:
        found = self._find(node.name)
        if found is not None:
            return found
        if node.name in _TYPE_NAMES:
            return Type("type")
        self._issues.add(node.at, f"undeclared reference to '{node.name}' (in container '')")
        return DYN

    def _select(self, node: Select) -> Type:
        dotted = _dotted(node)
        if dotted in _TYPE_NAMES and self._find(dotted.partition(".")[0]) is None:
            return Type("type")
        operand = self.check(node.operand)
        through = operand.name == "optional_type"
        found = self._field(node, operand.parameters[0] if through else operand)
        if node.test:
            return BOOL
        return Type("optional_type", (found,)) if node.optional or through else found

    def _field(self, node: Select, operand: Type) -> Type:
        if operand.fields is not None:
            known = operand.fields.get(node.name)
            if known is None:
                self._issues.add(node.at, f"undefined field '{node.name}'")
                return DYN
            node.key = known[0]
            return known[1]
        if operand.name == "map":
            return operand.parameters[1]
        if operand.name != "dyn":
            self._issues.add(node.at, f"type '{operand}' does not support field selection")
        return DYN

    def _call(self, node: Call) -> Type:
        if node.function == "_?_:_":
            return self._conditional(node)
        if node.target is not None:
            qualified = f"{_dotted(node.target)}.{node.function}"
            root = qualified.partition(".")[0]
            if (qualified, False) in self._functions and self._find(root) is None:
                node.function, node.target = qualified, None
        if node.function == "format" and len(node.arguments) == 1 and isinstance(node.arguments[0], ListOf):
            for item in node.arguments[0].items:
                self.check(item)  # Only here a list may mix types.
            types = [self.check(argument) for argument in _arguments(node)[:-1]] + [list_of(DYN)]
        else:
            types = [self.check(argument) for argument in _arguments(node)]
        self._check_literal(node)
        return self._resolve(node, types)

    def _check_literal(self, node: Call) -> None:
        """Texts of a form of their own are read before anything is evaluated. Source: cel-go's cel/validator.go."""
        reader = _READERS.get(node.function)
        last = node.arguments[-1] if node.arguments else None
        if reader is None or not isinstance(last, Literal) or not isinstance(last.value, str):
            return
        try:
            reader(last.value)
        except (RegexError, EvaluationError):
            self._issues.add(last.at, f"invalid {node.function} argument")

    def _resolve(self, node: Call, types: list[Type]) -> Type:
        overloads = self._functions.get((node.function, node.target is not None), [])
        if not overloads:
            self._issues.add(node.at, f"undeclared reference to '{node.function}' (in container '')")
            return DYN
        result: Type | None = None
        for overload in overloads:
            bound: Bindings = {}
            if not _fits(types, overload, bound):
                continue
            node.checked.append(overload)
            own = substitute(overload.result, bound)
            if result is None:
                result = own
            elif str(result) != str(own):
                result = DYN
        if result is None:
            self._issues.add(node.at, _no_overload(node, types))
            return DYN
        return result

    def _conditional(self, node: Call) -> Type:
        types = [self.check(argument) for argument in node.arguments]
        both = joined(types[1], types[2])
        if both is None or not assignable(types[0], BOOL, {}):
            self._issues.add(node.at, _no_overload(node, types))
            return DYN
        return both

    def _list(self, node: ListOf) -> Type:
        item: Type | None = None
        for index, part in enumerate(node.items):
            item = self._aggregated(item, self._unwrapped(part, index in node.optional), part.at)
        return list_of(item or DYN)

    def _map(self, node: MapOf) -> Type:
        key: Type | None = None
        value: Type | None = None
        for index, (name, part) in enumerate(node.entries):
            key = self._aggregated(key, self.check(name), name.at)
            value = self._aggregated(value, self._unwrapped(part, index in node.optional), part.at)
        return map_of(key or DYN, value or DYN)

    def _unwrapped(self, part: Node, optional: bool) -> Type:
        found = self.check(part)
        if optional and found.name == "optional_type":
            return found.parameters[0]
        if optional and found.name != "dyn":
            self._issues.add(part.at, f"expected type 'optional_type' but found '{found}'")
        return found

    def _aggregated(self, before: Type | None, found: Type, at: int) -> Type:
        """Kubernetes wants lists and maps of one type."""
        if before is None:
            return found
        both = joined(before, found)
        if both is None:
            self._issues.add(at, f"expected type '{before}' but found '{found}'")
            return before
        return both

    def _comprehension(self, node: Comprehension) -> Type:
        ranged = self.check(node.range)
        if node.macro in ("optMap", "optFlatMap"):
            return self._opt_map(node, ranged)
        scope = self._variables(node, ranged)
        if node.condition is not None:
            self._boolean(node.condition, scope)
        if node.macro in ("all", "exists", "exists_one", "filter"):
            self._boolean(node.body, scope)
            return BOOL if node.macro != "filter" else list_of(next(iter(scope.values())))
        body = self._scoped(scope, node.body)
        if node.macro == "transformMap":
            return map_of(next(iter(scope.values())), body)
        return list_of(body)

    def _variables(self, node: Comprehension, ranged: Type) -> Mapping[str, Type]:
        """What the variables of a comprehension stand for."""
        if ranged.name == "list":
            pair = (_INT, ranged.parameters[0])
        elif ranged.name == "map":
            pair = (ranged.parameters[0], ranged.parameters[1])
        else:
            if ranged.name != "dyn":
                text = "cannot be range of a comprehension (must be list, map, or dynamic)"
                self._issues.add(node.range.at, f"expression of type '{ranged}' {text}")
            pair = (DYN, DYN)
        if len(node.variables) == 2:
            return dict(zip(node.variables, pair, strict=True))
        return {node.variables[0]: pair[1] if ranged.name == "list" else pair[0]}

    def _boolean(self, node: Node, scope: Mapping[str, Type]) -> None:
        found = self._scoped(scope, node)
        if not assignable(found, BOOL, {}):
            self._issues.add(node.at, f"expected type 'bool' but found '{found}'")

    def _opt_map(self, node: Comprehension, ranged: Type) -> Type:
        inner = ranged.parameters[0] if ranged.name == "optional_type" else DYN
        if ranged.name not in ("optional_type", "dyn"):
            self._issues.add(node.at, f"{node.macro}() must be called on an optional value")
        body = self._scoped({node.variables[0]: inner}, node.body)
        return body if node.macro == "optFlatMap" else Type("optional_type", (body,))


def _arguments(node: Call) -> list[Node]:
    return [node.target, *node.arguments] if node.target is not None else node.arguments


def _fits(types: list[Type], overload: Overload, bound: Bindings) -> bool:
    if len(types) != len(overload.parameters):
        return False
    return all(assignable(given, wanted, bound) for given, wanted in zip(types, overload.parameters, strict=True))


def _no_overload(node: Call, types: list[Type]) -> str:
    if node.target is not None:
        shown = f"{types[0]}.({', '.join(map(str, types[1:]))})"
    else:
        shown = f"({', '.join(map(str, types))})"
    return f"found no matching overload for '{node.function}' applied to '{shown}'"


def _dotted(node: Node) -> str:
    """`a.b.c` of names only, "" for anything else."""
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Select) and not node.test and not node.optional:
        before = _dotted(node.operand)
        return f"{before}.{node.name}" if before else ""
    return ""
