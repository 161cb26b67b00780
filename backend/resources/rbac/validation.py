"""What roles and bindings may say. Source: pkg/apis/rbac/validation/validation.go."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.label_selector import validate_label_selector
from backend.meta.types import Obj
from backend.resources.rbac.roles import GROUP


def validate_role(role: Obj) -> Sequence[Cause]:
    return _rules(role, namespaced=True)


def validate_role_update(role: Obj, _old: Obj) -> Sequence[Cause]:
    return validate_role(role)


def validate_cluster_role(role: Obj) -> Sequence[Cause]:
    found = _rules(role, namespaced=False)
    aggregation = role.get("aggregationRule")
    if aggregation is None:
        return found
    path = "aggregationRule.clusterRoleSelectors"
    selectors = aggregation.get("clusterRoleSelectors") or []
    if not selectors:
        text = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        found.append(causes.required(path, text))
    for index, selector in enumerate(selectors):
        found += validate_label_selector(selector, f"{path}[{index}]")
    return found


def validate_cluster_role_update(role: Obj, _old: Obj) -> Sequence[Cause]:
    return validate_cluster_role(role)


def _rules(role: Obj, *, namespaced: bool) -> list[Cause]:
    return [
        cause
        for index, rule in enumerate(role.get("rules") or ())
        for cause in _rule(rule, f"rules[{index}]", namespaced=namespaced)
    ]


def _rule(rule: Obj, path: str, *, namespaced: bool) -> list[Cause]:
    found: list[Cause] = []
    if not rule.get("verbs"):
        found.append(causes.required(f"{path}.verbs", "verbs must contain at least one value"))
    urls, resources = rule.get("nonResourceURLs") or [], rule.get("resources") or []
    named = rule.get("resourceNames") or []
    if urls:
        where = f"{path}.nonResourceURLs"
        if namespaced:
            found.append(causes.invalid_value(where, urls, "namespaced rules cannot apply to non-resource URLs"))
        if rule.get("apiGroups") or resources or named:
            text = "rules cannot apply to both regular resources and non-resource URLs"
            found.append(causes.invalid_value(where, urls, text))
        return found
    if not rule.get("apiGroups"):
        found.append(causes.required(f"{path}.apiGroups", "resource rules must supply at least one api group"))
    if not resources:
        found.append(causes.required(f"{path}.resources", "resource rules must supply at least one resource"))
    return found


def validate_role_binding(binding: Obj) -> Sequence[Cause]:
    return _binding(binding, ("Role", "ClusterRole"), namespaced=True)


def validate_cluster_role_binding(binding: Obj) -> Sequence[Cause]:
    return _binding(binding, ("ClusterRole",), namespaced=False)


def validate_role_binding_update(binding: Obj, old: Obj) -> Sequence[Cause]:
    return [*validate_role_binding(binding), *_same_role(binding, old)]


def validate_cluster_role_binding_update(binding: Obj, old: Obj) -> Sequence[Cause]:
    return [*validate_cluster_role_binding(binding), *_same_role(binding, old)]


def _same_role(binding: Obj, old: Obj) -> list[Cause]:
    """A binding is of one role for all its life: subjects who were looked at for one role must not get another."""
    new, before = binding.get("roleRef") or {}, old["roleRef"]
    fields = ("apiGroup", "kind", "name")
    if all(new.get(field, "") == before.get(field, "") for field in fields):
        return []
    shown = {field[0].upper() + field[1:]: new.get(field, "") for field in fields}
    shown["APIGroup"] = shown.pop("ApiGroup")  # Go's internal type has no JSON names
    return [causes.invalid_value("roleRef", shown, "cannot change roleRef")]


def _binding(binding: Obj, kinds: Sequence[str], *, namespaced: bool) -> list[Cause]:
    reference = binding.get("roleRef") or {}
    found: list[Cause] = []
    if reference.get("apiGroup", "") != GROUP:
        found.append(causes.not_supported("roleRef.apiGroup", reference.get("apiGroup", ""), (GROUP,)))
    if reference.get("kind", "") not in kinds:
        found.append(causes.not_supported("roleRef.kind", reference.get("kind", ""), kinds))
    name = reference.get("name", "")
    if name:
        found += causes.each_invalid("roleRef.name", name, names.path_segment(name))
    else:
        found.append(causes.required("roleRef.name"))
    for index, subject in enumerate(binding.get("subjects") or ()):
        found += _subject(subject, f"subjects[{index}]", namespaced=namespaced)
    return found


def _subject(subject: Obj, path: str, *, namespaced: bool) -> list[Cause]:
    found: list[Cause] = []
    name, kind, group = subject.get("name", ""), subject.get("kind", ""), subject.get("apiGroup", "")
    if not name:
        found.append(causes.required(f"{path}.name"))
    if kind == "ServiceAccount":
        if name:
            found += causes.each_invalid(f"{path}.name", name, names.dns1123_subdomain(name))
        if group:
            found.append(causes.not_supported(f"{path}.apiGroup", group, ("",)))
        if not namespaced and not subject.get("namespace"):
            found.append(causes.required(f"{path}.namespace"))
    elif kind in ("User", "Group"):
        if not name:
            text = f"{kind.lower()} name cannot be empty"
            found.append(causes.invalid_value(f"{path}.name", name, text))
        if group != GROUP:
            found.append(causes.not_supported(f"{path}.apiGroup", group, (GROUP,)))
    else:
        found.append(causes.not_supported(f"{path}.kind", kind, ("ServiceAccount", "User", "Group")))
    return found
