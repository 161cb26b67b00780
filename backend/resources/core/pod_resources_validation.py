"""Rules of requests and limits. Source: ValidateContainerResourceRequirements, validatePodResources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backend.meta import causes, quantity
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core import resource_names

if TYPE_CHECKING:
    from fractions import Fraction


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
    return [
        *resource_names.validate_container_name(name, path),
        *resource_names.validate_amount(name, amount, path),
    ]


def _validate_against_limit(name: str, amount: object, limit: object | None, path: str) -> list[Cause]:
    if limit is None:
        if resource_names.overcommits(name):
            return []
        return [causes.required(f"{path}.limits", "Limit must be set for non overcommitable resources")]
    requested, allowed = quantity.parse(str(amount)), quantity.parse(str(limit))
    if requested != allowed and not resource_names.overcommits(name):
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
