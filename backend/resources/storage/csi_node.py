"""storage.k8s.io/v1 CSINode. Source: pkg/registry/storage/csinode/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later


def _default(node: Obj) -> None:
    """What Kubernetes' Go type always writes, even when nobody set it."""
    node.setdefault("spec", {}).setdefault("drivers", None)


def _row(node: Obj, now: float) -> list[Any]:
    return [node["metadata"]["name"], len((node.get("spec") or {}).get("drivers") or ()), cells.age(node, now)]


CSI_NODE = Resource(
    group="storage.k8s.io",
    version="v1",
    kind="CSINode",
    plural="csinodes",
    singular="csinode",
    namespaced=False,
    schema="io.k8s.api.storage.v1.CSINode",
    columns=(
        NAME_COLUMN,
        Column(
            "Drivers",
            "integer",
            description="Drivers indicates the number of CSI drivers registered on the node",
        ),
        AGE_COLUMN,
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=_default,
    validate=later("storage.csi_rules:validate_csi_node"),
    validate_update=later("storage.csi_rules:validate_csi_node_update"),
)
