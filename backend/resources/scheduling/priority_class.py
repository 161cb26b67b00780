"""scheduling.k8s.io/v1 PriorityClass: a name for how much a pod matters.

Sources: pkg/registry/scheduling/priorityclass/strategy.go, pkg/apis/scheduling/{v1/helpers.go,validation}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource

_SCHEMA = "io.k8s.api.scheduling.v1.PriorityClass"
_SYSTEM = "system-"
_HIGHEST = 1_000_000_000
_POLICIES = ("PreemptLowerPriority", "Never")

SYSTEM_CLASSES = {
    "system-node-critical": (
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    "system-cluster-critical": (
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
}
"""The classes that every cluster has: their value and description by name."""


def _default(priority_class: Obj) -> None:
    priority_class["value"] = priority_class.get("value") or 0
    if priority_class.get("preemptionPolicy") is None:
        priority_class["preemptionPolicy"] = _POLICIES[0]
    if not priority_class.get("globalDefault"):
        priority_class.pop("globalDefault", None)


def _validate(priority_class: Obj) -> Sequence[Cause]:
    name, value = priority_class["metadata"].get("name", ""), priority_class["value"]
    found = []
    if name.startswith(_SYSTEM):
        why = _not_of_the_system(name, priority_class)
        if why:
            text = f"priority class names with '{_SYSTEM}' prefix are reserved for system use only. error: {why}"
            found.append(causes.forbidden("metadata.name", text))
    elif value > _HIGHEST:
        found.append(causes.forbidden("value", f"maximum allowed value of a user defined priority is {_HIGHEST}"))
    policy = priority_class["preemptionPolicy"]
    if not policy:
        found.append(causes.required("preemptionPolicy"))
    elif policy not in _POLICIES:
        found.append(causes.not_supported("preemptionPolicy", policy, _POLICIES))
    return found


def _not_of_the_system(name: str, priority_class: Obj) -> str:
    """Source: IsKnownSystemPriorityClass."""
    if name not in SYSTEM_CLASSES:
        return f"{name} is not a known system priority class"
    value = SYSTEM_CLASSES[name][0]
    if priority_class["value"] != value:
        return f"value of {name} PriorityClass must be {value}"
    if priority_class.get("globalDefault"):
        return f"globalDefault of {name} PriorityClass must be false"
    return ""


def _validate_update(new: Obj, old: Obj) -> Sequence[Cause]:
    found = []
    if new["value"] != old["value"]:
        found.append(causes.forbidden("value", "may not be changed in an update."))
    if new["preemptionPolicy"] != old["preemptionPolicy"]:
        found.append(causes.immutable("preemptionPolicy", new["preemptionPolicy"]))
    return found


def _uncounted(_priority_class: Obj) -> None:
    """Nothing of it changes its generation."""


def _row(priority_class: Obj, now: float) -> list[Any]:
    is_default = bool(priority_class.get("globalDefault"))
    policy = priority_class.get("preemptionPolicy", "")
    age = cells.age(priority_class, now)
    return [priority_class["metadata"]["name"], priority_class["value"], is_default, age, policy]


PRIORITY_CLASS = Resource(
    group="scheduling.k8s.io",
    version="v1",
    kind="PriorityClass",
    plural="priorityclasses",
    singular="priorityclass",
    namespaced=False,
    schema=_SCHEMA,
    short_names=("pc",),
    columns=(
        NAME_COLUMN,
        Column("Value", "integer", described_by=f"{_SCHEMA}.value"),
        Column("Global-Default", "boolean", described_by=f"{_SCHEMA}.globalDefault"),
        AGE_COLUMN,
        Column("PreemptionPolicy", described_by=f"{_SCHEMA}.preemptionPolicy"),
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=_default,
    validate=_validate,
    validate_update=_validate_update,
    generation=True,
    counted=_uncounted,
)
