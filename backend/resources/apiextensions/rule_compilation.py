"""Checks the CEL rules of a CustomResourceDefinition when it is written.

Source: ValidateCustomResourceDefinitionOpenAPISchema of
k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation, and Compile of pkg/apiserver/schema/cel. The cost of a
rule is not estimated: what takes too long fails when it is evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from backend.meta import causes
from backend.meta.cel import CompileError
from backend.meta.cel import compile as compile_cel
from backend.meta.cel.types import Type
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.apiextensions.rule_types import type_of
from backend.resources.apiextensions.structural import EMBEDDED, LIST_TYPE, MAP_TYPE, VALIDATIONS

_REASONS = ("FieldValueForbidden", "FieldValueInvalid", "FieldValueDuplicate", "FieldValueRequired")
_MESSAGE_BYTES = 2048


def variables(schema: Obj, *, resource: bool, optional_old: bool) -> dict[str, Type] | None:
    """What a rule of this schema can name."""
    own = type_of(schema, resource=resource)
    if own is None:
        return None
    return {"self": own, "oldSelf": Type("optional_type", (own,)) if optional_old else own}


def validate_rules(schema: Obj, path: str) -> list[Cause]:
    """The faults of all rules in a root schema."""
    return _validate(schema, path, resource=True, correlatable="")


def _validate(schema: Obj, path: str, *, resource: bool, correlatable: str) -> list[Cause]:
    """`correlatable` is the path below which old values cannot be told from new ones; "" while they can."""
    found: list[Cause] = []
    for index, rule in enumerate(schema.get(VALIDATIONS) or ()):
        where = f"{path}.{VALIDATIONS}[{index}]"
        found += _validate_rule(rule, schema, where, resource=resource, uncorrelatable=correlatable)
    for where, inner, lost in _inner(schema, path):
        embedded = bool(inner.get(EMBEDDED))
        found += _validate(inner, where, resource=embedded, correlatable=correlatable or lost)
    return found


def _inner(schema: Obj, path: str) -> Iterator[tuple[str, Obj, str]]:
    """(path, schema, the path at which the correlation of old and new values ends, if it does)"""
    atomic = path if schema.get(MAP_TYPE) == "atomic" else ""
    if isinstance(schema.get("additionalProperties"), dict):
        yield f"{path}.additionalProperties", schema["additionalProperties"], atomic
    for name, inner in sorted((schema.get("properties") or {}).items()):
        yield f"{path}.properties[{name}]", inner, atomic
    if isinstance(schema.get("items"), dict):
        yield f"{path}.items", schema["items"], "" if schema.get(LIST_TYPE) == "map" else path


def _invalid(path: str, rule: Obj, detail: str) -> Cause:
    """kube-apiserver shows a rule by the fields of its internal type, in their order."""
    shown = {
        "Rule": rule.get("rule") or "", "Message": rule.get("message") or "",
        "MessageExpression": rule.get("messageExpression") or "", "Reason": rule.get("reason"),
        "FieldPath": rule.get("fieldPath") or "", "OptionalOldSelf": rule.get("optionalOldSelf"),
    }  # fmt: skip
    return Cause("FieldValueInvalid", path, f"Invalid value: {orjson.dumps(shown).decode()}: {detail}")


def _validate_rule(rule: Any, schema: Obj, path: str, *, resource: bool, uncorrelatable: str) -> list[Cause]:
    if not isinstance(rule, dict) or not isinstance(rule.get("rule", ""), str):
        return [causes.invalid_value(path, rule, "must be a validation rule")]
    if not (rule.get("rule") or "").strip():
        return [causes.required(f"{path}.rule", "rule is not specified")]
    found = _validate_message(rule, path)
    names = variables(schema, resource=resource, optional_old=bool(rule.get("optionalOldSelf")))
    if names is None:
        text = "compilation failed: rules cannot be on a field of which no type is known"
        return [*found, _invalid(f"{path}.rule", rule, text)]
    found += _compile(rule, names, path, uncorrelatable)
    if rule.get("reason") and rule["reason"] not in _REASONS:
        found.append(causes.not_supported(f"{path}.reason", rule["reason"], sorted(_REASONS)))
    if rule.get("fieldPath"):
        found += _validate_field_path(rule["fieldPath"], schema, f"{path}.fieldPath")
    return found


def _validate_message(rule: Obj, path: str) -> list[Cause]:
    message = rule.get("message") or ""
    found: list[Cause] = []
    if message and not message.strip():
        text = "message must be non-empty if specified"
        found.append(causes.invalid_value(f"{path}.message", message, text))
    elif "\n" in message.strip():
        found.append(causes.invalid_value(f"{path}.message", message, "message must not contain line breaks"))
    elif len(message) > _MESSAGE_BYTES:
        text = f"message must have a maximum length of {_MESSAGE_BYTES} characters"
        found.append(causes.invalid_value(f"{path}.message", message[:10] + "...", text))
    expression = rule.get("messageExpression") or ""
    if expression and not expression.strip():
        text = "messageExpression must be non-empty if specified"
        found.append(causes.required(f"{path}.messageExpression", text))
    return found


def _compile(rule: Obj, names: dict[str, Type], path: str, uncorrelatable: str) -> list[Cause]:
    try:
        program = compile_cel(rule["rule"], names)
    except CompileError as error:
        text = f"compilation failed: {error}"
        return [_invalid(f"{path}.rule", rule, text)]
    found: list[Cause] = []
    if program.type.name not in ("bool", "dyn"):
        text = "cel expression must evaluate to a bool"
        found.append(_invalid(f"{path}.rule", rule, text))
    uses_old = "oldSelf" in program.names
    if uses_old and uncorrelatable:
        text = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelatable}"
        found.append(causes.invalid_value(f"{path}.rule", rule["rule"], text))
    if rule.get("optionalOldSelf") is not None and not uses_old:
        text = "may not be set if oldSelf is not used in rule"
        found.append(causes.invalid_value(f"{path}.optionalOldSelf", rule["optionalOldSelf"], text))
    return [*found, *_compile_message(rule, names, path)]


def _compile_message(rule: Obj, names: dict[str, Type], path: str) -> list[Cause]:
    expression = rule.get("messageExpression") or ""
    if not expression.strip():
        return []
    try:
        program = compile_cel(expression, names)
    except CompileError as error:
        text = f"messageExpression compilation failed: {error}"
        return [_invalid(f"{path}.messageExpression", rule, text)]
    if program.type.name not in ("string", "dyn"):
        text = "messageExpression must evaluate to a string"
        return [_invalid(f"{path}.messageExpression", rule, text)]
    return []


def _validate_field_path(text: str, schema: Obj, path: str) -> list[Cause]:
    from backend.resources.apiextensions.rules import FieldPathError, field_path

    if not text.strip():
        return [causes.invalid_value(path, text, "fieldPath must be non-empty if specified")]
    if "\n" in text:
        return [causes.invalid_value(path, text, "fieldPath must not contain line breaks")]
    try:
        field_path(text, schema)
    except FieldPathError as error:
        return [causes.invalid_value(path, text, f"fieldPath must be a valid path: {error}")]
    return []
