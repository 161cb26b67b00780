"""Rules as `describe` and `auth can-i --list` show them: one line for each resource or URL.

Source: k8s.io/kubectl/pkg/util/rbac, CombineResourceGroup of k8s.io/kubectl/pkg/describe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from backend.meta.policy_rules import broken_down, compacted

COLUMNS = ("Resources", "Non-Resource URLs", "Resource Names", "Verbs")

_FIELDS = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")


def rows(rules: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The cells, in the order of the rules as Go prints them."""
    single = compacted(broken_down(dict(rule) for rule in rules))
    single.sort(key=lambda rule: "".join(f"{name}{go_list(rule.get(name))}," for name in _FIELDS))
    return [
        (
            _resource(rule),
            go_list(rule.get("nonResourceURLs")),
            go_list(rule.get("resourceNames")),
            go_list(rule["verbs"]),
        )
        for rule in single
    ]


def go_list(values: Iterable[str] | None) -> str:
    """As Go prints a list of strings."""
    return f"[{' '.join(values or ())}]"


def _resource(rule: Mapping[str, Any]) -> str:
    """`deployments.apps/scale`; "" for a URL's rule."""
    if not rule.get("resources"):
        return ""
    resource: str = rule["resources"][0]
    name, slash, subresource = resource.partition("/")
    group = rule["apiGroups"][0]
    return (f"{name}.{group}" if group else name) + slash + subresource
