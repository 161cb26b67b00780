"""What pods/resize may change: processor and memory of containers. Source: ValidatePodResize, dropNonResizeUpdates."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.pod_qos import qos_class
from backend.resources.core.pod_validation import validate_pod_spec

RESIZABLE = ("cpu", "memory")
_KINDS = ("initContainers", "containers")
_ONLY = "only cpu and memory resources are mutable"
_ONLY_OF_SIDECARS = "only cpu and memory resources for sidecar containers are mutable"
_FIXED = "resources for non-sidecar init containers are immutable"


def keep_all_but_resources(new: Obj, old: Obj) -> None:
    """Put back, in place, what is not for this endpoint. Containers that were added, removed, renamed or moved are left
    for the validation to find."""
    asked = new.get("spec") or {}
    if any(_names(asked, kind) != _names(old["spec"], kind) for kind in _KINDS):
        return
    kept = copy.deepcopy(old["spec"])
    for kind in _KINDS:
        for container, wanted in zip(kept.get(kind) or (), asked.get(kind) or (), strict=True):
            for field in ("resources", "resizePolicy"):
                if field in wanted:
                    container[field] = wanted[field]
                else:
                    container.pop(field, None)
    new["spec"] = kept


def validate_resize(pod: Obj, old: Obj) -> Sequence[Cause]:
    spec, old_spec = pod["spec"], old["spec"]
    for kind in _KINDS:
        path = f"spec.{kind}"
        if len(spec.get(kind) or ()) != len(old_spec.get(kind) or ()):
            return [causes.forbidden(path, "containers may not be added or removed on resize")]
        if _names(spec, kind) != _names(old_spec, kind):
            return [causes.forbidden(path, "containers may not be renamed or reordered on resize")]
    if spec.get("resources") or old_spec.get("resources"):
        return [causes.forbidden("", "pods with pod-level resources cannot be resized")]
    found = validate_pod_spec(spec, "spec")
    before = (old.get("status") or {}).get("qosClass") or qos_class(old_spec)
    if (after := qos_class(spec)) != before:
        found.append(causes.invalid_value("spec", after, "Pod QOS Class may not change as a result of resizing"))
    for kind in _KINDS:
        for index, (container, known) in enumerate(_pairs(spec, old_spec, kind)):
            found += _validate_container(container, known, kind, f"spec.{kind}[{index}].resources")
    return found


def _validate_container(new: Obj, old: Obj, kind: str, path: str) -> list[Cause]:
    if kind == "initContainers" and old.get("restartPolicy") != "Always":
        return [] if new == old else [causes.forbidden("spec", _FIXED)]
    found = [
        causes.forbidden(f"{path}.{field}", f"resource {field} cannot be removed")
        for field in ("requests", "limits")
        if _of(old, field).keys() - _of(new, field).keys()
    ]
    if _without_resizable(new, old) != old:
        found.append(causes.forbidden("spec", _ONLY if kind == "containers" else _ONLY_OF_SIDECARS))
    return found


def _without_resizable(new: Obj, old: Obj) -> Obj:
    """The new container with the old values of what may change."""
    resources = dict(new.get("resources") or {})
    for field in ("requests", "limits"):
        amounts = {name: amount for name, amount in _of(new, field).items() if name not in RESIZABLE}
        amounts |= {name: amount for name, amount in _of(old, field).items() if name in RESIZABLE}
        if amounts or field in (old.get("resources") or {}):
            resources[field] = amounts
        else:
            resources.pop(field, None)
    undone = {**new, "resources": resources}
    if "resources" not in old and not resources:
        del undone["resources"]
    return undone


def _of(container: Obj, field: str) -> Obj:
    found: Obj = (container.get("resources") or {}).get(field) or {}
    return found


def _names(spec: Obj, kind: str) -> list[str]:
    return [container.get("name", "") for container in spec.get(kind) or ()]


def _pairs(spec: Obj, old: Obj, kind: str) -> list[tuple[Obj, Obj]]:
    return list(zip(spec.get(kind) or (), old.get(kind) or (), strict=True))
