"""Evaluates the CEL rules of a custom resource.

Source: Validator of k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go. A rule is ratcheted: what
failed before, and was not touched, is no fault of an update.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from backend.meta import causes
from backend.meta.cel import CompileError, EvaluationError
from backend.meta.cel import compile as compile_cel
from backend.meta.cel.interpreter import COST_LIMIT, Budget
from backend.meta.cel.program import Program
from backend.meta.cel.values import NONE, Optional
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.apiextensions.rule_compilation import variables
from backend.resources.apiextensions.rule_types import value_of, with_meta
from backend.resources.apiextensions.structural import (
    EMBEDDED,
    LIST_MAP_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    VALIDATIONS,
)

_MESSAGE_BYTES = 5 * 1024
_OBJECT_COST_LIMIT = 5 * COST_LIMIT
"""Steps for all rules of one object; see COST_LIMIT. Source: RuntimeCELCostBudget."""
_NONE = object()
_TOKEN = re.compile(r"\.(?P<name>[^.\[\]']+)|\['(?P<key>(?:[^'\\]|\\.)*)'\]")


class FieldPathError(ValueError):
    """What is wrong with a rule's fieldPath."""


def field_path(text: str, schema: Obj) -> str:
    """A rule's fieldPath as it is appended to a cause's field. Raises FieldPathError."""
    position, found = 0, ""
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FieldPathError(f"expected [ or . but got: {text[position:]}")
        key = match["name"] if match["name"] is not None else re.sub(r"\\(.)", r"\1", match["key"])
        properties, rest = schema.get("properties"), schema.get("additionalProperties")
        if properties and key in properties:
            schema, found = properties[key], f"{found}.{key}"
        elif not properties and isinstance(rest, dict):
            schema, found = rest, f"{found}[{key}]"
        else:
            raise FieldPathError("does not refer to a valid field")
        position = match.end()
    return found


@dataclass(slots=True)
class _Rule:
    """One rule; `fault` is why it could not be compiled."""

    declared: Obj
    program: Program | None
    message: Program | None
    where: str
    fault: str = ""

    @property
    def text(self) -> str:
        """How faults name the rule."""
        return ((self.declared.get("message") or "") or self.declared["rule"]).strip()


@dataclass(slots=True)
class _Node:
    """A part of the schema that has rules, or whose parts have."""

    schema: Obj
    resource: bool
    rules: list[_Rule]
    items: _Node | None = None
    rest: _Node | None = None
    properties: dict[str, _Node] = field(default_factory=dict)


class Rules:
    """All rules of one schema, compiled."""

    def __init__(self, schema: Obj) -> None:
        self._root = _node(schema, resource=True)

    def evaluate(self, obj: Obj, old: Obj | None) -> list[Cause]:
        """The faults of an object, or of a change. Values that are not valid by the schema must not get here."""
        if self._root is None:
            return []
        budget = Budget(_OBJECT_COST_LIMIT)
        return list(_evaluate(self._root, obj, old if old is not None else _NONE, "", budget))


def _node(schema: Obj, *, resource: bool) -> _Node | None:
    node = _Node(schema, resource, [])
    for rule in schema.get(VALIDATIONS) or ():
        node.rules.append(_compiled(rule, schema, resource=resource))
    if isinstance(schema.get("items"), dict):
        node.items = _node(schema["items"], resource=bool(schema["items"].get(EMBEDDED)))
    if isinstance(schema.get("additionalProperties"), dict):
        rest = schema["additionalProperties"]
        node.rest = _node(rest, resource=bool(rest.get(EMBEDDED)))
    for name, inner in (schema.get("properties") or {}).items():
        own = _node(inner, resource=bool(inner.get(EMBEDDED)))
        if own is not None:
            node.properties[name] = own
    return node if node.rules or node.items or node.rest or node.properties else None


def _compiled(rule: Obj, schema: Obj, *, resource: bool) -> _Rule:
    try:
        names = variables(schema, resource=resource, optional_old=bool(rule.get("optionalOldSelf"))) or {}
        program = compile_cel(rule["rule"], names)
        text = rule.get("messageExpression")
        message = compile_cel(text, names) if text else None
        where = field_path(rule["fieldPath"], schema) if rule.get("fieldPath") else ""
    except (CompileError, FieldPathError) as error:
        return _Rule(rule, None, None, "", str(error))
    return _Rule(rule, program, message, where)


