"""The rules of webhook configurations. Source: pkg/apis/admissionregistration/validation/validation.go."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.label_selector import validate_label_selector
from backend.meta.types import Obj
from backend.resources.admissionregistration.rule_validation import (
    not_in,
    validate_client,
    validate_match_conditions,
    validate_rule,
)

_FAILURE_POLICIES = ("Fail", "Ignore")
_MATCH_POLICIES = ("Equivalent", "Exact")
_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_REINVOCATION_POLICIES = ("IfNeeded", "Never")
_REVIEW_VERSIONS = ("v1", "v1beta1")


def validate_validating(configuration: Obj) -> Sequence[Cause]:
    return _validate(configuration, mutating=False)


def validate_validating_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    return _validate(new, mutating=False)


def validate_mutating(configuration: Obj) -> Sequence[Cause]:
    return _validate(configuration, mutating=True)


def validate_mutating_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    return _validate(new, mutating=True)


def _validate(configuration: Obj, *, mutating: bool) -> Sequence[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for index, webhook in enumerate(configuration.get("webhooks") or ()):
        path, name = f"webhooks[{index}]", webhook.get("name") or ""
        found += _validate_webhook(webhook, path, mutating=mutating)
        versions = webhook.get("admissionReviewVersions") or []
        found += _validate_review_versions(versions, f"{path}.admissionReviewVersions")
        if name and name in seen:
            found.append(causes.duplicate(f"{path}.name", name))
        seen.add(name)
    return found


def _validate_webhook(webhook: Obj, path: str, *, mutating: bool) -> list[Cause]:
    found = _validate_name(webhook.get("name") or "", f"{path}.name")
    for index, rule in enumerate(webhook.get("rules") or ()):
        found += validate_rule(rule, f"{path}.rules[{index}]")
    found += not_in(webhook["failurePolicy"], _FAILURE_POLICIES, f"{path}.failurePolicy")
    found += not_in(webhook["matchPolicy"], _MATCH_POLICIES, f"{path}.matchPolicy")
    effects = webhook.get("sideEffects")
    if effects is None:
        text = f"must specify one of {', '.join(_SIDE_EFFECTS)}"
        found.append(causes.required(f"{path}.sideEffects", text))
    found += not_in(effects, _SIDE_EFFECTS, f"{path}.sideEffects")
    seconds = webhook["timeoutSeconds"]
    if not 1 <= seconds <= 30:
        text = "the timeout value must be between 1 and 30 seconds"
        found.append(causes.invalid_value(f"{path}.timeoutSeconds", seconds, text))
    for name in ("namespaceSelector", "objectSelector"):
        found += validate_label_selector(webhook[name], f"{path}.{name}")
    if mutating:
        policy = webhook["reinvocationPolicy"]
        found += not_in(policy, _REINVOCATION_POLICIES, f"{path}.reinvocationPolicy")
    found += validate_client(webhook["clientConfig"], f"{path}.clientConfig")
    conditions = webhook.get("matchConditions") or ()
    return found + validate_match_conditions(conditions, f"{path}.matchConditions")


def _validate_name(name: str, path: str) -> list[Cause]:
    """Source: IsFullyQualifiedName."""
    if not name:
        return [causes.required(path)]
    faults = names.dns1123_subdomain(name)
    if faults:
        return [causes.invalid_value(path, name, ",".join(faults))]
    if name.count(".") < 2:
        text = "should be a domain with at least three segments separated by dots"
        return [causes.invalid_value(path, name, text)]
    return []


def _validate_review_versions(versions: list[str], path: str) -> list[Cause]:
    accepted = ", ".join(_REVIEW_VERSIONS)
    if not versions:
        return [causes.required(path, f"must specify one of {accepted}")]
    found: list[Cause] = []
    seen: set[str] = set()
    for index, version in enumerate(versions):
        where = f"{path}[{index}]"
        if version in seen:
            found.append(causes.invalid_value(where, version, "duplicate version"))
            continue
        seen.add(version)
        found += causes.each_invalid(where, version, names.dns1035_label(version))
    if not seen & set(_REVIEW_VERSIONS):
        found.append(causes.invalid_value(path, versions, f"must include at least one of {accepted}"))
    return found
