"""The rules of a new role, from --verb, --resource and --resource-name.

Source: k8s.io/kubectl/pkg/cmd/create/create_role.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from minikctl.client.errors import Failure, NoResourceMatch
from minikctl.command import CommandError, Flag, Invocation

RBAC_GROUP = "rbac.authorization.k8s.io"

_VERBS = frozenset(
    ("*", "get", "delete", "list", "create", "update", "patch", "watch", "proxy", "deletecollection", "use", "bind",
     "escalate", "impersonate")
)  # fmt: skip
_ROLES = (("roles", RBAC_GROUP), ("clusterroles", RBAC_GROUP))
_SPECIAL = {
    "use": (("podsecuritypolicies", "policy"), ("podsecuritypolicies", "extensions")),
    "bind": _ROLES,
    "escalate": _ROLES,
    "impersonate": (
        ("users", ""),
        ("serviceaccounts", ""),
        ("groups", ""),
        ("userextras", "authentication.k8s.io"),
    ),
}
"""Verbs that only some resources have, which need not be the server's."""

RULE_FLAGS = (
    Flag("verb", "stringSlice", [], "Verb that applies to the resources contained in the rule"),
    Flag("resource", "stringSlice", [], "Resource that the rule applies to"),
    Flag(
        "resource-name", "stringArray", [],
        "Resource in the white list that the rule applies to, repeat this flag for multiple items",
    ),
)  # fmt: skip


class Target(NamedTuple):
    """One --resource: `RESOURCE[.GROUP][/SUBRESOURCE]`, as typed."""

    resource: str
    group: str
    subresource: str


class Asked(NamedTuple):
    """What the flags say, each thing once."""

    verbs: list[str]
    targets: list[Target]
    names: list[str]


def asked(call: Invocation) -> Asked:
    verbs = ["*"] if "*" in call.flags["verb"] else [*dict.fromkeys(call.flags["verb"])]
    targets: list[Target] = []
    for typed in call.flags["resource"]:
        if typed == "*":
            targets = [Target("*", "", "")]
            break
        qualified, _, subresource = typed.partition("/")
        resource, _, group = qualified.partition(".")
        targets.append(Target(resource, group, subresource))
    return Asked(verbs, targets, [*dict.fromkeys(call.flags["resource-name"])])


def warn_of_verbs(call: Invocation, verbs: Sequence[str]) -> None:
    for verb in verbs:
        if verb not in _VERBS:
            call.streams.err.write(f"Warning: '{verb}' is not a standard resource verb\n")


def check_targets(call: Invocation, wanted: Asked) -> None:
    """Raises for what the server has not, and for what a verb is not meant for."""
    for target in wanted.targets:
        if not target.resource:
            raise Failure("resource must be specified if apiGroup/subresource specified")
        if target.resource == "*":
            return
        unknown: NoResourceMatch | None = None
        resource, group = target.resource, target.group
        try:
            resource, group = _found(call, target)
        except NoResourceMatch as error:
            unknown = error
        for verb in wanted.verbs:
            if verb not in _SPECIAL:
                continue
            if (resource, group) not in _SPECIAL[verb]:
                raise Failure(f"can not perform '{verb}' on '{resource}' in group '{group}'")
            unknown = None
        if unknown is not None:
            raise CommandError(str(unknown))


def _found(call: Invocation, target: Target) -> tuple[str, str]:
    qualified = f"{target.resource}.{target.group}" if target.group else target.resource
    mapping = call.factory.mapper.find(qualified)
    return mapping.resource, mapping.group


def rules(call: Invocation, wanted: Asked, urls: Sequence[str] = ()) -> list[dict[str, Any]]:
    """One rule for each API group, by its name, and one for URLs."""
    by_group: dict[str, list[str]] = {}
    for target in wanted.targets:
        try:
            resource, group = _found(call, target)
        except NoResourceMatch:
            resource, group = target.resource, target.group  # one that only its verb knows, or all of them
        if target.subresource:
            resource = f"{resource}/{target.subresource}"
        resources = by_group.setdefault(group, [])
        if resource not in resources:
            resources.append(resource)
    made: list[dict[str, Any]] = []
    for group in sorted(by_group):
        rule: dict[str, Any] = {"verbs": wanted.verbs, "apiGroups": [group], "resources": by_group[group]}
        made.append({**rule, "resourceNames": wanted.names} if wanted.names else rule)
    if urls:
        made.append({"verbs": wanted.verbs, "nonResourceURLs": [*urls]})
    return made
