"""Strategic merge on the client's side, with the server's schemas of Kubernetes' own kinds."""

from __future__ import annotations

from typing import Any

from minikctl.client.rest import ResourceMapping


class UnknownKind(Exception):
    """No schema says how lists of this kind are merged."""


def strategic_patch(mapping: ResourceMapping, obj: dict[str, Any], patch: Any) -> dict[str, Any]:
    """`obj` after the strategic merge patch. Raises UnknownKind, and backend.meta.errors.ApiError."""
    from backend.meta.patch import strategic_merge_patch

    schemas, definition = _schema(mapping)
    patched: dict[str, Any] = strategic_merge_patch(obj, patch, definition, schemas)
    return patched


def strategic_diff(mapping: ResourceMapping, original: dict[str, Any], edited: dict[str, Any]) -> dict[str, Any]:
    """The strategic merge patch that makes `edited` of `original`. Raises as `strategic_patch`."""
    from backend.meta.patch import two_way_strategic

    schemas, definition = _schema(mapping)
    patch: dict[str, Any] = two_way_strategic(original, edited, definition, schemas)
    return patch


def _schema(mapping: ResourceMapping) -> tuple[Any, str]:
    from backend.meta.schema import Schemas

    schemas = Schemas.load()
    definition = schemas.kinds().get((mapping.group, mapping.version, mapping.kind))
    if definition is None:
        raise UnknownKind(mapping.kind)
    return schemas, definition
