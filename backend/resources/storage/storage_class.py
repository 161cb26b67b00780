"""storage.k8s.io/v1 StorageClass. Sources: pkg/registry/storage/storageclass, pkg/apis/storage/v1/defaults.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_SCHEMA = "io.k8s.api.storage.v1.StorageClass"
DEFAULT_ANNOTATIONS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def is_default(storage_class: Obj) -> bool:
    """Whether claims that name no class get this one."""
    annotations = storage_class["metadata"].get("annotations") or {}
    return any(annotations.get(key) == "true" for key in DEFAULT_ANNOTATIONS)


def _default(storage_class: Obj) -> None:
    storage_class.setdefault("reclaimPolicy", "Delete")
    storage_class.setdefault("volumeBindingMode", "Immediate")


def _row(storage_class: Obj, now: float) -> list[Any]:
    name = storage_class["metadata"]["name"]
    return [
        f"{name} (default)" if is_default(storage_class) else name,
        storage_class.get("provisioner", ""),
        storage_class.get("reclaimPolicy", "Delete"),
        storage_class.get("volumeBindingMode", cells.UNSET),
        storage_class.get("allowVolumeExpansion", False),
        cells.age(storage_class, now),
    ]


STORAGE_CLASS = Resource(
    group="storage.k8s.io",
    version="v1",
    kind="StorageClass",
    plural="storageclasses",
    singular="storageclass",
    namespaced=False,
    schema=_SCHEMA,
    short_names=("sc",),
    columns=(
        NAME_COLUMN,
        Column("Provisioner", described_by=f"{_SCHEMA}.provisioner"),
        Column("ReclaimPolicy", described_by=f"{_SCHEMA}.reclaimPolicy"),
        Column("VolumeBindingMode", described_by=f"{_SCHEMA}.volumeBindingMode"),
        Column("AllowVolumeExpansion", described_by=f"{_SCHEMA}.allowVolumeExpansion"),
        AGE_COLUMN,
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=_default,
    warnings=later("core.storage_warnings:class_warnings"),
    validate=later("storage.class_rules:validate_storage_class"),
    validate_update=later("storage.class_rules:validate_storage_class_update"),
)
