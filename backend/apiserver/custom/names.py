"""Which names a CustomResourceDefinition gets, and what its conditions say of it.

Sources: k8s.io/apiextensions-apiserver/pkg/controller/{status/naming_controller.go,establish,apiapproval}.
"""

from __future__ import annotations

from collections.abc import Iterable

from backend.meta.types import Obj

_APPROVED = "api-approved.kubernetes.io"
_COMMUNITY = ("k8s.io", "kubernetes.io")


def status_of(definition: Obj, others: Iterable[Obj], now: str) -> Obj:
    """The status with the names and conditions that a definition gets; `others` are the statuses of its group."""
    old: Obj = definition.get("status") or {}
    accepted, conflict = _accepted(definition["spec"]["names"], old.get("acceptedNames") or {}, others)
    conditions = list(old.get("conditions") or ())
    set_condition(conditions, _names_condition(conflict), now)
    established = is_established(old)
    if not conflict:
        set_condition(
            conditions,
            _condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted"),
            now,
        )
    elif not established:
        set_condition(
            conditions, _condition("Established", "False", "NotAccepted", "not all names are accepted"), now
        )
    approval = _approval(definition)
    if approval is not None:
        set_condition(conditions, approval, now)
    return {**old, "acceptedNames": accepted, "conditions": conditions}


def is_established(status: Obj) -> bool:
    return any(
        (condition.get("type"), condition.get("status")) == ("Established", "True")
        for condition in status.get("conditions") or ()
    )


def _accepted(wanted: Obj, accepted: Obj, others: Iterable[Obj]) -> tuple[Obj, tuple[str, str] | None]:
    """(the names that it has, (reason, message) of the last conflict)."""
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        taken = other.get("acceptedNames") or {}
        resources.update(
            filter(None, (taken.get("plural"), taken.get("singular"), *(taken.get("shortNames") or ())))
        )
        kinds.update(filter(None, (taken.get("kind"), taken.get("listKind"))))
    found = dict(accepted)
    conflict: tuple[str, str] | None = None
    for name, reason, used in (
        ("plural", "PluralConflict", resources),
        ("singular", "SingularConflict", resources),
        ("kind", "KindConflict", kinds),
        ("listKind", "ListKindConflict", kinds),
    ):
        if wanted.get(name, "") in used:
            conflict = conflict or (reason, f'"{wanted[name]}" is already in use')
        else:
            found[name] = wanted.get(name, "")
    short = wanted.get("shortNames") or []
    taken_short = [name for name in short if name in resources]
    if taken_short:
        conflict = conflict or (
            "ShortNamesConflict",
            ", ".join(f'"{name}" is already in use' for name in taken_short),
        )
    else:
        found["shortNames"] = short
    found["categories"] = wanted.get("categories") or []
    return {name: value for name, value in found.items() if value}, conflict


def _names_condition(conflict: tuple[str, str] | None) -> Obj:
    if conflict is None:
        return _condition("NamesAccepted", "True", "NoConflicts", "no conflicts found")
    return _condition("NamesAccepted", "False", *conflict)


def _approval(definition: Obj) -> Obj | None:
    group = definition["spec"]["group"]
    if not any(group == suffix or group.endswith(f".{suffix}") for suffix in _COMMUNITY):
        return None
    approval = (definition["metadata"].get("annotations") or {}).get(_APPROVED, "")
    kind = "KubernetesAPIApprovalPolicyConformant"
    if approval.startswith("unapproved"):
        return _condition(kind, "False", "UnapprovedAnnotation", f'not approved: "{approval}"')
    return _condition(kind, "True", "ApprovedAnnotation", f"approved in {approval}")


def _condition(kind: str, status: str, reason: str, message: str) -> Obj:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def terminating(reason: str, message: str) -> Obj:
    return _condition("Terminating", "True", reason, message)


def set_condition(conditions: list[Obj], new: Obj, now: str) -> None:
    """Put a condition into the list, in place; its time is that of the last change of its status."""
    for index, old in enumerate(conditions):
        if old.get("type") == new["type"]:
            since = old.get("lastTransitionTime", now) if old.get("status") == new["status"] else now
            conditions[index] = {"lastTransitionTime": since, **new}
            return
    conditions.append({"lastTransitionTime": now, **new})
