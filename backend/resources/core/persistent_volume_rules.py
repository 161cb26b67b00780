"""Rules of PersistentVolume. Sources: pkg/apis/core/v1/defaults.go, pkg/apis/core/validation/validation.go."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from backend.meta import causes, names, quantity
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.affinity_validation import validate_node_selector
from backend.resources.core.path_validation import validate_no_backsteps
from backend.resources.core.volume_defaults import default_sources
from backend.resources.core.volume_validation import validate_source
from backend.resources.difference import difference
from backend.resources.storage.csi_rules import validate_driver_name

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
_RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")
_INLINE = "in the context of inline volumes"
_SOURCES = (
    "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte",
    "cephfs", "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume", "photonPersistentDisk",
    "portworxVolume", "azureDisk", "scaleIO", "local", "storageos", "csi",
)  # fmt: skip
"""In the order in which kube-apiserver looks for them."""


def default(volume: Obj) -> None:
    spec = volume.setdefault("spec", {})
    spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
    spec.setdefault("volumeMode", "Filesystem")
    default_sources(spec)
    volume.setdefault("status", {}).setdefault("phase", "Pending")


def validate(volume: Obj) -> Sequence[Cause]:
    spec, path = volume["spec"], "spec"
    found = [] if spec.get("accessModes") else [causes.required(f"{path}.accessModes")]
    found += validate_access_modes(spec, path)
    found += _validate_capacity(spec.get("capacity") or {}, f"{path}.capacity")
    policy = spec.get("persistentVolumeReclaimPolicy")
    if policy and policy not in _RECLAIM_POLICIES:
        found.append(causes.not_supported(f"{path}.persistentVolumeReclaimPolicy", policy, _RECLAIM_POLICIES))
    found += _validate_node_affinity(spec.get("nodeAffinity"), f"{path}.nodeAffinity")
    found += _validate_sources(spec, path)
    if class_name := spec.get("storageClassName"):
        found += causes.each_invalid(f"{path}.storageClassName", class_name, names.dns1123_subdomain(class_name))
    found += validate_volume_mode(spec, path)
    return found + _validate_attributes_class(spec, path)


def validate_inline_spec(spec: Obj, path: str) -> list[Cause]:
    """A volume that is written into a VolumeAttachment, instead of one that is referred to."""
    found = [
        causes.forbidden(f"{path}.{name}", f"may not be specified {_INLINE}")
        for name in ("claimRef", "capacity")
        if spec.get(name)
    ]
    if spec.get("csi") is None:
        found.append(causes.required(f"{path}.csi", f"has to be specified {_INLINE}"))
    found += [] if spec.get("accessModes") else [causes.required(f"{path}.accessModes")]
    found += validate_access_modes(spec, path)
    if spec.get("persistentVolumeReclaimPolicy") not in (None, "", "Retain"):
        found.append(causes.forbidden(f"{path}.persistentVolumeReclaimPolicy", f"may only be Retain {_INLINE}"))
    if spec.get("nodeAffinity") is not None:
        found.append(causes.forbidden(f"{path}.nodeAffinity", f"may not be specified {_INLINE}"))
    found += _validate_sources(spec, path)
    if spec.get("storageClassName"):
        found.append(causes.forbidden(f"{path}.storageClassName", f"may not be specified {_INLINE}"))
    if spec.get("volumeMode", "Filesystem") != "Filesystem":
        detail = f"may not specify volumeMode other than Filesystem {_INLINE}"
        found.append(causes.forbidden(f"{path}.volumeMode", detail))
    return found


def validate_access_modes(spec: Obj, path: str) -> list[Cause]:
    """Of a volume's or a claim's spec; that there are any is for the caller to check."""
    modes, path = spec.get("accessModes") or (), f"{path}.accessModes"
    found = [causes.not_supported(path, mode, ACCESS_MODES) for mode in modes if mode not in ACCESS_MODES]
    known = {mode for mode in modes if mode in ACCESS_MODES}
    if "ReadWriteOncePod" in known and len(known) > 1:
        found.append(causes.forbidden(path, "may not use ReadWriteOncePod with other access modes"))
    return found


def validate_volume_mode(spec: Obj, path: str) -> list[Cause]:
    mode = spec.get("volumeMode")
    if mode is None or mode in VOLUME_MODES:
        return []
    return [causes.not_supported(f"{path}.volumeMode", mode, VOLUME_MODES)]


def _validate_capacity(capacity: Obj, path: str) -> list[Cause]:
    found = [] if capacity else [causes.required(path)]
    if "storage" not in capacity or len(capacity) > 1:
        found.append(causes.not_supported(path, capacity, ("storage",)))
    for name, amount in sorted(capacity.items()):
        value = quantity.parse(amount)
        if value < 0:
            found.append(causes.invalid_value(f"{path}[{name}]", int(value), "must be a valid resource quantity"))
        if value <= 0:
            found.append(causes.invalid_value(f"{path}[{name}]", amount, "must be greater than zero"))
    return found


def _validate_node_affinity(affinity: Obj | None, path: str) -> list[Cause]:
    if affinity is None:
        return []
    required = affinity.get("required")
    if required is None:
        return [causes.required(f"{path}.required", "must specify required node constraints")]
    return validate_node_selector(required, f"{path}.required")


def _validate_sources(spec: Obj, path: str) -> list[Cause]:
    """One, and its own rules; of several the later ones are refused unread."""
    found: list[Cause] = []
    kinds = [kind for kind in _SOURCES if spec.get(kind) is not None]
    for number, kind in enumerate(kinds):
        if number and kind != "flexVolume":
            where = "cephFS" if kind == "cephfs" else kind
            found.append(causes.forbidden(f"{path}.{where}", "may not specify more than 1 volume type"))
        else:
            where = "persistentDisk" if kind == "gcePersistentDisk" else kind
            found += _validate_one_source(kind, spec, f"{path}.{where}")
    if not kinds:
        found.append(causes.required(path, "must specify a volume type"))
    root = "hostPath" in kinds and posixpath.normpath(spec["hostPath"].get("path", "")) == "/"
    if root and spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        detail = "may not be 'recycle' for a hostPath mount of '/'"
        found.append(causes.forbidden(f"{path}.persistentVolumeReclaimPolicy", detail))
    return found


def _validate_one_source(kind: str, spec: Obj, path: str) -> list[Cause]:
    source = spec[kind]
    if kind == "csi":
        return _validate_csi(source, path)
    if kind != "local":
        return validate_source(kind, source, path)
    target = source.get("path", "")
    found = validate_no_backsteps(target, f"{path}.path") if target else [causes.required(f"{path}.path")]
    if spec.get("nodeAffinity") is None:
        parent = path.rpartition(".")[0]
        found.append(causes.required(f"{parent}.nodeAffinity", "Local volume requires node affinity"))
    return found


def _validate_csi(source: Obj, path: str) -> list[Cause]:
    found = validate_driver_name(source.get("driver", ""), f"{path}.driver")
    if not source.get("volumeHandle"):
        found.append(causes.required(f"{path}.volumeHandle"))
    for name in ("controllerPublish", "controllerExpand", "nodePublish", "nodeExpand"):
        reference = source.get(f"{name}SecretRef")
        if reference is not None:
            found += _validate_secret_reference(reference, f"{path}.{name}SecretRef")
    return found


def _validate_secret_reference(reference: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    for field, check in (("name", names.dns1123_subdomain), ("namespace", names.dns1123_label)):
        value = reference.get(field, "")
        if not value:
            found.append(causes.required(f"{path}.{field}"))
        else:
            found += causes.each_invalid(f"{path}.{field}", value, check(value))
    return found


def _validate_attributes_class(spec: Obj, path: str) -> list[Cause]:
    name, path_of_name = spec.get("volumeAttributesClassName"), f"{path}.volumeAttributesClassName"
    if name is None:
        return []
    found = causes.each_invalid(path_of_name, name, names.dns1123_subdomain(name)) if name else []
    if not name:
        found.append(causes.required(path_of_name, "an empty string is disallowed"))
    if spec.get("csi") is None:
        found.append(causes.required(f"{path}.csi", "has to be specified when using volumeAttributesClassName"))
    return found


def validate_update(new: Obj, old: Obj) -> Sequence[Cause]:
    """What a volume is stays; who may have it changes."""
    spec, before = new["spec"], old["spec"]
    found = list(validate(new))
    source, source_before = _source(spec), _source(before)
    if "controllerExpandSecretRef" not in source_before.get("csi", {"controllerExpandSecretRef": None}):
        source.get("csi", {}).pop("controllerExpandSecretRef", None)
    if source != source_before:
        text = "spec.persistentvolumesource is immutable after creation"
        found.append(
            causes.forbidden("spec.persistentvolumesource", f"{text}\n{difference(source_before, source)}")
        )
    if spec.get("volumeMode") != before.get("volumeMode"):
        found.append(causes.immutable("volumeMode", spec.get("volumeMode")))
    affinity_before = before.get("nodeAffinity")
    if affinity_before is not None and spec.get("nodeAffinity") != affinity_before:
        found.append(causes.immutable("nodeAffinity", spec.get("nodeAffinity")))
    if before.get("volumeAttributesClassName") is not None and spec.get("volumeAttributesClassName") is None:
        detail = "update from non-nil value to nil is forbidden"
        found.append(causes.forbidden("spec.volumeAttributesClassName", detail))
    return found


def _source(spec: Obj) -> Obj:
    return {kind: dict(spec[kind]) for kind in _SOURCES if spec.get(kind) is not None}
