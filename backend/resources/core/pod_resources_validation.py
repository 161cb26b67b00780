"""Rules of requests and limits. Source: ValidateContainerResourceRequirements, validatePodResources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backend.meta import causes, names, quantity
from backend.meta.errors import Cause
from backend.meta.types import Obj

if TYPE_CHECKING:
    from fractions import Fraction

_CONTAINER = frozenset({"cpu", "memory", "ephemeral-storage"})
_STANDARD = _CONTAINER | {
    "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "limits.cpu",
    "limits.memory", "limits.ephemeral-storage", "pods", "resourcequotas", "services", "replicationcontrollers",
    "secrets", "configmaps", "persistentvolumeclaims", "storage", "services.nodeports", "services.loadbalancers",
}  # fmt: skip
_NATIVE_DOMAIN = "kubernetes.io/"


def validate_resources(resources: Obj, path: str) -> list[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    found: list[Cause] = []
    for name, amount in sorted(limits.items()):
        found += _validate_amount(name, amount, f"{path}.limits[{name}]")
    for name, amount in sorted(requests.items()):
        found += _validate_amount(name, amount, f"{path}.requests[{name}]")
        found += _validate_against_limit(name, amount, limits.get(name), path)
    return found


def _validate_amount(name: str, amount: object, path: str) -> list[Cause]:
    found = _validate_name(name, path)
    value = quantity.parse(str(amount))
    if value < 0:
        found.append(causes.invalid_value(path, _text(amount), "must be greater than or equal to 0"))
    if not _overcommits(name) and value.denominator != 1:
        found.append(causes.invalid_value(path, _text(amount), "must be an integer"))
    return found


def _validate_name(name: str, path: str) -> list[Cause]:
    faults = names.qualified_name(name)
    if faults:
        return causes.each_invalid(path, name, faults)
    if "/" in name or name in _CONTAINER or name.startswith("hugepages-"):
        return []
    found = []
    if name not in _STANDARD:
        found.append(causes.invalid_value(path, name, "must be a standard resource type or fully qualified"))
    return [*found, causes.invalid_value(path, name, "must be a standard resource for containers")]


def _overcommits(name: str) -> bool:
    """Whether requests may be below limits: not for what cannot be shared, such as a GPU."""
    if name.startswith("hugepages-"):
        return False
    return "/" not in name or _NATIVE_DOMAIN in name


def _validate_against_limit(name: str, amount: object, limit: object | None, path: str) -> list[Cause]:
    if limit is None:
        if _overcommits(name):
            return []
        return [causes.required(f"{path}.limits", "Limit must be set for non overcommitable resources")]
    requested, allowed = quantity.parse(str(amount)), quantity.parse(str(limit))
    if requested != allowed and not _overcommits(name):
        detail = f"must be equal to {name} limit of {_text(limit)}"
    elif requested > allowed:
        detail = f"must be less than or equal to {name} limit of {_text(limit)}"
    else:
        return []
    return [causes.invalid_value(f"{path}.requests", _text(amount), detail)]


def _text(amount: object) -> str:
    return quantity.canonical(str(amount))


def validate_pod_resources(spec: Obj, path: str) -> list[Cause]:
    """The pod's own resources hold at least what its containers request."""
    resources = spec.get("resources") or {}
    if not resources:
        return []
    found = validate_resources(resources, f"{path}.resources")
    for name, amount in sorted((resources.get("requests") or {}).items()):
        total = _total_requests(spec, name)
        if quantity.parse(str(amount)) < total:
            detail = f"must be greater than or equal to aggregate container requests of {_exact(total)}"
            found.append(causes.invalid_value(f"{path}.resources.requests[{name}]", _text(amount), detail))
    return found


def _total_requests(spec: Obj, name: str) -> Fraction | int:
    amounts = (
        (container.get("resources") or {}).get("requests") or {} for container in spec.get("containers") or ()
    )
    return sum(quantity.parse(str(requests[name])) for requests in amounts if name in requests)


def _exact(amount: Fraction | int) -> str:
    return quantity.canonical(str(amount) if amount.denominator == 1 else f"{float(amount * 1000):g}m")
