"""One role or binding, made to allow what it should.

Source: k8s.io/component-helpers/auth/rbac/reconciliation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from backend.meta.policy_rules import lacking
from minikctl.client.errors import Failure, StatusError, is_not_found
from minikctl.client.rest import ResourceMapping
from minikctl.commands.create.clusterrole import CLUSTER_ROLES
from minikctl.commands.create.clusterrolebinding import CLUSTER_ROLE_BINDINGS
from minikctl.commands.create.namespace import NAMESPACES
from minikctl.commands.create.role import ROLES
from minikctl.commands.create.rolebinding import ROLE_BINDINGS

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = dict[str, Any]

_AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
_RESOURCES = {mapping.kind: mapping for mapping in (ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS)}
_ATTEMPTS = 3


class Wish(NamedTuple):
    """What should be: the object, whether what it does not say goes, and whether anything is written at all."""

    obj: Obj
    remove_permissions: bool
    remove_subjects: bool
    confirm: bool


class Reconciled(NamedTuple):
    """What is, or would be. `operation` is create, update, recreate or none; it is not done where the object is
    `protected` by its annotation."""

    obj: Obj
    operation: str
    protected: bool = False
    missing_rules: list[Obj] = []  # noqa: RUF012 - never written to
    extra_rules: list[Obj] = []  # noqa: RUF012
    missing_subjects: list[Obj] = []  # noqa: RUF012
    extra_subjects: list[Obj] = []  # noqa: RUF012


def reconcile(client: Client, namespace: str, wish: Wish) -> Reconciled:
    """Raises StatusError, and Failure if others change the object again and again."""
    mapping = _RESOURCES[wish.obj["kind"]]
    path = mapping.path(namespace, wish.obj["metadata"]["name"])
    for _ in range(_ATTEMPTS):
        plan = _plan(client, path, wish)
        if plan.protected or not wish.confirm or plan.operation == "none":
            return plan
        try:
            return plan._replace(obj=_carry_out(client, mapping, namespace, path, plan))
        except StatusError as error:
            if error.reason not in ("AlreadyExists", "NotFound"):
                raise
    raise Failure("exceeded maximum attempts")


def _plan(client: Client, path: str, wish: Wish) -> Reconciled:
    expected = wish.obj
    try:
        existing = client.get(path)
    except StatusError as error:
        if not is_not_found(error):
            raise
        rules, subjects = expected.get("rules") or [], expected.get("subjects") or []
        return Reconciled(expected, "create", missing_rules=rules, missing_subjects=subjects)
    compute: Callable[[Obj, Wish], Reconciled] = _binding if "roleRef" in existing else _role
    protected = (existing["metadata"].get("annotations") or {}).get(_AUTOUPDATE) == "false"
    return compute(existing, wish)._replace(protected=protected)


def _carry_out(client: Client, mapping: ResourceMapping, namespace: str, path: str, plan: Reconciled) -> Obj:
    if plan.operation == "update":
        return client.request("PUT", path, body=plan.obj)
    if plan.operation == "recreate":
        client.request("DELETE", path)
    elif mapping.namespaced:
        _ensure_namespace(client, namespace)
    return client.request("POST", mapping.path(namespace), body=plan.obj)


def _ensure_namespace(client: Client, name: str) -> None:
    """Where there is none, make it; whoever may not is told so when the object is made."""
    try:
        client.get(NAMESPACES.path(name=name))
        return
    except StatusError as error:
        if not is_not_found(error):
            return
    body = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}}
    try:
        client.request("POST", NAMESPACES.path(), body=body)
    except StatusError as error:
        if error.reason not in ("AlreadyExists", "Forbidden"):
            raise


def _merged(existing: Obj, expected: Obj) -> Obj:
    """`existing` with the labels and annotations that it lacks."""
    meta = dict(existing["metadata"])
    for field in ("labels", "annotations"):
        values = {**(expected["metadata"].get(field) or {}), **(meta.get(field) or {})}
        if values:
            meta[field] = values
    return {**existing, "metadata": meta}


def _role(existing: Obj, wish: Wish) -> Reconciled:
    expected, remove = wish.obj, wish.remove_permissions
    wanted, held = expected.get("rules") or [], existing.get("rules") or []
    role = _merged(existing, expected)
    missing = lacking(held, wanted)
    both_aggregate = bool(expected.get("aggregationRule") and existing.get("aggregationRule"))
    extra = [] if both_aggregate else lacking(wanted, held)
    if remove and (missing or extra):
        role["rules"] = wanted
    elif missing:
        role["rules"] = [*held, *missing]
    _set_aggregation(role, expected, remove=remove)
    operation = "none" if role == existing else "update"
    return Reconciled(role, operation, missing_rules=missing, extra_rules=extra)


def _set_aggregation(role: Obj, expected: Obj, *, remove: bool) -> None:
    wanted, present = expected.get("aggregationRule"), role.get("aggregationRule")
    if wanted is None:
        role.pop("aggregationRule", None)
        return
    wanted_selectors = wanted.get("clusterRoleSelectors") or []
    selectors = (present or {}).get("clusterRoleSelectors") or []
    missing = [selector for selector in wanted_selectors if selector not in selectors]
    extra = [selector for selector in selectors if selector not in wanted_selectors]
    if remove and (missing or extra):
        role["aggregationRule"] = wanted
    elif missing:
        role["aggregationRule"] = {"clusterRoleSelectors": [*selectors, *missing]}


def _binding(existing: Obj, wish: Wish) -> Reconciled:
    expected = wish.obj
    if _fields(expected.get("roleRef") or {}) != _fields(existing["roleRef"]):
        return Reconciled(expected, "recreate")
    binding = _merged(existing, expected)
    wanted, held = expected.get("subjects") or [], existing.get("subjects") or []
    missing, extra = _without(wanted, held), _without(held, wanted)
    if wish.remove_subjects and (missing or extra):
        binding["subjects"] = wanted
    elif missing:
        binding["subjects"] = [*held, *missing]
    operation = "none" if binding == existing else "update"
    return Reconciled(binding, operation, missing_subjects=missing, extra_subjects=extra)


def _without(subjects: list[Obj], others: list[Obj]) -> list[Obj]:
    known = [_fields(other) for other in others]
    found: list[Obj] = []
    for subject in subjects:
        if _fields(subject) not in known:
            known.append(_fields(subject))
            found.append(subject)
    return found


def _fields(reference: Obj) -> tuple[str, ...]:
    """A subject or roleRef by its values: a field that is missing is an empty one."""
    return tuple(reference.get(name) or "" for name in ("kind", "apiGroup", "name", "namespace"))
