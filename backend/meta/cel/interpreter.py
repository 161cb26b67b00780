"""Turns a checked expression into closures, and runs them. Source of the semantics: cel-spec's doc/langdef.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from backend.meta.cel.errors import EvaluationError
from backend.meta.cel.functions import Overload
from backend.meta.cel.tree import Bind, Call, Comprehension, ListOf, Literal, MapOf, Name, Node, Select
from backend.meta.cel.values import NONE, Optional, TypeValue, type_name

COST_LIMIT = 200_000
"""Steps of one evaluation, which take less than a second. kube-apiserver allows five times as many (PerCallLimit of
k8s.io/apiserver/pkg/apis/cel), and has threads for them."""


@dataclass(slots=True)
class Budget:
    """Steps that several evaluations share."""

    left: int


class Frame:
    """The variables of one evaluation, and the steps that it may still take."""

    __slots__ = ("left", "variables")

    def __init__(self, variables: dict[str, Any], limit: int) -> None:
        self.variables = variables
        self.left = limit

    def pay(self, cost: int) -> None:
        self.left -= cost
        if self.left < 0:
            raise EvaluationError("operation cancelled: actual cost limit exceeded")


Run = Callable[[Frame], Any]
_MISSING = object()


def build(node: Node) -> Run:
    """A function of a Frame, which raises EvaluationError where the expression has no value."""
    if isinstance(node, Literal):
        value = node.value
        return lambda _frame: value
    if isinstance(node, Name):
        return _name(node)
    if isinstance(node, Select):
        return _select(node)
    if isinstance(node, Call):
        return _call(node)
    if isinstance(node, ListOf):
        return _list(node)
    if isinstance(node, MapOf):
        return _map(node)
    if isinstance(node, Bind):
        return _bind(node)
    return _comprehension(node)


def _name(node: Name) -> Run:
    name = node.name

    def run(frame: Frame) -> Any:
        found = frame.variables.get(name, _MISSING)
        return TypeValue(name) if found is _MISSING else found

    return run


def _field(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return value.get(key, _MISSING)
    raise EvaluationError("no such overload")


def _select(node: Select) -> Run:
    operand, key = build(node.operand), node.key or node.name

    def through(value: Any) -> tuple[Any, bool]:
        """(the value to look into, whether it was optional)"""
        if isinstance(value, Optional):
            return (value.value if value.present else {}), True
        return value, False

    def test(frame: Frame) -> bool:
        return _field(through(operand(frame))[0], key) is not _MISSING

    def run(frame: Frame) -> Any:
        value, optional = through(operand(frame))
        found = _field(value, key)
        if node.optional or optional:
            return NONE if found is _MISSING else Optional(True, found)
        if found is _MISSING:
            raise EvaluationError(f"no such key: {key}")
        return found

    return test if node.test else run


def _call(node: Call) -> Run:
    if node.function in ("_&&_", "_||_"):
        return _logic(build(node.arguments[0]), build(node.arguments[1]), node.function == "_||_")
    if node.function == "_?_:_":
        return _conditional(*map(build, node.arguments))
    if node.function in _LAZY and node.target is not None:
        return _LAZY[node.function](build(node.target), build(node.arguments[0]))
    parts = [node.target, *node.arguments] if node.target is not None else node.arguments
    arguments = [build(part) for part in parts]
    overloads = node.checked
    if len(overloads) == 1 and all(parameter.is_parameter for parameter in overloads[0].parameters):
        only = overloads[0].run
        return lambda frame: only(*[argument(frame) for argument in arguments])

    def run(frame: Frame) -> Any:
        values = [argument(frame) for argument in arguments]
        frame.pay(1)
        return _dispatch(overloads, values)

    return run


def _dispatch(overloads: list[Overload], values: list[Any]) -> Any:
    names = [type_name(value) for value in values]
    for overload in overloads:
        for wanted, name in zip(overload.parameters, names, strict=True):
            if wanted.name != name and not wanted.is_parameter and wanted.name != "dyn":
                break
        else:
            return overload.run(*values)
    raise EvaluationError("no such overload")


def _logic(left: Run, right: Run, decisive: bool) -> Run:
    """A side that decides makes up for a fault of the other."""

    def run(frame: Frame) -> bool:
        fault: EvaluationError | None = None
        for side in (left, right):
            try:
                value = side(frame)
            except EvaluationError as error:
                fault = fault or error
                continue
            if not isinstance(value, bool):
                fault = fault or EvaluationError("no such overload")
            elif value is decisive:
                return decisive
        if fault is not None:
            raise fault
        return not decisive

    return run


def _conditional(condition: Run, yes: Run, no: Run) -> Run:
    def run(frame: Frame) -> Any:
        value = condition(frame)
        if not isinstance(value, bool):
            raise EvaluationError("no such overload")
        return yes(frame) if value else no(frame)

    return run


def _or_value(target: Run, other: Run) -> Run:
    def run(frame: Frame) -> Any:
        value = target(frame)
        return value.value if value.present else other(frame)

    return run


def _or(target: Run, other: Run) -> Run:
    def run(frame: Frame) -> Any:
        value = target(frame)
        return value if value.present else other(frame)

    return run


_LAZY: dict[str, Callable[[Run, Run], Run]] = {"orValue": _or_value, "or": _or}


def _list(node: ListOf) -> Run:
    items = [build(item) for item in node.items]
    if not node.optional:
        return lambda frame: [item(frame) for item in items]

    def run(frame: Frame) -> list[Any]:
        found: list[Any] = []
        for index, item in enumerate(items):
            value = item(frame)
            if index not in node.optional:
                found.append(value)
            elif value.present:
                found.append(value.value)
        return found

    return run


def _map(node: MapOf) -> Run:
    entries = [(build(key), build(value)) for key, value in node.entries]

    def run(frame: Frame) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for index, (key, value) in enumerate(entries):
            name, item = key(frame), value(frame)
            if index in node.optional:
                if not item.present:
                    continue
                item = item.value
            if name in found:
                raise EvaluationError(f"duplicate map key: {name}")
            found[name] = item
        return found

    return run


def _bind(node: Bind) -> Run:
    value, body, name = build(node.value), build(node.body), node.name

    def run(frame: Frame) -> Any:
        with _scope(frame, (name,)) as variables:
            variables[name] = value(frame)
            return body(frame)

    return run


class _scope:
    """Variables that are put back as they were."""

    __slots__ = ("_before", "_frame")

    def __init__(self, frame: Frame, names: Iterable[str]) -> None:
        self._frame = frame
        self._before = [(name, frame.variables.get(name, _MISSING)) for name in names]

    def __enter__(self) -> dict[str, Any]:
        return self._frame.variables

    def __exit__(self, *_error: object) -> None:
        for name, value in self._before:
            if value is _MISSING:
                self._frame.variables.pop(name, None)
            else:
                self._frame.variables[name] = value


def _pairs(value: Any, single: bool) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, list):
        yield from ((item,) for item in value) if single else enumerate(value)
    elif isinstance(value, dict):
        yield from ((key,) for key in value) if single else value.items()
    else:
        raise EvaluationError("no such overload")


def _comprehension(node: Comprehension) -> Run:
    ranged, body, names = build(node.range), build(node.body), node.variables
    condition = build(node.condition) if node.condition is not None else None
    if node.macro in ("optMap", "optFlatMap"):
        return _opt_map(node.macro, ranged, names[0], body)
    collect = _COLLECTORS[node.macro]

    def run(frame: Frame) -> Any:
        value = ranged(frame)

        def rounds() -> Iterator[tuple[Any, ...]]:
            for values in _pairs(value, len(names) == 1):
                frame.pay(1)
                for name, item in zip(names, values, strict=True):
                    frame.variables[name] = item
                if condition is None or condition(frame) is True:
                    yield values

        with _scope(frame, names):
            return collect(rounds(), lambda: body(frame))

    return run


def _opt_map(macro: str, target: Run, name: str, body: Run) -> Run:
    def run(frame: Frame) -> Any:
        value = target(frame)
        if not value.present:
            return NONE
        with _scope(frame, (name,)) as variables:
            variables[name] = value.value
            found = body(frame)
        return found if macro == "optFlatMap" else Optional(True, found)

    return run


def _quantified(rounds: Iterator[tuple[Any, ...]], body: Callable[[], Any], decisive: bool) -> bool:
    """As _logic: one that decides makes up for the faults of others."""
    fault: EvaluationError | None = None
    for _ in rounds:
        try:
            value: Any = body()
        except EvaluationError as error:
            if str(error).startswith("operation cancelled"):
                raise
            fault = fault or error
            continue
        if value is decisive:
            return bool(decisive)
    if fault is not None:
        raise fault
    return not decisive


_COLLECTORS: dict[str, Callable[[Iterator[tuple[Any, ...]], Callable[[], Any]], Any]] = {
    "all": lambda rounds, body: _quantified(rounds, body, False),
    "exists": lambda rounds, body: _quantified(rounds, body, True),
    "exists_one": lambda rounds, body: sum(body() is True for _ in rounds) == 1,
    "map": lambda rounds, body: [body() for _ in rounds],
    "filter": lambda rounds, body: [values[0] for values in rounds if body() is True],
    "transformList": lambda rounds, body: [body() for _ in rounds],
    "transformMap": lambda rounds, body: {values[0]: body() for values in rounds},
}
