"""v1 PersistentVolumeClaim. Source: pkg/registry/core/persistentvolumeclaim/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.core.storage_cells import access_modes, phase_of, storage_class_of
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_SPEC = "io.k8s.api.core.v1.PersistentVolumeClaimSpec"
_STATUS = "io.k8s.api.core.v1.PersistentVolumeClaimStatus"


def _row(claim: Obj, now: float) -> list[Any]:
    """A claim has a capacity and modes only once a volume is bound to it."""
    spec, status = claim["spec"], claim.get("status") or {}
    bound = spec.get("volumeName", "")
    return [
        claim["metadata"]["name"],
        phase_of(claim),
        bound,
        (status.get("capacity") or {}).get("storage", "0") if bound else "",
        access_modes(status.get("accessModes")) if bound else "",
        storage_class_of(claim),
        spec.get("volumeAttributesClassName", cells.UNSET),
        cells.age(claim, now),
        spec.get("volumeMode", cells.UNSET),
    ]


PERSISTENT_VOLUME_CLAIM = Resource(
    group="",
    version="v1",
    kind="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    singular="persistentvolumeclaim",
    namespaced=True,
    schema="io.k8s.api.core.v1.PersistentVolumeClaim",
    short_names=("pvc",),
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column("Status", described_by=f"{_STATUS}.phase"),
        Column("Volume", described_by=f"{_SPEC}.volumeName"),
        Column("Capacity", described_by=f"{_STATUS}.capacity"),
        Column("Access Modes", described_by=f"{_STATUS}.accessModes"),
        Column("StorageClass", description="StorageClass of the pvc"),
        Column("VolumeAttributesClass", description="VolumeAttributesClass of the pvc"),
        AGE_COLUMN,
        Column("VolumeMode", priority=1, described_by=f"{_SPEC}.volumeMode"),
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=later("core.persistent_volume_claim_rules:default"),
    prepare_create=later("core.persistent_volume_claim_rules:prepare_create"),
    prepare_update=later("core.persistent_volume_claim_rules:prepare_update"),
    warnings=later("core.storage_warnings:claim_warnings"),
    validate=later("core.persistent_volume_claim_rules:validate"),
    validate_update=later("core.persistent_volume_claim_rules:validate_update"),
    validate_status_update=later("core.persistent_volume_claim_rules:validate_status_update"),
)
