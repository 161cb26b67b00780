"""The kinds of storagemigration.k8s.io, by name."""

from backend.resources.resource import Resource
from backend.resources.storagemigration.storage_version_migration import STORAGE_VERSION_MIGRATION

KINDS: tuple[Resource, ...] = (STORAGE_VERSION_MIGRATION,)
