"""What Deployment and ReplicaSet share: selector and template, and the counts in their status.

Source: ValidatePodTemplateSpecForReplicaSet, ValidateDeploymentStatus and ValidateReplicaSetStatus.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.label_selector import as_selector, is_empty, validate_label_selector
from backend.meta.types import Obj
from backend.resources.core.pod_template_spec import validate_endless, validate_selected, validate_template

_MORE_THAN_ALL = "cannot be greater than status.replicas"


def validate_selector(spec: Obj, owner: str) -> list[Cause]:
    """That there is one, and that it selects something in particular. `owner` is what the text calls the kind."""
    selector = spec.get("selector")
    if selector is None:
        return [causes.required("spec.selector")]
    found = validate_label_selector(selector, "spec.selector")
    if is_empty(selector):
        found.append(causes.invalid_value("spec.selector", selector, f"empty selector is invalid for {owner}"))
    return found


def validate_replica_template(spec: Obj) -> list[Cause]:
    try:
        selector = as_selector(spec.get("selector"))
    except ValueError:
        return [causes.invalid_value("spec.selector", spec["selector"], "invalid label selector")]
    path, template = "spec.template", spec["template"]
    found = validate_selected(template, selector, path)
    return found + validate_template(template, path) + validate_endless(template, path, "ReplicaSet")


def validate_selector_kept(new: Obj, old: Obj) -> list[Cause]:
    selector = new["spec"].get("selector")
    return [] if selector == old["spec"].get("selector") else [causes.immutable("spec.selector", selector)]


def validate_counts(status: Obj, fields: Sequence[str], parts: Sequence[str]) -> list[Cause]:
    """No count of `fields` is negative; no count of `parts` is above that of all replicas."""
    found: list[Cause] = []
    for field in fields:
        found += causes.nonnegative(f"status.{field}", status.get(field))
    for field in parts:
        count = status.get(field, 0)
        if count > status.get("replicas", 0):
            found.append(causes.invalid_value(f"status.{field}", count, _MORE_THAN_ALL))
    return found


def validate_available(status: Obj, ready: str = "readyReplicas") -> list[Cause]:
    """That what is available is ready; `ready` is what the text calls the field."""
    available = status.get("availableReplicas", 0)
    if available <= status.get("readyReplicas", 0):
        return []
    return [causes.invalid_value("status.availableReplicas", available, f"cannot be greater than {ready}")]


def validate_collisions(new: Obj, old: Obj) -> list[Cause]:
    """That the count of collisions of names never goes down."""
    before, now = old.get("collisionCount"), new.get("collisionCount") or 0
    if before is None or now >= before:
        return []
    return [causes.invalid_value("status.collisionCount", now, "cannot be decremented")]


def internal_strategy(strategy: Obj, **fields: Any) -> causes.GoStruct:
    """An update strategy as texts show it: as the internal type, whose fields have Go's names. `fields` are those of
    its rollingUpdate, with what they are where they are not given."""
    given = strategy.get("rollingUpdate")
    rolling = None
    if given is not None:
        values = {name: given.get(name[0].lower() + name[1:], zero) for name, zero in fields.items()}
        rolling = causes.GoStruct(values)
    return causes.GoStruct(Type=strategy["type"], RollingUpdate=rolling)