def _evaluate(node: _Node, value: Any, old: Any, path: str, budget: Budget) -> Iterator[Cause]:
    if value is None:
        return
    if node.rules:
        yield from _evaluate_rules(node, value, old, path, budget)
    if isinstance(value, list) and node.items is not None:
        before = _old_items(node.schema, old)
        for index, item in enumerate(value):
            previous = before.get(_item_key(node.schema, item), _NONE) if before is not None else _NONE
            yield from _evaluate(node.items, item, previous, f"{path}[{index}]", budget)
    elif isinstance(value, dict):
        known = old if isinstance(old, dict) and node.schema.get(MAP_TYPE) != "atomic" else {}
        for key, item in value.items():
            own = node.properties.get(key)
            if own is not None:
                where = f"{path}.{key}" if path else key
                yield from _evaluate(own, item, known.get(key, _NONE), where, budget)
            elif node.rest is not None and key not in (node.schema.get("properties") or {}):
                yield from _evaluate(node.rest, item, known.get(key, _NONE), f"{path}[{key}]", budget)


def _old_items(schema: Obj, old: Any) -> dict[Any, Any] | None:
    """The items of a map by their keys: only they have an old value each."""
    if schema.get(LIST_TYPE) != "map" or not isinstance(old, list):
        return None
    return {_item_key(schema, item): item for item in old}


def _item_key(schema: Obj, item: Any) -> Any:
    if schema.get(LIST_TYPE) != "map" or not isinstance(item, dict):
        return None
    return tuple(str(item.get(key)) for key in schema.get(LIST_MAP_KEYS) or ())


def _evaluate_rules(node: _Node, value: Any, old: Any, path: str, budget: Budget) -> Iterator[Cause]:
    schema = with_meta(node.schema) if node.resource else node.schema
    own = value_of(value, schema)
    has_old = old is not _NONE and old is not None
    own_old = value_of(old, schema) if has_old else None
    kind = node.schema.get("type") or ""
    for rule in node.rules:
        if rule.program is None:
            yield causes.invalid_value(_root(path), kind, f"rule compile error: {rule.fault}")
            continue
        uses_old = "oldSelf" in rule.program.names
        optional = bool(rule.declared.get("optionalOldSelf"))
        if uses_old and not has_old and not optional:
            continue
        names: dict[str, Any] = {"self": own}
        if optional:
            names["oldSelf"] = Optional(True, own_old) if has_old else NONE
        elif has_old:
            names["oldSelf"] = own_old
        fault = _fault(rule, names, path, kind, budget)
        if fault is not None and not (has_old and not uses_old and value == old):
            yield fault


def _fault(rule: _Rule, names: dict[str, Any], path: str, kind: str, budget: Budget) -> Cause | None:
    assert rule.program is not None
    if budget.left <= 0:
        text = "validation failed due to running out of cost budget, no further validation rules will be run"
        return causes.invalid_value(_root(path), kind, text)
    try:
        if rule.program.evaluate(names, budget) is True:
            return None
    except EvaluationError as error:
        return causes.invalid_value(_root(path), kind, _failure(str(error), rule.text))
    message = _message(rule, names) or (rule.declared.get("message") or "").strip()
    return _cause(rule, f"{path}{rule.where}", kind, message or f"failed rule: {rule.declared['rule'].strip()}")


def _failure(error: str, rule: str) -> str:
    if error.startswith("no such overload"):
        text = "call arguments did not match a supported operator, function or macro signature for rule"
        return f"'{error}': {text}: {rule}"
    if error.startswith("operation cancelled"):
        return (
            f"'{error}': no further validation rules will be run due to call cost exceeds limit for rule: {rule}"
        )
    return f"{error} evaluating rule: {rule}"


def _message(rule: _Rule, names: dict[str, Any]) -> str:
    """What messageExpression gives, unless it gives nothing that can be told."""
    if rule.message is None:
        return ""
    try:
        text = rule.message.evaluate(names)
    except EvaluationError:
        return ""
    text = text.strip() if isinstance(text, str) else ""
    return "" if "\n" in text or len(text) > _MESSAGE_BYTES else text


def _cause(rule: _Rule, path: str, kind: str, message: str) -> Cause:
    path = _root(path)
    reason = rule.declared.get("reason")
    if reason == "FieldValueForbidden":
        return causes.forbidden(path, message)
    if reason == "FieldValueRequired":
        return causes.required(path, message)
    if reason == "FieldValueDuplicate":
        return causes.duplicate(path, kind)
    return causes.invalid_value(path, kind, message)


def _root(path: str) -> str:
    """The path of the whole object is printed as Go prints a nil one."""
    return path.removeprefix(".") or "<nil>"
