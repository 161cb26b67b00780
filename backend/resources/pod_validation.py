"""Rules of a pod that its schema cannot say. Source: ValidatePodCreate, ValidatePodSpec."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources import causes


def validate_pod(pod: Obj) -> Sequence[Cause]:
    spec = pod["spec"]
    found: list[Cause] = []
    if not spec.get("containers"):
        found.append(causes.required("spec.containers"))
    seen: set[str] = set()
    for index, container in enumerate(spec.get("containers") or ()):
        path = f"spec.containers[{index}]"
        name = container.get("name", "")
        if not name:
            found.append(causes.required(f"{path}.name"))
        found += causes.each_invalid(f"{path}.name", name, names.dns1123_label(name) if name else ())
        if name in seen:
            found.append(causes.duplicate(f"{path}.name", name))
        seen.add(name)
        if not container.get("image"):
            found.append(causes.required(f"{path}.image"))
    return found
