"""Rules of FlowSchema. Source: pkg/apis/flowcontrol/validation/validation.go."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.flowcontrol.bootstrap import MANDATORY_FLOW_SCHEMAS
from backend.resources.flowcontrol.condition_rules import validate_conditions

_MAX_PRECEDENCE = 10_000
_METHODS = ("ByNamespace", "ByUser")
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
_NAMESPACE = "each member of this list must be '*' or a DNS-1123 label; "


def validate(schema: Obj) -> Sequence[Cause]:
    name, spec = schema["metadata"].get("name", ""), schema["spec"]
    found = _validate_spec(name, spec)
    fixed = MANDATORY_FLOW_SCHEMAS.get(name)
    if fixed is not None and spec != fixed:
        found.append(causes.invalid_value("spec", spec, f"spec of '{name}' must equal the fixed value"))
    return found + validate_conditions(schema)


def validate_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    return validate(new)


def validate_status_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    return validate_conditions(new)


def _validate_spec(name: str, spec: Obj) -> list[Cause]:
    found: list[Cause] = []
    precedence, path = spec.get("matchingPrecedence", 0), "spec.matchingPrecedence"
    if precedence <= 0:
        found.append(causes.invalid_value(path, precedence, "must be a positive value"))
    if precedence > _MAX_PRECEDENCE:
        found.append(causes.invalid_value(path, precedence, f"must not be greater than {_MAX_PRECEDENCE}"))
    if precedence == 1 and name != "exempt":
        detail = "only the schema named 'exempt' may have matchingPrecedence 1"
        found.append(causes.invalid_value(path, precedence, detail))
    method = spec.get("distinguisherMethod")
    if method is not None and method.get("type") not in _METHODS:
        found.append(causes.not_supported("spec.distinguisherMethod.type", method, _METHODS))
    level, path = spec["priorityLevelConfiguration"].get("name", ""), "spec.priorityLevelConfiguration.name"
    if level:
        found += causes.each_invalid(path, level, names.dns1123_subdomain(level))
    else:
        found.append(causes.required(path, "must reference a priority level"))
    for index, rule in enumerate(spec.get("rules") or ()):
        found += _validate_rule(rule, f"spec.rules[{index}]")
    return found


def _validate_rule(rule: Obj, path: str) -> list[Cause]:
    subjects, resources = rule.get("subjects") or (), rule.get("resourceRules") or ()
    others = rule.get("nonResourceRules") or ()
    found: list[Cause] = []
    for index, subject in enumerate(subjects):
        found += _validate_subject(subject, f"{path}.subjects[{index}]")
    if not subjects:
        found.append(causes.required(f"{path}.subjects", "subjects must contain at least one value"))
    if not resources and not others:
        detail = "at least one of resourceRules and nonResourceRules has to be non-empty"
        found.append(causes.required(path, detail))
    for index, resource in enumerate(resources):
        found += _validate_resource_rule(resource, f"{path}.resourceRules[{index}]")
    for index, other in enumerate(others):
        found += _validate_non_resource_rule(other, f"{path}.nonResourceRules[{index}]")
    return found


def _validate_subject(subject: Obj, path: str) -> list[Cause]:
    kind = subject.get("kind", "")
    field = _SUBJECTS.get(kind)
    if field is None:
        return [causes.not_supported(f"{path}.kind", kind, tuple(_SUBJECTS))]
    found = _validate_named(kind, subject.get(field), f"{path}.{field}")
    # kube-apiserver looks at the other kinds in this order.
    for other in ("ServiceAccount", "User", "Group"):
        name = _SUBJECTS[other]
        if other != kind and subject.get(name) is not None:
            detail = f"{name} is forbidden when subject kind is not '{other}'"
            found.append(causes.forbidden(f"{path}.{name}", detail))
    return found


def _validate_named(kind: str, subject: Obj | None, path: str) -> list[Cause]:
    if subject is None:
        return [causes.required(path, f"{_SUBJECTS[kind]} is required when subject kind is '{kind}'")]
    name, found = subject.get("name", ""), []
    if not name:
        found.append(causes.required(f"{path}.name"))
    if kind != "ServiceAccount":
        return found
    if name and name != "*":
        found += causes.each_invalid(f"{path}.name", name, names.dns1123_subdomain(name))
    namespace = subject.get("namespace", "")
    if namespace:
        found += causes.each_invalid(f"{path}.namespace", namespace, names.dns1123_label(namespace))
    else:
        found.append(causes.required(f"{path}.namespace", "must specify namespace for service account"))
    return found


def _validate_non_resource_rule(rule: Obj, path: str) -> list[Cause]:
    urls, path_of_urls = rule.get("nonResourceURLs") or [], f"{path}.nonResourceURLs"
    found = _validate_verbs(rule.get("verbs") or [], f"{path}.verbs")
    found += _validate_some(urls, path_of_urls, "nonResourceURLs must contain at least one value")
    found += _validate_alone(urls, path_of_urls, "non-resource URLs")
    if "*" not in urls:
        for index, url in enumerate(urls):
            found += _validate_url(url, f"{path_of_urls}[{index}]")
    return found


def _validate_resource_rule(rule: Obj, path: str) -> list[Cause]:
    found = _validate_verbs(rule.get("verbs") or [], f"{path}.verbs")
    for field, one, many in (("apiGroups", "api group", "api groups"), ("resources", "resource", "resources")):
        values: list[str] = rule.get(field) or []
        found += _validate_some(values, f"{path}.{field}", f"resource rules must supply at least one {one}")
        found += _validate_alone(values, f"{path}.{field}", many)
    namespaces, path = rule.get("namespaces") or [], f"{path}.namespaces"
    if not namespaces and not rule.get("clusterScope"):
        detail = "resource rules that are not cluster scoped must supply at least one namespace"
        return [*found, causes.required(path, detail)]
    found += _validate_alone(namespaces, path, "namespaces")
    if "*" not in namespaces:
        for index, name in enumerate(namespaces):
            faults = [_NAMESPACE + fault for fault in names.dns1123_label(name)]
            found += causes.each_invalid(f"{path}[{index}]", name, faults)
    return found


def _validate_verbs(verbs: list[str], path: str) -> list[Cause]:
    found = _validate_some(verbs, path, "verbs must contain at least one value")
    found += _validate_alone(verbs, path, "verbs")
    if "*" not in verbs and not set(verbs) <= set(_VERBS):
        found.append(causes.not_supported(path, verbs, _VERBS))
    return found


def _validate_some(values: list[str], path: str, detail: str) -> list[Cause]:
    return [] if values else [causes.required(path, detail)]


def _validate_alone(values: list[str], path: str, others: str) -> list[Cause]:
    if "*" not in values or len(values) == 1:
        return []
    return [causes.invalid_value(path, values, f"if '*' is present, must not specify other {others}")]


def _validate_url(url: str, path: str) -> list[Cause]:
    if url == "/":
        return []
    rules: tuple[tuple[Callable[[str], bool], str], ...] = (
        (lambda text: not text, "must not be empty"),
        (lambda text: not text.startswith("/"), "must start with slash"),
        (lambda text: " " in text, "must not contain white-space"),
        (lambda text: "//" in text, "must not contain double slash"),
        (_misplaced_wildcard, "wildcard can only do suffix matching"),
    )
    return next(([causes.invalid_value(path, url, detail)] for wrong, detail in rules if wrong(url)), [])


def _misplaced_wildcard(url: str) -> bool:
    return "*" in url and (url.count("*") > 1 or not url.endswith("/*"))
