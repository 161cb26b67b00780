"""Rules of volumes that project API objects into files. Source: validateSecretVolumeSource and its fellows."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.env_validation import validate_field_ref, validate_resource_ref
from backend.resources.core.path_validation import validate_local_path

_MODE = "must be a number between 0 and 0777 (octal), both inclusive"
_FIELDS = frozenset(
    {"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"}
)
_RESOURCES = frozenset(
    {f"{kind}.{name}" for kind in ("limits", "requests") for name in ("cpu", "memory", "ephemeral-storage")}
)
_MIN_TOKEN_SECONDS = 600
_MAX_TOKEN_SECONDS = 2**32


def _validate_mode(mode: int | None, path: str) -> list[Cause]:
    return [] if mode is None or 0 <= mode <= 0o777 else [causes.invalid_value(path, mode, _MODE)]


def _validate_key_paths(items: Sequence[Obj], path: str) -> list[Cause]:
    found: list[Cause] = []
    for index, item in enumerate(items):
        here = f"{path}[{index}]"
        if not item.get("key"):
            found.append(causes.required(f"{here}.key"))
        if target := item.get("path"):
            found += validate_local_path(target, f"{here}.path")
        else:
            found.append(causes.required(f"{here}.path"))
        found += _validate_mode(item.get("mode"), f"{here}.mode")
    return found


def validate_secret(source: Obj, path: str) -> list[Cause]:
    return _validate_keyed("secretName", source, path)


def validate_config_map(source: Obj, path: str) -> list[Cause]:
    return _validate_keyed("name", source, path)


def _validate_keyed(name_field: str, source: Obj, path: str) -> list[Cause]:
    found = [] if source.get(name_field) else [causes.required(f"{path}.{name_field}")]
    found += _validate_mode(source.get("defaultMode"), f"{path}.defaultMode")
    return found + _validate_key_paths(source.get("items") or (), f"{path}.items")


def validate_downward(source: Obj, path: str) -> list[Cause]:
    found = _validate_mode(source.get("defaultMode"), f"{path}.defaultMode")
    return found + _validate_downward_files(source.get("items") or (), path)


def _validate_downward_files(items: Sequence[Obj], path: str) -> list[Cause]:
    """kube-apiserver names the volume and not the file in these faults."""
    found: list[Cause] = []
    for item in items:
        if target := item.get("path"):
            found += validate_local_path(target, f"{path}.path")
        else:
            found.append(causes.required(f"{path}.path"))
        field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
        if field is not None:
            found += validate_field_ref(field, _FIELDS, f"{path}.fieldRef")
            if resource is not None:
                detail = "fieldRef and resourceFieldRef can not be specified simultaneously"
                found.append(causes.invalid_value(path, "resource", detail))
        elif resource is not None:
            found += validate_resource_ref(resource, _RESOURCES, f"{path}.resourceFieldRef", in_volume=True)
        else:
            found.append(causes.required(path, "one of fieldRef and resourceFieldRef is required"))
        found += _validate_mode(item.get("mode"), f"{path}.mode")
    return found


def validate_projected(source: Obj, path: str) -> list[Cause]:
    found = _validate_mode(source.get("defaultMode"), f"{path}.defaultMode")
    taken: set[str] = set()
    for index, entry in enumerate(source.get("sources") or ()):
        here = f"{path}.sources[{index}]"
        found += _validate_projection(entry, here)
        if sum(value is not None for value in entry.values()) > 1:
            found.append(causes.forbidden(here, "may not specify more than 1 volume type"))
        for kind, projection in entry.items():
            for target in _projected_paths(kind, projection or {}):
                if target in taken:
                    conflict = projection.get("name", target)
                    found.append(causes.invalid_value(path, conflict, "conflicting duplicate paths"))
                taken.add(target)
    return found


def _validate_projection(entry: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    for kind in ("secret", "configMap"):
        if (projection := entry.get(kind)) is not None:
            if not projection.get("name"):
                found.append(causes.required(f"{path}.{kind}.name"))
            found += _validate_key_paths(projection.get("items") or (), f"{path}.{kind}.items")
    if (downward := entry.get("downwardAPI")) is not None:
        found += _validate_downward_files(downward.get("items") or (), f"{path}.downwardAPI")
    if (token := entry.get("serviceAccountToken")) is not None:
        found += _validate_token(token, f"{path}.serviceAccountToken")
    if (bundle := entry.get("clusterTrustBundle")) is not None:
        found += _validate_bundle(bundle, f"{path}.clusterTrustBundlePEM")
    return found


def _validate_bundle(bundle: Obj, path: str) -> list[Cause]:
    from backend.resources.certificates.bundle_projection import validate_bundle_projection  # few pods have one

    found = validate_bundle_projection(bundle, path)
    if target := bundle.get("path"):
        return found + validate_local_path(target, f"{path}.path")
    return [*found, causes.required(f"{path}.path")]


def _validate_token(token: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    seconds = token.get("expirationSeconds", _MIN_TOKEN_SECONDS)
    if seconds < _MIN_TOKEN_SECONDS:
        detail = "may not specify a duration less than 10 minutes"
        found.append(causes.invalid_value(f"{path}.expirationSeconds", seconds, detail))
    if seconds > _MAX_TOKEN_SECONDS:
        detail = "may not specify a duration larger than 2^32 seconds"
        found.append(causes.invalid_value(f"{path}.expirationSeconds", seconds, detail))
    if target := token.get("path"):
        found += validate_local_path(target, f"{path}.path")
    else:
        found.append(causes.required(f"{path}.path"))
    return found


def _projected_paths(kind: str, projection: Obj) -> list[str]:
    if kind in ("serviceAccountToken", "clusterTrustBundle"):
        return [projection["path"]] if projection.get("path") else []
    return [item["path"] for item in projection.get("items") or () if item.get("path")]
