"""v1 PersistentVolume. Source: pkg/registry/core/persistentvolume/strategy.go, pkg/apis/core/v1/defaults.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names, timefmt
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.core.storage_cells import access_modes, phase_of, storage_class_of
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_SPEC = "io.k8s.api.core.v1.PersistentVolumeSpec"
_STATUS = "io.k8s.api.core.v1.PersistentVolumeStatus"


def _prepare_create(volume: Obj) -> None:
    """A volume is Pending until its controller has looked at it, whatever status its author sent."""
    volume["status"] = {"phase": "Pending", "lastPhaseTransitionTime": timefmt.now()}


def _prepare_status_update(volume: Obj, old: Obj) -> None:
    """A new phase began now, unless its author says when."""
    status, before = volume.setdefault("status", {}), old.get("status") or {}
    began = "lastPhaseTransitionTime"
    if status.get("phase") != before.get("phase") and status.get(began) == before.get(began):
        status[began] = timefmt.now()


def _row(volume: Obj, now: float) -> list[Any]:
    spec, status = volume["spec"], volume.get("status") or {}
    claim = spec.get("claimRef")
    return [
        volume["metadata"]["name"],
        (spec.get("capacity") or {}).get("storage", "0"),
        access_modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy", ""),
        phase_of(volume),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        storage_class_of(volume),
        spec.get("volumeAttributesClassName", cells.UNSET),
        status.get("reason", ""),
        cells.age(volume, now),
        spec.get("volumeMode", cells.UNSET),
    ]


PERSISTENT_VOLUME = Resource(
    group="",
    version="v1",
    kind="PersistentVolume",
    plural="persistentvolumes",
    singular="persistentvolume",
    namespaced=False,
    schema="io.k8s.api.core.v1.PersistentVolume",
    short_names=("pv",),
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column("Capacity", described_by=f"{_SPEC}.capacity"),
        Column("Access Modes", described_by=f"{_SPEC}.accessModes"),
        Column("Reclaim Policy", described_by=f"{_SPEC}.persistentVolumeReclaimPolicy"),
        Column("Status", described_by=f"{_STATUS}.phase"),
        Column("Claim", described_by=f"{_SPEC}.claimRef"),
        Column("StorageClass", description="StorageClass of the pv"),
        Column("VolumeAttributesClass", description="VolumeAttributesClass of the pv"),
        Column("Reason", described_by=f"{_STATUS}.reason"),
        AGE_COLUMN,
        Column("VolumeMode", priority=1, described_by=f"{_SPEC}.volumeMode"),
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=later("core.persistent_volume_rules:default"),
    prepare_create=_prepare_create,
    prepare_status_update=_prepare_status_update,
    warnings=later("core.storage_warnings:volume_warnings"),
    validate=later("core.persistent_volume_rules:validate"),
    validate_update=later("core.persistent_volume_rules:validate_update"),
)
