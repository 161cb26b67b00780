"""storagemigration.k8s.io/v1 StorageVersionMigration. Source: pkg/registry/storagemigration, printers.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources.resource import NAME_COLUMN, Column, Resource, later


def _prepare_create(migration: Obj) -> None:
    migration["status"] = {}


def _row(migration: Obj, _now: float) -> list[Any]:
    resource = (migration.get("spec") or {}).get("resource") or {}
    return [migration["metadata"]["name"], f"{resource.get('resource', '')}.{resource.get('group', '')}"]


STORAGE_VERSION_MIGRATION = Resource(
    group="storagemigration.k8s.io",
    version="v1",
    kind="StorageVersionMigration",
    plural="storageversionmigrations",
    singular="storageversionmigration",
    namespaced=False,
    schema="io.k8s.api.storagemigration.v1.StorageVersionMigration",
    subresources=("status",),
    columns=(
        Column("Name", described_by=NAME_COLUMN.described_by),
        Column("Resource", description="Fully qualified resource to migrate"),
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    prepare_create=_prepare_create,
    validate=later("storagemigration.migration_rules:validate"),
    validate_update=later("storagemigration.migration_rules:validate_update"),
    validate_status_update=later("storagemigration.migration_rules:validate_status_update"),
)
