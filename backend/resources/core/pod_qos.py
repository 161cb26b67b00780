"""The quality of service class of a pod. Source: pkg/apis/core/v1/helper/qos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.meta import quantity
from backend.meta.types import Obj

if TYPE_CHECKING:
    from fractions import Fraction

_COMPUTE = ("cpu", "memory")


def _compute(amounts: Mapping[str, Any]) -> dict[str, Fraction]:
    parsed = {name: quantity.parse(str(amounts[name])) for name in _COMPUTE if name in amounts}
    return {name: amount for name, amount in parsed.items() if amount > 0}


def qos_class(spec: Obj) -> str:
    """Guaranteed, Burstable or BestEffort; the pod's own resources decide where it has any."""
    holders = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    if spec.get("resources"):
        holders = [spec]
    guaranteed, some = True, False
    for holder in holders:
        resources = holder.get("resources") or {}
        requests, limits = _compute(resources.get("requests") or {}), _compute(resources.get("limits") or {})
        some = some or bool(requests or limits)
        if len(limits) < len(_COMPUTE) or {**limits, **requests} != limits:
            guaranteed = False
    if not some:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"
