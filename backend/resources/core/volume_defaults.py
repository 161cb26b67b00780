"""What a volume gets when its author left it out. Source: SetDefaults_Volume and its fellows."""

from __future__ import annotations

from backend.meta.types import Obj

_MODE = 0o644


_SOURCES: dict[str, Obj] = {
    "hostPath": {"type": ""},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "kind": "Shared", "fsType": "ext4", "readOnly": False},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}


def default_sources(volume: Obj) -> None:
    """The sources that pods' volumes and persistent ones have alike."""
    for name, values in _SOURCES.items():
        if volume.get(name) is not None:
            volume[name] = {**values, **volume[name]}


def default_volume(volume: Obj) -> None:
    """A volume without a source is an empty directory."""
    if not any(name != "name" for name in volume):
        volume["emptyDir"] = {}
    for name in ("secret", "configMap", "downwardAPI", "projected"):
        if source := volume.get(name):
            source.setdefault("defaultMode", _MODE)
        elif source is not None:
            volume[name] = {"defaultMode": _MODE}
    default_sources(volume)
    _default_downward_items(volume.get("downwardAPI"))
    for source in (volume.get("projected") or {}).get("sources") or ():
        _default_downward_items(source.get("downwardAPI"))
        if token := source.get("serviceAccountToken"):
            token.setdefault("expirationSeconds", 3600)
    claim = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if claim:
        claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")


def _default_downward_items(source: Obj | None) -> None:
    for item in (source or {}).get("items") or ():
        if field_ref := item.get("fieldRef"):
            default_field_ref(field_ref)
        if resource_ref := item.get("resourceFieldRef"):
            resource_ref.setdefault("divisor", "0")


def default_field_ref(field_ref: Obj) -> None:
    if not field_ref.get("apiVersion"):
        field_ref["apiVersion"] = "v1"
