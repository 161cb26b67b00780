"""Rules of StorageVersionMigration. Source: pkg/apis/storagemigration/validation/validation.go."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj


def validate(migration: Obj) -> Sequence[Cause]:
    target = (migration.get("spec") or {}).get("resource") or {}
    resource, group = target.get("resource", ""), target.get("group", "")
    found: list[Cause] = []
    if not resource:
        found.append(causes.required("spec.resource.resource", "resource is required to be set"))
    elif faults := names.dns1035_label(resource):
        found.append(causes.invalid_value("spec.resource.resource", resource, ",".join(faults)))
    if group and (faults := names.dns1123_subdomain(group)):
        found.append(causes.invalid_value("spec.resource.group", group, ",".join(faults)))
    return found


def validate_update(new: Obj, old: Obj) -> Sequence[Cause]:
    found = list(validate(new))
    if new.get("spec") != old.get("spec"):
        found.append(causes.immutable("spec", new.get("spec")))
    return found


def validate_status_update(new: Obj, old: Obj) -> Sequence[Cause]:
    """A migration ends once, well or not."""
    status, before = new.get("status") or {}, old.get("status") or {}
    conditions, path = status.get("conditions") or [], "status.conditions"
    done, failed, running = (_is(status, name) for name in ("Succeeded", "Failed", "Running"))
    found: list[Cause] = []
    version, version_before = status.get("resourceVersion", ""), before.get("resourceVersion", "")
    if version_before and version != version_before:
        found.append(causes.immutable("status.resourceVersion", version))
    for wrong, text in (
        (done and failed, "Both success and failed conditions cannot be true at the same time"),
        (done and running, "Running condition cannot be true when success condition is true"),
        (failed and running, "Running condition cannot be true when failed condition is true"),
        (_is(before, "Succeeded") and not done, "Success condition cannot be set to false once it is true"),
        (_is(before, "Failed") and not failed, "Failed condition cannot be set to false once it is true"),
    ):
        if wrong:
            found.append(causes.invalid_value(path, conditions, text))
    return found


def _is(status: Obj, name: str) -> bool:
    return any(
        condition.get("type") == name and condition.get("status") == "True"
        for condition in status.get("conditions") or ()
    )
