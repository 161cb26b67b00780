"""The rules of admission policies and their bindings.

Source: pkg/apis/admissionregistration/validation/validation.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from backend.meta import causes, names
from backend.meta.cel.types import DYN, Type
from backend.meta.errors import Cause
from backend.meta.label_selector import validate_label_selector
from backend.meta.types import Obj
from backend.resources.admissionregistration.expressions import check, validate_condition, variables_type
from backend.resources.admissionregistration.rule_validation import (
    not_in,
    validate_match_conditions,
    validate_rule,
)

_FAILURE_POLICIES = ("Fail", "Ignore")
_MATCH_POLICIES = ("Equivalent", "Exact")
_REINVOCATION_POLICIES = ("IfNeeded", "Never")
_PATCH_TYPES = ("ApplyConfiguration", "JSONPatch")
_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
_ACTIONS = ("Audit", "Deny", "Warn")
_NOT_FOUND_ACTIONS = ("Deny", "Allow")
_MAX_AUDIT_ANNOTATIONS = 20
_MAX_VALUE_EXPRESSION = 5 * 1024
_IDENTIFIER = re.compile("[_a-zA-Z][_a-zA-Z0-9]*").fullmatch
_RESERVED = frozenset(
    {"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
     "let", "loop", "package", "namespace", "return", "var", "void", "while"}
)  # fmt: skip


def validate_validating(policy: Obj) -> Sequence[Cause]:
    spec = policy["spec"]
    found = _validate_common(spec)
    faults, variables = _validate_variables(spec)
    found += faults
    validations, annotations = spec.get("validations") or [], spec.get("auditAnnotations") or []
    if not validations and not annotations:
        text = "validations or auditAnnotations must contain at least one item"
        return [
            *found,
            causes.required("spec.validations", text),
            causes.required("spec.auditAnnotations", text),
        ]
    for index, validation in enumerate(validations):
        found += _validate_validation(validation, f"spec.validations[{index}]", variables)
    return found + _validate_annotations(policy["metadata"].get("name") or "", annotations)


def validate_validating_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    return validate_validating(new)


def validate_mutating(policy: Obj) -> Sequence[Cause]:
    spec = policy["spec"]
    found = _validate_common(spec)
    reinvocation = spec.get("reinvocationPolicy")
    if not reinvocation:
        found.append(causes.required("spec.reinvocationPolicy"))
    else:
        found += not_in(reinvocation, _REINVOCATION_POLICIES, "spec.reinvocationPolicy")
    found += _validate_variables(spec)[0]
    mutations = spec.get("mutations") or []
    if not mutations:
        found.append(causes.required("spec.mutations", "mutations must contain at least one item"))
    for index, mutation in enumerate(mutations):
        found += _validate_mutation(mutation, f"spec.mutations[{index}]")
    return found


def validate_mutating_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    return validate_mutating(new)


def validate_status_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    warnings = ((new.get("status") or {}).get("typeChecking") or {}).get("expressionWarnings") or ()
    found = []
    for index, warning in enumerate(warnings):
        path = f"status.typeChecking.expressionWarnings[{index}]"
        found += [causes.required(f"{path}.{name}") for name in ("warning", "fieldRef") if not warning.get(name)]
    return found


def validate_validating_binding(binding: Obj) -> Sequence[Cause]:
    spec = binding["spec"]
    # Kubernetes spells this path so.
    found = _validate_binding(spec, "spec.matchResouces")
    actions = spec.get("validationActions") or []
    path = "spec.validationActions"
    for index, action in enumerate(actions):
        found += not_in(action, _ACTIONS, f"{path}[{index}]")
        if action in actions[:index]:
            found.append(causes.duplicate(f"{path}[{index}]", action))
    if "Deny" in actions and "Warn" in actions:
        text = (
            "must not contain both Deny and Warn (repeating the same validation failure information in the API"
            " response and headers serves no purpose)"
        )
        found.append(causes.invalid_value(path, actions, text))
    if not actions:
        found.append(causes.required(path, "at least one validation action is required"))
    return found


def validate_validating_binding_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    return validate_validating_binding(new)


def validate_mutating_binding(binding: Obj) -> Sequence[Cause]:
    return _validate_binding(binding["spec"], "spec.matchResouces")


def validate_mutating_binding_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    return validate_mutating_binding(new)


def _validate_common(spec: Obj) -> list[Cause]:
    found = not_in(spec["failurePolicy"], _FAILURE_POLICIES, "spec.failurePolicy")
    if spec.get("paramKind") is not None:
        found += _validate_param_kind(spec["paramKind"], "spec.paramKind")
    constraints = spec.get("matchConstraints")
    if constraints is None:
        found.append(causes.required("spec.matchConstraints"))
    else:
        found += _validate_match(constraints, "spec.matchConstraints")
        if not constraints.get("resourceRules"):
            found.append(causes.required("spec.matchConstraints.resourceRules"))
    conditions, params = spec.get("matchConditions") or (), _params(spec)
    return found + validate_match_conditions(conditions, "spec.matchConditions", params)


def _params(spec: Obj) -> dict[str, Type]:
    """What expressions can name if the policy takes parameters."""
    return {"params": DYN} if spec.get("paramKind") is not None else {}


def _validate_param_kind(kind: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    api_version, name = kind.get("apiVersion") or "", kind.get("kind") or ""
    where = f"{path}.apiVersion"
    group, slash, version = api_version.rpartition("/")
    if not api_version:
        found.append(causes.required(where))
    elif api_version.count("/") > 1:
        text = f"unexpected GroupVersion string: {api_version}"
        found.append(causes.invalid_value(where, api_version, text))
    else:
        group_faults = names.dns1123_subdomain(group) if slash and group else []
        if group_faults:
            found.append(causes.invalid_value(where, group, ",".join(group_faults)))
        if not version:
            found.append(causes.invalid_value(where, api_version, "version must be specified"))
        elif faults := names.dns1035_label(version):
            found.append(causes.invalid_value(where, version, ",".join(faults)))
    if not name:
        found.append(causes.required(f"{path}.kind"))
    elif faults := names.dns1035_label(name.lower()):
        text = f"may have mixed case, but should otherwise match: {','.join(faults)}"
        found.append(causes.invalid_value(f"{path}.kind", name, text))
    return found


def _validate_match(resources: Obj, path: str) -> list[Cause]:
    found = not_in(resources["matchPolicy"], _MATCH_POLICIES, f"{path}.matchPolicy")
    for name in ("namespaceSelector", "objectSelector"):
        found += validate_label_selector(resources[name], f"{path}.{name}")
    for name in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(resources.get(name) or ()):
            found += _validate_named_rule(rule, f"{path}.{name}[{index}]")
    return found


def _validate_named_rule(rule: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for index, name in enumerate(rule.get("resourceNames") or ()):
        where = f"{path}.resourceNames[{index}]"
        found += causes.each_invalid(where, name, names.path_segment(name))
        if name in seen:
            found.append(causes.duplicate(where, name))
        seen.add(name)
    return found + validate_rule(rule, path)


def _validate_variables(spec: Obj) -> tuple[list[Cause], dict[str, Type] | None]:
    """The faults of a policy's variables, and what its expressions can name: None if their types cannot be told.

    A variable can name those before it.
    """
    found: list[Cause] = []
    types: dict[str, Type] = {}
    known: dict[str, Type] | None = _params(spec)
    for index, variable in enumerate(spec.get("variables") or ()):
        path, name = f"spec.variables[{index}]", variable.get("name") or ""
        if not name.strip():
            found.append(causes.required(f"{path}.name", "name is not specified"))
        elif not _IDENTIFIER(name) or name in _RESERVED:
            found.append(causes.invalid_value(f"{path}.name", name, "name is not a valid CEL identifier"))
        expression, type_ = variable.get("expression") or "", None
        if not expression.strip():
            found.append(causes.required(f"{path}.expression", "expression is not specified"))
        elif known is not None:
            faults, type_ = check(expression, f"{path}.expression", known)
            found += faults
        if type_ is None or known is None:
            known = None
            continue
        types[name] = type_
        known = {**known, "variables": variables_type(types)}
    return found, known


def _validate_validation(validation: Obj, path: str, variables: Mapping[str, Type] | None) -> list[Cause]:
    found: list[Cause] = []
    expression = validation.get("expression") or ""
    if not expression.strip():
        found.append(causes.required(f"{path}.expression", "expression is not specified"))
    elif variables is not None:
        found += validate_condition(expression, f"{path}.expression", variables)
    texts = validation.get("messageExpression") or ""
    if texts and not texts.strip():
        found.append(causes.invalid_value(f"{path}.messageExpression", texts, "must be non-empty if specified"))
    message = validation.get("message") or ""
    if message and not message.strip():
        text = "message must be non-empty if specified"
        found.append(causes.invalid_value(f"{path}.message", message, text))
    elif "\n" in message.strip() or "\r" in message.strip():
        found.append(causes.invalid_value(f"{path}.message", message, "message must not contain line breaks"))
    return found + not_in(validation.get("reason"), _REASONS, f"{path}.reason")


def _validate_mutation(mutation: Obj, path: str) -> list[Cause]:
    kind = mutation.get("patchType") or ""
    if not kind:
        return [causes.required(f"{path}.patchType")]
    if kind not in _PATCH_TYPES:
        return [causes.not_supported(f"{path}.patchType", kind, _PATCH_TYPES)]
    found = []
    for other in _PATCH_TYPES:
        field = other[:1].lower() + other[1:] if other == "ApplyConfiguration" else "jsonPatch"
        given = mutation.get(field)
        if other != kind and given is not None:
            text = f"must not be set when patchType is {kind}"
            found.append(causes.forbidden(f"{path}.{field}", text))
        elif other == kind and given is None:
            text = f"must be set when patchType is {kind}"
            found.append(causes.required(f"{path}.{field}", text))
        elif given is not None and not (given.get("expression") or "").strip():
            found.append(causes.required(f"{path}.{field}.expression", "expression is not specified"))
    return found


def _validate_annotations(policy: str, annotations: list[Obj]) -> list[Cause]:
    found: list[Cause] = []
    base = "spec.auditAnnotations"
    if len(annotations) > _MAX_AUDIT_ANNOTATIONS:
        text = f"must not have more than {_MAX_AUDIT_ANNOTATIONS} auditAnnotations"
        found.append(causes.invalid_value(base, annotations, text))
    seen: set[str] = set()
    for index, annotation in enumerate(annotations):
        path, key = f"{base}[{index}]", annotation.get("key") or ""
        if policy:
            whole = f"{policy}/{key}"
            found += causes.each_invalid(f"{path}.key", whole, names.qualified_name(whole))
        else:
            found.append(causes.invalid_value(f"{path}.key", key, "requires metadata.name be non-empty"))
        expression = (annotation.get("valueExpression") or "").strip()
        if not expression:
            found.append(causes.required(f"{path}.valueExpression", "valueExpression is not specified"))
        elif len(expression) > _MAX_VALUE_EXPRESSION:
            text = f"must not exceed {_MAX_VALUE_EXPRESSION} bytes in length"
            found.append(causes.required(f"{path}.valueExpression", text))
        if key in seen:
            found.append(causes.duplicate(f"{path}.key", key))
        seen.add(key)
    return found


def _validate_binding(spec: Obj, match_path: str) -> list[Cause]:
    name = spec.get("policyName") or ""
    if name:
        found = causes.each_invalid("spec.policyName", name, names.dns1123_subdomain(name))
    else:
        found = [causes.required("spec.policyName")]
    if spec.get("paramRef") is not None:
        found += _validate_param_ref(spec["paramRef"], "spec.paramRef")
    if spec.get("matchResources") is not None:
        found += _validate_match(spec["matchResources"], match_path)
    return found


def _validate_param_ref(reference: Obj, path: str) -> list[Cause]:
    name, selector = reference.get("name") or "", reference.get("selector")
    exclusive = "name and selector are mutually exclusive"
    found = []
    if name:
        found += causes.each_invalid(f"{path}.name", name, names.path_segment(name))
        if selector is not None:
            found.append(causes.forbidden(f"{path}.name", exclusive))
    if selector is not None:
        found += validate_label_selector(selector, f"{path}.selector")
        if name:
            found.append(causes.forbidden(f"{path}.selector", exclusive))
    if not name and selector is None:
        found.append(causes.required(path, "one of name or selector must be specified"))
    action = reference.get("parameterNotFoundAction")
    if not action:
        found.append(causes.required(f"{path}.parameterNotFoundAction"))
    else:
        found += not_in(action, _NOT_FOUND_ACTIONS, f"{path}.parameterNotFoundAction")
    return found
