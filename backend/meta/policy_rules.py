"""RBAC's PolicyRules: taken apart, put together, and whether some allow all that others do.

Sources: k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go, policy_compact.go of
pkg/registry/rbac/validation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.meta.types import Obj

ALL = "*"


def url_covers(pattern: str, path: str) -> bool:
    """Whether a nonResourceURL, which may end in *, is or covers `path`."""
    if pattern in (ALL, path):
        return True
    return pattern.endswith(ALL) and path.startswith(pattern.rstrip(ALL))


def lacking(held: Sequence[Obj], wanted: Iterable[Obj]) -> list[Obj]:
    """What of the wanted rules is not among those held, broken down."""
    return [rule for rule in broken_down(wanted) if not any(_covers(own, rule) for own in held)]


def broken_down(rules: Iterable[Obj]) -> list[Obj]:
    """The same as rules of one verb, group, resource and name, or of one verb and URL."""
    found: list[Obj] = []
    for rule in rules:
        verbs = rule.get("verbs") or ()
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                for verb in verbs:
                    single = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
                    names = rule.get("resourceNames") or ()
                    found += [{**single, "resourceNames": [name]} for name in names] if names else [single]
        found += [
            {"nonResourceURLs": [url], "verbs": [verb]}
            for url in rule.get("nonResourceURLs") or ()
            for verb in verbs
        ]
    return found


def _covers(own: Obj, single: Obj) -> bool:
    """Whether a rule allows what one that is broken down does."""
    if not _has(own, "verbs", single["verbs"][0]):
        return False
    if "nonResourceURLs" in single:
        urls = own.get("nonResourceURLs") or ()
        return any(url_covers(url, single["nonResourceURLs"][0]) for url in urls)
    if not _has(own, "apiGroups", single["apiGroups"][0]):
        return False
    resource = single["resources"][0]
    if not _has(own, "resources", resource):
        _, slash, subresource = resource.partition("/")
        if not slash or f"*/{subresource}" not in (own.get("resources") or ()):
            return False
    names = own.get("resourceNames") or ()
    return not names or ("resourceNames" in single and single["resourceNames"][0] in names)


def _has(rule: Obj, field: str, value: str) -> bool:
    values = rule.get(field) or ()
    return value in values or ALL in values


def compacted(rules: Iterable[Obj]) -> list[Obj]:
    """Rules that differ by their verb only, as one. Source: CompactRules of policy_compact.go."""
    by_target: dict[tuple[str, ...], Obj] = {}
    others: list[Obj] = []
    for rule in rules:
        if "nonResourceURLs" in rule:
            others.append(rule)
            continue
        target = (*rule["apiGroups"], *rule["resources"], *rule.get("resourceNames", ()))
        if target in by_target:
            by_target[target]["verbs"] += rule["verbs"]
        else:
            by_target[target] = {**rule, "verbs": [*rule["verbs"]]}
    return [*others, *by_target.values()]
