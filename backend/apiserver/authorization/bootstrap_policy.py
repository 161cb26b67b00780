"""The roles and bindings that every cluster has, read from bootstrap_policy.txt beside this (see its head)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from backend.meta.types import Obj
from backend.resources.rbac.roles import GROUP

AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
"""The annotation whose value "false" keeps an object from being reconciled at start."""

_FILE = Path(__file__).with_name("bootstrap_policy.txt")
_ALIASES = {
    "read": ("get", "list", "watch"),
    "write": ("create", "delete", "deletecollection", "patch", "update"),
}
_CONTROLLERS = "system:controller:"


@cache
def objects() -> tuple[Obj, ...]:
    """All of them, roles before the bindings that name them. Shared: nobody changes them."""
    found: list[Obj] = []
    for words, indented in _lines():
        if indented:
            found[-1]["rules"].append(_rule(words))
        else:
            found.append(_begun(words))
    bindings = [_controller_binding(role) for role in found if role["metadata"]["name"].startswith(_CONTROLLERS)]
    return (*found, *(binding for binding in bindings if binding is not None))


@cache
def cluster_role(name: str) -> Obj:
    return next(obj for obj in objects() if obj["kind"] == "ClusterRole" and obj["metadata"]["name"] == name)


def _lines() -> Iterator[tuple[list[str], bool]]:
    for line in _FILE.read_text().splitlines():
        words = line.split()
        if words and not line.startswith("#"):
            yield words, line.startswith(" ")


def _begun(words: list[str]) -> Obj:
    what, *rest = words
    if what == "role":
        return {**_object("Role", rest[1], rest[0]), "rules": []}
    if what == "controller":
        return {**_object("ClusterRole", _CONTROLLERS + rest[0]), "rules": []}
    if what == "binding":
        return _binding("RoleBinding", rest[1], rest[0], "Role", rest[2], rest[3:])
    if what == "clusterbinding":
        return _binding("ClusterRoleBinding", rest[0], "", "ClusterRole", rest[0], rest[1:])
    return _cluster_role(rest)


def _cluster_role(words: list[str]) -> Obj:
    role: Obj = {**_object("ClusterRole", words[0]), "rules": []}
    for word, key in zip(words[1::2], words[2::2], strict=True):
        label = {f"{GROUP}/{key}": "true"}
        if word == "label":
            role["metadata"]["labels"].update(label)
        else:
            role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": label}]}
    return role


def _object(kind: str, name: str, namespace: str = "") -> Obj:
    meta: Obj = {"name": name, "namespace": namespace} if namespace else {"name": name}
    meta["labels"] = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    meta["annotations"] = {AUTOUPDATE: "true"}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": meta}


def _rule(words: list[str]) -> Obj:
    """Lists are sorted, as kube-apiserver's builder of rules leaves them."""
    verbs = sorted(each for verb in words[0].split(",") for each in _ALIASES.get(verb, (verb,)))
    if len(words) == 2:
        return {"verbs": verbs, "nonResourceURLs": sorted(words[1].split(","))}
    groups = sorted("" if group == "core" else group for group in words[1].split(","))
    rule: Obj = {"verbs": verbs, "apiGroups": groups, "resources": sorted(words[2].split(","))}
    if len(words) > 3:
        rule["resourceNames"] = sorted(words[3].split(","))
    return rule


def _binding(kind: str, name: str, namespace: str, role_kind: str, role: str, subjects: list[str]) -> Obj:
    binding = _object(kind, name, namespace)
    binding["roleRef"] = {"apiGroup": GROUP, "kind": role_kind, "name": role}
    if subjects:
        binding["subjects"] = [_subject(*subject.split(":", 1)) for subject in subjects]
    return binding


def _controller_binding(role: Obj) -> Obj | None:
    if role["kind"] != "ClusterRole":
        return None
    name: str = role["metadata"]["name"]
    account = f"account:{name.removeprefix(_CONTROLLERS)}"
    return _binding("ClusterRoleBinding", name, "", "ClusterRole", name, [account])


def _subject(kind: str, name: str) -> Obj:
    if kind == "account":
        return {"kind": "ServiceAccount", "name": name, "namespace": "kube-system"}
    return {"apiGroup": GROUP, "kind": kind.capitalize(), "name": name}
