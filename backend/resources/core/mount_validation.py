"""Rules of a container's mounts. Source: ValidateVolumeMounts, ValidateVolumeDevices."""

from __future__ import annotations

from collections.abc import Collection

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.path_validation import validate_local_descending_path

_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")


def validate_mounts(container: Obj, volumes: Collection[str], container_path: str) -> list[Cause]:
    path = f"{container_path}.volumeMounts"
    devices = {device.get("name") for device in container.get("volumeDevices") or ()}
    found: list[Cause] = []
    mount_paths: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        here = f"{path}[{index}]"
        name, mount_path = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            found.append(causes.required(f"{here}.name"))
        if name not in volumes:
            found.append(causes.not_found(f"{here}.name", name))
        if not mount_path:
            found.append(causes.required(f"{here}.mountPath"))
        if mount_path in mount_paths:
            found.append(causes.invalid_value(f"{here}.mountPath", mount_path, "must be unique"))
        mount_paths.add(mount_path)
        if name in devices:
            found.append(causes.invalid_value(f"{here}.name", name, "must not already exist in volumeDevices"))
        found += _validate_sub_path(mount, path, here)
        propagation = mount.get("mountPropagation")
        if propagation is not None and propagation not in _PROPAGATIONS:
            found.append(causes.not_supported(f"{here}.mountPropagation", propagation, _PROPAGATIONS))
        found += _validate_propagation(container, propagation, f"{here}.mountPropagation")
    return found


def _validate_propagation(container: Obj, propagation: str | None, path: str) -> list[Cause]:
    privileged = (container.get("securityContext") or {}).get("privileged")
    if propagation != "Bidirectional" or privileged:
        return []
    detail = "Bidirectional mount propagation is available only to privileged containers"
    return [causes.forbidden(path, detail)]


def _validate_sub_path(mount: Obj, path: str, here: str) -> list[Cause]:
    """kube-apiserver names the list and not the mount in these faults."""
    found: list[Cause] = []
    if sub_path := mount.get("subPath"):
        found += validate_local_descending_path(sub_path, f"{path}.subPath")
    if expression := mount.get("subPathExpr"):
        if mount.get("subPath"):
            detail = "subPathExpr and subPath are mutually exclusive"
            found.append(causes.invalid_value(f"{here}.subPathExpr", expression, detail))
        found += validate_local_descending_path(expression, f"{path}.subPathExpr")
    return found


def validate_devices(container: Obj, volumes: Collection[str], container_path: str) -> list[Cause]:
    found: list[Cause] = []
    seen_paths: set[str] = set()
    for index, device in enumerate(container.get("volumeDevices") or ()):
        here = f"{container_path}.volumeDevices[{index}]"
        name, device_path = device.get("name", ""), device.get("devicePath", "")
        if not name:
            found.append(causes.required(f"{here}.name"))
        elif name not in volumes:
            found.append(causes.not_found(f"{here}.name", name))
        if not device_path:
            found.append(causes.required(f"{here}.devicePath"))
        if device_path in seen_paths:
            found.append(causes.invalid_value(f"{here}.devicePath", device_path, "must be unique"))
        seen_paths.add(device_path)
    return found
