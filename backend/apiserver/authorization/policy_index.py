"""Who has which rules: roles and bindings by the users and groups that they are about, kept as the store changes.

Source of the rules' resolution: pkg/registry/rbac/validation/rule.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

from backend.apiserver.authorization.rules import Rule
from backend.meta.causes import go_quote
from backend.meta.errors import ApiError, not_found
from backend.meta.types import Obj, User
from backend.resources.rbac.bindings import CLUSTER_ROLE_BINDING, ROLE_BINDING
from backend.resources.rbac.roles import CLUSTER_ROLE, GROUP, ROLE
from backend.store.api import Entry, Store, Watch

_PREFIX = f"{GROUP}/"
_PACE = 32
"""Objects that are read before others get their turn on the event loop."""


class _Bound(NamedTuple):
    """A binding, as one of its subjects sees it. `number` is the subject's place in the binding."""

    key: str
    number: int
    role: tuple[str, str]
    source: str


class Grant(NamedTuple):
    """One rule that somebody has, and the words for the binding that gives it."""

    rule: Rule
    source: str


class _Tables:
    """Roles by where they are and their names, bindings by namespace and subject. A namespace "" means the whole
    cluster; subjects are `User NAME` or `Group NAME`."""

    def __init__(self) -> None:
        self.roles: dict[tuple[str, str], tuple[Rule, ...]] = {}
        self.bindings: dict[tuple[str, str], dict[str, _Bound]] = {}
        """The inner keys are those of the bindings in the store."""

    def add(self, entry: Entry) -> None:
        obj = entry.obj
        if obj["kind"] in (ROLE.kind, CLUSTER_ROLE.kind):
            self.roles[_identity(obj)] = tuple(Rule(rule) for rule in obj.get("rules") or ())
            return
        for where, bound in _subjects(entry):
            # A subject that is named twice counts where it is first.
            self.bindings.setdefault(where, {}).setdefault(entry.key, bound)

    def remove(self, entry: Entry) -> None:
        obj = entry.obj
        if obj["kind"] in (ROLE.kind, CLUSTER_ROLE.kind):
            self.roles.pop(_identity(obj), None)
            return
        for where, _ in _subjects(entry):
            bindings = self.bindings.get(where, {})
            bindings.pop(entry.key, None)
            if not bindings:
                self.bindings.pop(where, None)


class PolicyIndex:
    """Up to date after `refresh`, which costs next to nothing while nothing changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watch: Watch | None = None
        self._tables = _Tables()

    async def prime(self) -> None:
        """Read what there is before anybody asks, a little at a time: thousands of bindings take a while."""
        tables, watch = _Tables(), self._store.watch(_PREFIX)
        for count, entry in enumerate(self._store.list(_PREFIX).entries, 1):
            tables.add(entry)
            if count % _PACE == 0:
                await asyncio.sleep(0)
        if self._watch is None:
            self._tables, self._watch = tables, watch
        else:
            watch.close()  # somebody could not wait

    def refresh(self) -> bool:
        """Whether roles or bindings changed since the last call."""
        if self._watch is not None and self._watch.idle:
            return False
        revision = self._store.revision
        if self._watch is None:
            self._load()
            return True
        changed = False
        while (event := self._watch.ready()) is not None:
            changed = True
            if event.previous is not None:
                self._tables.remove(event.previous)
            if event.type != "DELETED":
                self._tables.add(event.entry)
        if self._watch.progress < revision:
            # Nobody asked for so long that the watch was dropped.
            self._watch.close()
            self._load()
            return True
        return changed

    def grants(self, user: User, namespace: str) -> tuple[list[Grant], list[str]]:
        """All rules that `user` has in `namespace`, and what kept others from being found."""
        found: list[Grant] = []
        faults: list[str] = []
        for scope in ("", namespace) if namespace else ("",):
            for bound in self._bound(user, scope):
                rules = self._tables.roles.get(bound.role)
                if rules is None:
                    faults.append(_missing(bound.role).message)
                else:
                    found += [Grant(rule, bound.source) for rule in rules]
        return found, faults

    def rules_of(self, reference: Obj, namespace: str) -> list[Obj]:
        """The rules of the role that a binding in `namespace` refers to. Raises 404."""
        role = _role(reference, namespace)
        rules = self._tables.roles.get(role)
        if rules is None:
            resource = ROLE if role[0] else CLUSTER_ROLE
            raise not_found(resource.qualified, role[1])
        return [rule.source for rule in rules]

    def _bound(self, user: User, namespace: str) -> Iterator[_Bound]:
        """Each binding once, by its first subject that is the user."""
        best: dict[str, _Bound] = {}
        for subject in (f"User {user.name}", *(f"Group {group}" for group in user.groups)):
            for key, bound in self._tables.bindings.get((namespace, subject), {}).items():
                if key not in best or bound.number < best[key].number:
                    best[key] = bound
        for key in sorted(best):
            yield best[key]

    def _load(self) -> None:
        self._tables = _Tables()
        self._watch = self._store.watch(_PREFIX)
        for entry in self._store.list(_PREFIX).entries:
            self._tables.add(entry)


def _identity(role: Obj) -> tuple[str, str]:
    meta = role["metadata"]
    return meta.get("namespace", ""), meta["name"]


def _role(reference: Obj, namespace: str) -> tuple[str, str]:
    return namespace if reference["kind"] == ROLE.kind else "", reference["name"]


def _missing(role: tuple[str, str]) -> ApiError:
    """As the lister of a client says it, which knows the kind and not the resource."""
    return not_found(f"{'role' if role[0] else 'clusterrole'}.{GROUP}", role[1])


def _subjects(entry: Entry) -> list[tuple[tuple[str, str], _Bound]]:
    """Where a binding stands in the index: one place for each of its subjects."""
    binding = entry.obj
    meta, reference = binding["metadata"], binding["roleRef"]
    namespace = meta.get("namespace", "")
    kind = ROLE_BINDING.kind if namespace else CLUSTER_ROLE_BINDING.kind
    name = f"{meta['name']}/{namespace}" if namespace else meta["name"]
    source = f"{kind} {go_quote(name)} of {reference['kind']} {go_quote(reference['name'])} to"
    found: list[tuple[tuple[str, str], _Bound]] = []
    for number, subject in enumerate(binding.get("subjects") or ()):
        shown, identity = subject["name"], f"{subject['kind']} {subject['name']}"
        if subject["kind"] == "ServiceAccount":
            home = subject.get("namespace") or namespace
            shown, identity = f"{shown}/{home}", f"User system:serviceaccount:{home}:{shown}"
        bound = _Bound(
            entry.key, number, _role(reference, namespace), f"{source} {subject['kind']} {go_quote(shown)}"
        )
        found.append(((namespace, identity), bound))
    return found
