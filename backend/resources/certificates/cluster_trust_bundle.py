"""certificates.k8s.io/v1 ClusterTrustBundle. Source: pkg/registry/certificates/clustertrustbundle/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import NAME_COLUMN, Column, Resource, later

_SPEC = "io.k8s.api.certificates.v1.ClusterTrustBundleSpec"


def _row(bundle: Obj, _now: float) -> list[Any]:
    return [bundle["metadata"]["name"], bundle["spec"].get("signerName") or cells.NONE]


def _selectable(bundle: Obj) -> dict[str, str]:
    return {"spec.signerName": (bundle.get("spec") or {}).get("signerName", "")}


CLUSTER_TRUST_BUNDLE = Resource(
    group="certificates.k8s.io",
    version="v1",
    kind="ClusterTrustBundle",
    plural="clustertrustbundles",
    singular="clustertrustbundle",
    namespaced=False,
    schema="io.k8s.api.certificates.v1.ClusterTrustBundle",
    columns=(NAME_COLUMN, Column("SignerName", described_by=f"{_SPEC}.signerName")),
    row=_row,
    validate=later("certificates.bundle_rules:validate"),
    validate_update=later("certificates.bundle_rules:validate_update"),
    selectable=_selectable,
    selectable_names=frozenset(_selectable({})),
)
