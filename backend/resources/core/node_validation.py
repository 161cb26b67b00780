"""Rules of a Node that its schema cannot say. Source: ValidateNode, ValidateNodeUpdate, ValidateTaints."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def validate_node(node: Obj) -> Sequence[Cause]:
    # kube-apiserver says metadata where it means spec; people search for its texts.
    return _validate_taints((node.get("spec") or {}).get("taints") or (), "metadata.taints")


def _validate_taints(taints: Sequence[Obj], path: str) -> list[Cause]:
    found: list[Cause] = []
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        here = f"{path}[{index}]"
        key, value, effect = taint.get("key", ""), taint.get("value", ""), taint.get("effect", "")
        found += causes.each_invalid(f"{here}.key", key, names.qualified_name(key))
        if faults := names.label_value(value):
            found.append(causes.invalid_value(f"{here}.value", value, ";".join(faults)))
        if effect not in _EFFECTS:
            found.append(causes.not_supported(f"{here}.effect", effect, _EFFECTS))
        if (key, effect) in seen:
            found.append(causes.duplicate(here, taint, "taints must be unique by key and effect pair"))
        seen.add((key, effect))
    return found


def validate_node_update(node: Obj, old: Obj) -> Sequence[Cause]:
    """A node keeps its provider id and its pod CIDRs once it has them."""
    spec, before = node.get("spec") or {}, old.get("spec") or {}
    found = list(validate_node(node))
    if before.get("podCIDRs") and (spec.get("podCIDRs") or []) != before["podCIDRs"]:
        detail = 'node updates may not change podCIDR except from "" to valid'
        found.append(causes.forbidden("spec.podCIDRs", detail))
    if before.get("providerID") and spec.get("providerID", "") != before["providerID"]:
        detail = 'node updates may not change providerID except from "" to valid'
        found.append(causes.forbidden("spec.providerID", detail))
    return found
