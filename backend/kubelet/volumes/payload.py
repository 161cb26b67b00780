"""Secrets, ConfigMaps and pod fields as files: which keys, at which paths, with which modes."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from backend.kubelet.fields import UnsupportedField, pod_field, resource_field
from backend.kubelet.lookup import required
from backend.kubelet.volumes.atomic_writer import File
from backend.kubelet.volumes.plugin import VolumeContext, VolumeFailure
from backend.meta.types import Obj

DEFAULT_MODE = 0o644


def secret_files(context: VolumeContext, name: str, source: Obj, mode: int) -> dict[str, File]:
    """`source` has `items` and `optional`. Raises MissingReference, VolumeFailure for a key that is missing."""
    optional = bool(source.get("optional"))
    secret = context.lookup("Secret", name) if optional else required(context.lookup, "Secret", name)
    data = {key: base64.b64decode(value) for key, value in ((secret or {}).get("data") or {}).items()}
    return _projected(data, source, mode, optional, "references non-existent secret key: ")


def config_map_files(context: VolumeContext, name: str, source: Obj, mode: int) -> dict[str, File]:
    """As secret_files; `data` and `binaryData` make one set of keys."""
    optional = bool(source.get("optional"))
    found = context.lookup("ConfigMap", name) if optional else required(context.lookup, "ConfigMap", name)
    config_map = found or {}
    data = {key: value.encode() for key, value in (config_map.get("data") or {}).items()}
    data |= {key: base64.b64decode(value) for key, value in (config_map.get("binaryData") or {}).items()}
    return _projected(data, source, mode, optional, "configmap references non-existent config key: ")


def _projected(data: Mapping[str, bytes], source: Obj, mode: int, optional: bool, missing: str) -> dict[str, File]:
    items = source.get("items")
    if not items:
        return {key: File(value, mode) for key, value in data.items()}
    files = {}
    for item in items:
        if item["key"] in data:
            files[item["path"]] = File(data[item["key"]], _mode(item, mode))
        elif not optional:
            raise VolumeFailure(missing + item["key"])
    return files


def downward_files(context: VolumeContext, items: list[Obj], mode: int) -> dict[str, File]:
    """Raises VolumeFailure for a field that there is not."""
    return {item["path"]: File(_downward(context, item).encode(), _mode(item, mode)) for item in items}


def _downward(context: VolumeContext, item: Obj) -> str:
    spec = context.pod["spec"]
    try:
        if "fieldRef" in item:
            return pod_field(context.pod, item["fieldRef"]["fieldPath"])
        reference = item["resourceFieldRef"]
        containers = [*(spec.get("initContainers") or []), *spec["containers"]]
        named = next((c for c in containers if c["name"] == reference.get("containerName")), None)
        if named is None:
            raise UnsupportedField(f"container {reference.get('containerName')} not found")
        return resource_field(named, reference, context.allocatable)
    except UnsupportedField as error:
        raise VolumeFailure(str(error)) from error


def _mode(item: Obj, default: int) -> int:
    mode = item.get("mode")
    return default if mode is None else int(mode)


def default_mode(source: Obj) -> int:
    mode = source.get("defaultMode")
    return DEFAULT_MODE if mode is None else int(mode)
