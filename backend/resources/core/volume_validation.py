"""Rules of a pod's volumes. Source: ValidateVolumes, validateVolumeSource."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backend.meta import causes, names, quantity
from backend.meta.errors import Cause
from backend.meta.objectmeta import validate_annotations, validate_labels
from backend.meta.types import Obj
from backend.resources.core.path_validation import validate_no_backsteps
from backend.resources.core.projection_validation import (
    validate_config_map,
    validate_downward,
    validate_projected,
    validate_secret,
)

_HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip


def validate_volumes(volumes: Sequence[Obj], path: str) -> tuple[list[Cause], set[str]]:
    """The faults, and the names that mounts may refer to: those of volumes without a fault of their own."""
    found: list[Cause] = []
    valid: set[str] = set()
    for index, volume in enumerate(volumes):
        here = f"{path}[{index}]"
        faults = _validate_source(volume, here)
        name = volume.get("name", "")
        if not name:
            faults.append(causes.required(f"{here}.name"))
        else:
            faults += causes.each_invalid(f"{here}.name", name, names.dns1123_label(name))
        if name in valid:
            faults.append(causes.duplicate(f"{here}.name", name))
        if not faults:
            valid.add(name)
        found += faults
    return found, valid


def _validate_source(volume: Obj, path: str) -> list[Cause]:
    """Exactly one source, and its own rules; of several the later ones are refused unread."""
    found: list[Cause] = []
    count = 0
    for source, check in _SOURCES.items():
        if volume.get(source) is None:
            continue
        if count:
            found.append(causes.forbidden(f"{path}.{source}", "may not specify more than 1 volume type"))
        else:
            found += check(volume[source], f"{path}.{source}")
            count = 1
    if not count:
        found.append(causes.required(path, "must specify a volume type"))
    return found


def validate_source(kind: str, source: Obj, path: str) -> list[Cause]:
    """The own rules of a source of the kind, such as `nfs`, wherever it stands."""
    return _SOURCES[kind](source, path)


def _needs(*fields: str) -> Callable[[Obj, str], list[Cause]]:
    def check(source: Obj, path: str) -> list[Cause]:
        return [causes.required(f"{path}.{field}") for field in fields if not source.get(field)]

    return check


def _validate_empty_dir(source: Obj, path: str) -> list[Cause]:
    limit = source.get("sizeLimit")
    if limit is not None and quantity.parse(str(limit)) < 0:
        return [causes.forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")]
    return []


def _validate_host_path(source: Obj, path: str) -> list[Cause]:
    target = source.get("path", "")
    if not target:
        return [causes.required(f"{path}.path")]
    found = validate_no_backsteps(target, f"{path}.path")
    kind = source.get("type")
    if kind is not None and kind not in _HOST_PATH_TYPES:
        found.append(causes.not_supported(f"{path}.type", kind, _HOST_PATH_TYPES))
    return found


def _validate_nfs(source: Obj, path: str) -> list[Cause]:
    found = _needs("server", "path")(source, path)
    if not source.get("path", "").startswith("/"):
        found.append(causes.invalid_value(f"{path}.path", source.get("path", ""), "must be an absolute path"))
    return found


def _validate_image(source: Obj, path: str) -> list[Cause]:
    found = _needs("reference")(source, path)
    policy = source.get("pullPolicy")
    if policy and policy not in ("Always", "IfNotPresent", "Never"):
        found.append(causes.not_supported(f"{path}.pullPolicy", policy, ("Always", "IfNotPresent", "Never")))
    return found


def _validate_ephemeral(source: Obj, path: str) -> list[Cause]:
    # The rules of claims are few pods' business, and need those of this module.
    from backend.resources.core.persistent_volume_claim_rules import validate_claim_spec

    template, path = source.get("volumeClaimTemplate"), f"{path}.volumeClaimTemplate"
    if template is None:
        return [causes.required(path)]
    meta = template.get("metadata") or {}
    found = validate_annotations(meta.get("annotations") or {}, f"{path}.metadata.annotations")
    found += validate_labels(meta.get("labels") or {}, f"{path}.metadata.labels")
    return found + validate_claim_spec(template.get("spec") or {}, f"{path}.spec")


_SOURCES: dict[str, Callable[[Obj, str], list[Cause]]] = {
    "emptyDir": _validate_empty_dir,
    "hostPath": _validate_host_path,
    "gitRepo": _needs("repository"),
    "gcePersistentDisk": _needs("pdName"),
    "awsElasticBlockStore": _needs("volumeID"),
    "secret": validate_secret,
    "nfs": _validate_nfs,
    "iscsi": _needs("targetPortal", "iqn"),
    "glusterfs": _needs("endpoints", "path"),
    "flocker": _needs(),
    "persistentVolumeClaim": _needs("claimName"),
    "rbd": _needs("monitors", "image"),
    "cinder": _needs("volumeID"),
    "cephfs": _needs("monitors"),
    "quobyte": _needs("registry", "volume"),
    "downwardAPI": validate_downward,
    "fc": _needs(),
    "flexVolume": _needs("driver"),
    "configMap": validate_config_map,
    "azureFile": _needs("secretName", "shareName"),
    "vsphereVolume": _needs("volumePath"),
    "photonPersistentDisk": _needs("pdID"),
    "portworxVolume": _needs("volumeID"),
    "azureDisk": _needs("diskName", "diskURI"),
    "storageos": _needs(),
    "projected": validate_projected,
    "scaleIO": _needs("gateway", "system", "volumeName"),
    "csi": _needs("driver"),
    "ephemeral": _validate_ephemeral,
    "image": _validate_image,
}
"""In the order in which kube-apiserver looks at them: it decides which of two is the one too many."""
