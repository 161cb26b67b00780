"""storage.k8s.io/v1 CSIStorageCapacity. Source: pkg/registry/storage/csistoragecapacity/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import NAME_COLUMN, Column, Resource, later

_SCHEMA = "io.k8s.api.storage.v1.CSIStorageCapacity"


def _row(capacity: Obj, _now: float) -> list[Any]:
    known = capacity.get("capacity")
    return [
        capacity["metadata"]["name"],
        capacity.get("storageClassName", ""),
        known if known is not None else cells.UNSET,
    ]


CSI_STORAGE_CAPACITY = Resource(
    group="storage.k8s.io",
    version="v1",
    kind="CSIStorageCapacity",
    plural="csistoragecapacities",
    singular="csistoragecapacity",
    namespaced=True,
    schema=_SCHEMA,
    columns=(
        NAME_COLUMN,
        Column("StorageClassName", described_by=f"{_SCHEMA}.storageClassName"),
        Column("Capacity", described_by=f"{_SCHEMA}.capacity"),
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    warnings=later("core.storage_warnings:capacity_warnings"),
    validate=later("storage.csi_rules:validate_storage_capacity"),
    validate_update=later("storage.csi_rules:validate_storage_capacity_update"),
)
