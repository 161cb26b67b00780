"""Rules of RuntimeClass. Source: pkg/apis/node/validation/validation.go."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.objectmeta import validate_labels
from backend.meta.types import Obj
from backend.resources.core.pod_resources_validation import validate_resources
from backend.resources.core.pod_validation import validate_tolerations
from backend.resources.core.pod_warnings import OLD_LABELS


def validate(runtime_class: Obj) -> Sequence[Cause]:
    handler, scheduling = runtime_class.get("handler", ""), runtime_class.get("scheduling") or {}
    found = causes.each_invalid("handler", handler, names.dns1123_label(handler))
    overhead = (runtime_class.get("overhead") or {}).get("podFixed") or {}
    found += validate_resources({"limits": overhead}, "overhead")
    found += validate_labels(scheduling.get("nodeSelector") or {}, "scheduling.nodeSelector")
    return found + _validate_tolerations(scheduling.get("tolerations") or (), "scheduling.tolerations")


def validate_update(new: Obj, old: Obj) -> Sequence[Cause]:
    if new.get("handler") != old.get("handler"):
        return [causes.immutable("handler", new.get("handler"))]
    return []


def warnings(runtime_class: Obj, _old: Obj | None) -> list[str]:
    labels = (runtime_class.get("scheduling") or {}).get("nodeSelector") or {}
    return [f"scheduling.nodeSelector: {OLD_LABELS[key]}" for key in sorted(labels) if key in OLD_LABELS]


def _validate_tolerations(tolerations: Sequence[Obj], path: str) -> list[Cause]:
    found = validate_tolerations(tolerations, path)
    seen: set[tuple[str, ...]] = set()
    for index, toleration in enumerate(tolerations):
        key = tuple(toleration.get(name, "") for name in ("key", "operator", "value", "effect"))
        if key in seen:
            found.append(causes.duplicate(f"{path}[{index}]", toleration))
        seen.add(key)
    return found
